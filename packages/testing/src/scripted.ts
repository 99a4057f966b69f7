import type { Demand, Replacement, Stage, StageContext } from '@stageflow/core';
import type { VirtualClock } from './virtual-clock.ts';

/** The function that may stand in for that of `S`. */
type StandIn<S extends Stage> = Extract<Replacement<S, Demand>, (values: never, context: StageContext) => unknown>;

/** The values that `S` receives. */
export type ScriptedValues<S extends Stage> = Parameters<StandIn<S>>[0];

/** What a script may return: of a guard a verdict, else a value or a control value, `skip` only where `S` may skip. */
export type ScriptedReturn<S extends Stage> = Awaited<ReturnType<StandIn<S>>>;

/** How one call ends. */
export type ScriptedEnding<S extends Stage> =
  | { readonly returns: ScriptedReturn<S> }
  | { readonly throws: unknown }
  /** Calls a function in place of the stage's. */
  | { readonly runs: (values: ScriptedValues<S>, context: StageContext) => ScriptedReturn<S> | PromiseLike<ScriptedReturn<S>> }
  /** Settles only when its signal aborts, with the signal's reason; or, ignoring the signal, never. */
  | { readonly hangs: 'until aborted' | 'forever' };

/** What one call does, or several in a row. */
export type ScriptedStep<S extends Stage> = ScriptedEnding<S> & ScriptedPace;

/** How long a call takes, and how often it is repeated. */
export interface ScriptedPace {
  /** Takes this long, in milliseconds of the script's clock. An abort ends it early, with the signal's reason. @default at once */
  readonly afterMs?: number | undefined;
  /** Goes on although its signal aborted: `afterMs` is taken in full, and the result arrives late. @default false */
  readonly ignoresSignal?: boolean | undefined;
  /** How many calls do this, an integer >= 1 or `Infinity`; an endless step counts as used after one. @default 1 */
  readonly times?: number | undefined;
}

/** What {@link scripted} takes besides the steps. */
export interface ScriptOptions {
  /** Where `afterMs` passes; the clock of the run. Required where a step has `afterMs`. */
  readonly clock?: VirtualClock | undefined;
}

/** One call that a script received. */
export interface ScriptedCall<Values> {
  readonly values: Values;
  /** 1-based, within the run. */
  readonly attempt: number;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** Whether the call has been told to stop, up to now. */
  readonly aborted: boolean;
}

/** A function for `pipeline.with(stage, …)` that does what it was told, call by call. */
export interface Script<S extends Stage> {
  (values: ScriptedValues<S>, context: StageContext): ScriptedReturn<S> | PromiseLike<ScriptedReturn<S>>;
  /** Every call up to now, those beyond the script included. */
  readonly calls: readonly ScriptedCall<ScriptedValues<S>>[];
  /** How many calls are still to come; `Infinity` where the last step has no end. */
  readonly left: number;
  /** @throws Where a step was not used, or the function was called more often than scripted. */
  assertUsedUp(): void;
}

/**
 * Makes a function that stands in for that of `stage` and does one step per call, in order. What it receives is kept in
 * `calls`. A call beyond the last step throws an error that no policy retries by default.
 *
 * @example
 * ```ts
 * const script = scripted(profile, [{ throws: new Error('503') }, { returns: { name: 'Ada' }, afterMs: 200 }], { clock });
 * const run = await clock.settle(chat.with(profile, script).run({ text: 'hi' }, { clock }));
 * script.assertUsedUp();
 * ```
 */
