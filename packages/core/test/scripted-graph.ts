import type { FailureMode, RetryPolicy } from '@stageflow/core';

/** How a stage reads another, or an input or service. Stages are named by their position; a reader stands after what it reads. */
export interface ScriptedEdge {
  readonly read: 'value' | 'optional' | 'settled' | 'firstOf' | 'optionalFirstOf' | 'input' | 'service';
  readonly from: readonly number[];
}

/** What one call of a stage's function comes to. `pass`, `transform`, `block` and `review` are verdicts of guards. */
export type Brings =
  | 'value'
  | 'throw'
  | 'throw for good'
  | 'fail'
  | 'retryLater'
  | 'skip'
  | 'cancel'
  | 'suspend'
  | 'nonsense'
  | 'pass'
  | 'transform'
  | 'block'
  | 'review';

/** One call of a stage's function. */
export interface ScriptedCall {
  readonly brings: Brings;
  /** Milliseconds until it settles, `Infinity` for never; `undefined` where it answers without a promise. */
  readonly afterMs: number | undefined;
  /** What it does when its signal aborts, unless it has settled. `ignores` does not even read the signal. */
  readonly onAbort: 'obeys' | 'keeps' | 'throws' | 'ignores';
  /** When it gives a sign of life, milliseconds. */
  readonly beatMs: number | undefined;
  /** Whether it begins by aborting the signal that the caller gave to the run. */
  readonly pullsThePlug: boolean;
}

/** A stage and all that its function will do. */
export interface ScriptedStage {
  readonly name: string;
  readonly kind: 'transform' | 'route' | 'guard' | 'work';
  /** Of a guard, the last is its subject. */
  readonly needs: readonly ScriptedEdge[];
  readonly after: readonly number[];
  readonly when: { readonly route: number; readonly arms: readonly string[] } | 'even' | 'throws' | 'undecided' | undefined;
  /** A schema that takes numbers and adds one; `later` answers with a promise, `slow` after {@link slowContractMs}. */
  readonly contract: 'at once' | 'later' | 'slow' | undefined;
  readonly skipsOnFailure: boolean;
  readonly failOpen: boolean;
  readonly hasKey: boolean;
  readonly retry: RetryPolicy | undefined;
  /** What `retry.when` answers, where there is one. */
  readonly asks: 'always' | 'never' | 'throws' | undefined;
  readonly timeoutMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly budgetMs: number | undefined;
  readonly graceMs: number | undefined;
  /** By attempt; the last stands for all that follow. */
  readonly calls: readonly ScriptedCall[];
}

/** A pipeline with the run it is made for. */
export interface ScriptedGraph {
  readonly stages: readonly ScriptedStage[];
  readonly outputs: readonly ScriptedEdge[];
  readonly also: readonly number[];
  readonly failureMode: FailureMode;
  readonly maxConcurrency: number | undefined;
  readonly deadlineMs: number | undefined;
  /** When the caller aborts its signal; 0: before the run. */
  readonly abortAtMs: number | undefined;
  readonly graceMs: number;
  readonly timings: boolean;
  /** Whether it is written by reference, not as data. */
  readonly byReference: boolean;
}

/** How long a slow contract takes. */
export const slowContractMs = 7;

/** What every scripted run is given. */
export const givenInput = 40;
export const givenService = 2;

/** The arms of every scripted route. */
export const arms = ['left', 'right', 'straight'] as const;

/** The call that a stage makes as its attempt number `attempt`, 1-based. */
export function callOf(stage: ScriptedStage, attempt: number): ScriptedCall {
  return stage.calls[Math.min(attempt, stage.calls.length) - 1] as ScriptedCall;
}

/** The key under which a stage reads its need number `at`. */
export function keyOf(stage: ScriptedStage, at: number): string {
  return stage.kind === 'guard' && at === stage.needs.length - 1 ? 'subject' : `need${at}`;
}

/** A number made of a name and the values it was given: differs where any of them does. FNV-1a, 32 bits. */
export function digest(name: string, values: readonly (readonly [string, unknown])[]): number {
  const text = values.reduce((before, [key, value]) => `${before}|${key}:${String(value)}`, name);
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
