import type { Interceptor } from '@stageflow/core';
import type { IdempotencyStore, Logger } from '@stageflow/core/ports';
import { idempotency } from './idempotency.ts';
import { logging } from './logging.ts';

/** What {@link defaultInterceptors} takes. */
export interface DefaultInterceptorsOptions {
  /** @default no lines are written */
  readonly logger?: Logger | undefined;
  /** @default nothing is deduplicated */
  readonly idempotencyStore?: IdempotencyStore | undefined;
}

/**
 * The usual list, in its order, the first outermost: `logging`, so that it sees how everything ends, cached values and
 * refusals included; then `idempotency`. What is not given is not there. It is an ordinary list: take from it, add to it,
 * or write your own. A runtime without `interceptors` has none.
 *
 * @example
 * ```ts
 * const runtime = createRuntime({
 *   pipelines: [chat],
 *   interceptors: [...defaultInterceptors({ logger, idempotencyStore }), quota],
 * });
 * ```
 */
export function defaultInterceptors({ logger, idempotencyStore }: DefaultInterceptorsOptions = {}): Interceptor[] {
  return [
    ...(logger === undefined ? [] : [logging({ logger })]),
    ...(idempotencyStore === undefined ? [] : [idempotency({ store: idempotencyStore })]),
  ];
}