export function scripted<S extends Stage>(stage: S, steps: readonly ScriptedStep<NoInfer<S>>[], options: ScriptOptions = {}): Script<S> {
  for (const [at, step] of steps.entries()) checkStep(stage.name, at, step, options);
  const scriptedCalls = steps.reduce((sum, { times = 1 }) => sum + times, 0);
  const calls: ScriptedCall<unknown>[] = [];

  const script = (values: unknown, context: StageContext): unknown => {
    calls.push(recorded(values, context));
    const step = stepOf(steps, calls.length);
    if (step === undefined) throw new BeyondScript(stage.name, calls.length, scriptedCalls);
    return perform(step, values, context, options.clock);
  };
  return Object.defineProperties(script, {
    name: { value: `scripted ${stage.name}` },
    calls: { value: calls },
    left: { get: () => Math.max(0, scriptedCalls - calls.length) },
    assertUsedUp: { value: () => checkUse(stage.name, steps, calls.length, scriptedCalls) },
  }) as unknown as Script<S>;
}

class BeyondScript extends Error {
  override readonly name = 'BeyondScript';
  /** A stage that retries would otherwise hide the mistake behind more of the same. */
  readonly retryable = false;

  constructor(stage: string, call: number, scriptedCalls: number) {
    super(`the script of "${stage}" has ${counted(scriptedCalls, 'call')}, and this is call ${call}`);
  }
}

/** A step without the types of its stage. */
type AnyStep = ScriptedPace &
  (
    | { readonly returns: unknown }
    | { readonly throws: unknown }
    | { readonly runs: (values: never, context: StageContext) => unknown }
    | { readonly hangs: 'until aborted' | 'forever' }
  );

function checkStep(stage: string, at: number, { afterMs, times = 1 }: AnyStep, { clock }: ScriptOptions): void {
  const subject = `Step ${at + 1} of the script of "${stage}"`;
  if (afterMs !== undefined && clock === undefined) {
    throw new TypeError(`${subject} takes ${afterMs} ms, and the script has no clock: pass { clock }, the one the run has.`);
  }
  if (!(times >= 1 && (Number.isInteger(times) || times === Number.POSITIVE_INFINITY))) {
    throw new RangeError(`${subject} has "times": ${times}; expected an integer of at least 1, or Infinity.`);
  }
}

function stepOf(steps: readonly AnyStep[], call: number): AnyStep | undefined {
  let last = 0;
  for (const step of steps) {
    last += step.times ?? 1;
    if (call <= last) return step;
  }
  return undefined;
}

function recorded<Values>(values: Values, context: StageContext): ScriptedCall<Values> {
  const { attempt, runId, signal } = context;
  return {
    values,
    attempt,
    runId,
    signal,
    get aborted() {
      return signal.aborted;
    },
  };
}

function perform(step: AnyStep, values: unknown, context: StageContext, clock: VirtualClock | undefined): unknown {
  const { afterMs, ignoresSignal = false } = step;
  if (afterMs === undefined || clock === undefined) return end(step, values, context);
  return clock.sleep(afterMs, ignoresSignal ? undefined : context.signal).then(() => end(step, values, context));
}

function end(step: AnyStep, values: unknown, context: StageContext): unknown {
  if ('returns' in step) return step.returns;
  if ('throws' in step) throw step.throws;
  if ('runs' in step) return step.runs(values as never, context);
  return hang(step.hangs === 'forever' ? undefined : context.signal);
}

/** Never settles; with a signal, rejects once that aborts. */
export function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    else signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function checkUse(stage: string, steps: readonly AnyStep[], calls: number, scriptedCalls: number): void {
  if (calls > scriptedCalls) {
    throw new Error(`The script of "${stage}" has ${counted(scriptedCalls, 'call')}, and it was called ${calls} times.`);
  }
  let first = 1;
  for (const [at, step] of steps.entries()) {
    const { times = 1 } = step;
    const reached = calls - first + 1;
    if (reached < (times === Number.POSITIVE_INFINITY ? 1 : times)) {
      const used = reached <= 0 ? 'was not used' : `was used ${reached} of ${times} times`;
      throw new Error(`Step ${at + 1} of the script of "${stage}" (${endingOf(step)}) ${used}; calls: ${calls}.`);
    }
    first += times;
  }
}

function endingOf(step: AnyStep): string {
  return (['returns', 'throws', 'runs', 'hangs'] as const).find((ending) => ending in step) ?? 'nothing';
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
