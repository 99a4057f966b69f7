import type { CustomEvent, RunEvent } from './event.ts';
import type { Schema } from './schema.ts';

/** A kind of event that a host or another package adds. */
export interface EventDefinition<out P = unknown> {
  readonly name: string;
  readonly schema: Schema<unknown, P>;
  /** Whether `event` is of this definition; narrows its payload. */
  is(event: RunEvent): event is CustomEvent<P>;
}

/**
 * Defines an event of one's own. It travels in the envelope of the run's events, numbered with them.
 *
 * @param name - What the event is called: `cart.priced`. Names that begin with `run.`, `stage.`, `attempt.` or
 *   `stream.` belong to Stageflow.
 * @param schema - The payload's contract, any synchronous Standard Schema.
 * @example
 * ```ts
 * const priced = defineEvent('cart.priced', z.object({ total: z.number() }));
 * const price = stage('price', { run: (_, context) => context.emit(priced, { total: 12 }) });
 * ```
 */
export function defineEvent<P>(name: string, schema: Schema<unknown, P>): EventDefinition<P> {
  return Object.freeze({
    name,
    schema,
    is: (event: RunEvent): event is CustomEvent<P> => event.type === 'custom' && event.name === name,
  });
}
