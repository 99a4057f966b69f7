import type { DemandOfWhen, When } from './condition.ts';
import type { SkipsWhenReturned } from './control.ts';
import type { Schema } from './schema.ts';
import type { Needs, NoNeeds } from './source.ts';
import { makeStage, type SkipsByOption, type Stage, type StageOptions, type Yield } from './stage.ts';
import type { StageContext } from './stage-context.ts';

/** What {@link work} takes. */
export interface WorkSpec<N extends Needs, R, S, A, W, F> extends StageOptions<N, A, W> {
  /** The sources it reads, keyed by the names `run` receives. */
  readonly needs?: N | undefined;
  /** The contract of what it yields, any Standard Schema. */
  readonly output?: S | undefined;
  /** `'skip'`: a failure counts as a chosen skip, so the run goes on. @default 'fail' */
  readonly onFailure?: F | undefined;
  /**
   * The key under which the target recognises a repeated call; `run` finds it in `context.idempotencyKey` and must
   * hand it on. Only with one is an attempt that never settled followed by another.
   */
  readonly idempotencyKey?: ((values: { readonly [K in keyof N]: N[K]['~types']['out'] }) => string) | undefined;
  /** The effect. */
  readonly run: (values: { readonly [K in keyof N]: N[K]['~types']['out'] }, context: StageContext) => R;
}

/**
 * Defines a stage that changes something outside the process: a row, a mail, a payment.
 *
 * It differs from `stage` where a call may still be under way: after an attempt that was given up and has not settled,
 * `work` is retried only if it has an idempotency key.
 *
 * @example
 * ```ts
 * const save = work('save', {
 *   needs: { answer },
 *   idempotencyKey: ({ answer }) => `answer:${answer.id}`,
 *   run: ({ answer }, { idempotencyKey }) => store.put(answer, { idempotencyKey }),
 * });
 * ```
 */
export function work<
  const N extends Needs = NoNeeds,
  R = unknown,
  S extends Schema | undefined = undefined,
  const A extends readonly Stage[] = [],
  W extends When | undefined = undefined,
  F extends 'fail' | 'skip' | undefined = undefined,
>(
  name: string,
  spec: WorkSpec<N, R, S, A, W, F>,
): Stage<
  Yield<S, R>,
  (N[keyof N] | A[number])['~types']['in'] | DemandOfWhen<W>,
  N[keyof N]['~types']['skips'] | SkipsWhenReturned<R> | SkipsByOption<W | F>,
  { readonly [K in keyof N]: N[K]['~types']['out'] }
> {
  return makeStage('work', name, spec);
}
