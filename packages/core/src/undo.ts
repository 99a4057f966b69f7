import type { RetryPolicy } from './retry.ts';

/** What is known of an effect that is to be undone. */
export type EffectResult<Out = unknown> =
  | { readonly status: 'completed'; readonly output: Out }
  /** It was begun and never answered, or not as its contract wants: it may have been made. */
  | { readonly status: 'unknown' };

/** What the function that undoes an effect is given besides the values of the effect. */
export interface UndoContext<Out = unknown> {
  readonly result: EffectResult<Out>;
  readonly runId: string;
  readonly pipeline: string;
  /** Of the effect. */
  readonly path: string;
  /** That of the effect: the target finds by it what it has made. */
  readonly idempotencyKey: string;
  /** 1-based, within this activation of the run. */
  readonly attempt: number;
  /** Aborts when the attempt has taken its time, or the process lets go of the run. */
  readonly signal: AbortSignal;
}

/** Undoes an effect. It may be called more than once for one effect, and for an effect that was never made. */
export type UndoFunction<in Values, Out> = (values: Values, context: UndoContext<Out>) => unknown;

/** An effect that can be undone, with how that is tried. */
export interface UndoOptions<in Values, Out> {
  readonly run: UndoFunction<Values, Out>;
  /** How a failure is followed by another try. @default that of `RetryPolicy`: 3 attempts */
  readonly retry?: RetryPolicy | undefined;
  /** Limit of one attempt, milliseconds. @default 30_000 */
  readonly timeoutMs?: number | undefined;
}

/** What `undo` of a work takes. */
export type Undo<Values, Out> = UndoFunction<Values, Out> | UndoOptions<Values, Out>;

/** The endings after which effects are undone. */
export type UndoneEnding = 'failed' | 'blocked' | 'cancelled';
