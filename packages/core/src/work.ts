import type { DemandOfWhen, When } from './condition.ts';
import type { SkipsWhenReturned } from './control.ts';
import type { Schema } from './schema.ts';
import type { Needs, NoNeeds } from './source.ts';
import { makeStage, type SkipsByOption, type Stage, type StageOptions, type Yield } from './stage.ts';
import type { StageContext } from './stage-context.ts';
import type { Undo } from './undo.ts';

/** What `deduplicate` takes: `true` for the defaults. */
export type Deduplicate<Values> = true | DeduplicateOptions<Values>;

/** Which calls of an effect are one call, and for how long. */
export interface DeduplicateOptions<in Values> {
  /** Keys of one scope are told apart from those of all others, whichever stage uses them. @default the pipeline and the stage's place in it */
  readonly scope?: string | undefined;
  /** What must be the same where the key is: plain data. A call with the key of another and other parameters fails. @default nothing is compared */
  readonly params?: ((values: Values) => unknown) | undefined;
  /** How long the value is remembered, milliseconds. @default what the interceptor says */
  readonly ttlMs?: number | undefined;
}

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
  /**
   * Asks that of all calls with one `idempotencyKey`, in any run, one is made, and that the others get its value. An
   * interceptor keeps that promise; where none does, the stage fails with SF_RUNTIME_REQUIRED. @default nothing is asked
   */
  readonly deduplicate?: Deduplicate<{ readonly [K in keyof N]: N[K]['~types']['out'] }> | undefined;
  /** The effect. */
  readonly run: (values: { readonly [K in keyof N]: N[K]['~types']['out'] }, context: StageContext) => R;
  /**
   * Undoes the effect where the run ends badly after it, as `undoOn` of the pipeline says: in reverse order of what was
   * made, before the run's last event. What cannot be undone is in `run.undoErrors`. Written after `run`, whose value it
   * gets in `context.result`. @default the effect stays
   */
  readonly undo?: Undo<{ readonly [K in keyof N]: N[K]['~types']['out'] }, NoInfer<Yield<S, R>>> | undefined;
}

/**
 * Defines a stage that changes something outside the process: a row, a mail, a payment.
 *
 * It differs from `stage` where a call may still be under way: after an attempt that was given up and has not settled,
 * `work` is retried only if it has an idempotency key. With `deduplicate` it is not called again by another run either.
 *
 * @example
 * ```ts
 * const save = work('save', {
 *   needs: { answer },
 *   idempotencyKey: ({ answer }) => `answer:${answer.id}`,
 *   run: ({ answer }, { idempotencyKey }) => store.put(answer, { idempotencyKey }),
 *   undo: (_, { idempotencyKey }) => store.delete({ idempotencyKey }),
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
