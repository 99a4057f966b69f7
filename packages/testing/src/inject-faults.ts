import type { Demand, Pipeline, Stage, StageContext } from '@stageflow/core';
import { hang } from './scripted.ts';
import { seededRandom } from './seeded-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What a fault does to a call of a stage's function. */
export type FaultKind = Fault['kind'];

/** The call never reaches the function: it throws. */
export interface ThrowFault extends FaultTarget {
  readonly kind: 'throw';
  /** @default an `Error` that names the stage and the call */
  readonly error?: unknown;
}

/** The function is called later; an abort meanwhile rejects with the signal's reason. */
export interface DelayFault extends FaultTarget {
  readonly kind: 'delay';
  /** Milliseconds of the clock in {@link FaultOptions}. */
  readonly ms: number;
}

/** The call never reaches the function and settles when its signal aborts. */
export interface HangFault extends FaultTarget {
  readonly kind: 'hang';
  /** It never settles, whatever the signal says. @default false */
  readonly ignoresSignal?: boolean | undefined;
}

/** The function is called, and what it yields is replaced. */
export interface CorruptFault extends FaultTarget {
  readonly kind: 'corrupt';
  readonly corrupt: (output: unknown) => unknown;
}

/** Where and when a fault strikes: on the calls listed, else by chance. */
export interface FaultTarget {
  readonly stage: Stage;
  /** Calls of the function that are struck, 1-based, counted over every run of the faulty pipeline. */
  readonly calls?: readonly number[] | undefined;
  /** In [0, 1]: how likely each call is struck; without `calls`. @default 1 */
  readonly probability?: number | undefined;
}

/** A rule of {@link injectFaults}. */
export type Fault = ThrowFault | DelayFault | HangFault | CorruptFault;

/** What {@link injectFaults} takes. */
export interface FaultOptions {
  /** At most one strikes a call: the first that would. */
  readonly faults: readonly Fault[];
  /** Decides every chance. @default 0 */
  readonly seed?: number | string | undefined;
  /** Where delays pass; the clock of the run. Required by `delay`. */
  readonly clock?: VirtualClock | undefined;
}

/** One fault that struck. */
export interface FiredFault {
  readonly stage: string;
  readonly kind: FaultKind;
  /** Of the stage's function, 1-based. */
  readonly call: number;
  readonly attempt: number;
  readonly runId: string;
}

/** A pipeline with faults, and what became of them. */
export interface InjectedFaults<In extends Demand, Outs> {
  readonly pipeline: Pipeline<In, Outs>;
  /** Every fault that struck, in order. */
  readonly fired: readonly FiredFault[];
  /** How many struck: of a kind, at a stage, of both, or all. */
  count(filter?: { readonly kind?: FaultKind | undefined; readonly stage?: Stage | undefined }): number;
  /** @throws Where a rule never struck, or not on each of its `calls`: the test then proves nothing about that fault. */
  assertFired(): void;
}

/**
 * Makes a pipeline whose stages meet faults: around whatever function each stage has there, a script included. It
 * counts the faults that struck, so that a test can tell a fault that was survived from one that never happened.
 *
 * @throws RangeError, TypeError where a rule is wrong or names a stage the pipeline does not have.
 * @example
 * ```ts
 * const faults = injectFaults(chat, { faults: [{ stage: profile, kind: 'throw', calls: [1] }] });
 * const run = await faults.pipeline.run({ text: 'hi' });
 * faults.assertFired();
 * ```
 */
export function injectFaults<In extends Demand, Outs>(pipeline: Pipeline<In, Outs>, options: FaultOptions): InjectedFaults<In, Outs> {
  const fired: FiredFault[] = [];
  const rules = options.faults.map((fault, at) => new Rule(fault, `${options.seed ?? 0}/${at}/${fault.stage.name}`));
  const calls = new Map<string, number>();
  let faulty = pipeline;
  for (const stage of new Set(options.faults.map((fault) => fault.stage))) {
    const { name } = stage;
    const original = functionOf(pipeline, name);
    const own = rules.filter((rule) => rule.fault.stage === stage);
    for (const { fault } of own) checkFault(fault, options);
    const run = (values: never, context: StageContext): unknown => {
      const call = (calls.get(name) ?? 0) + 1;
      calls.set(name, call);
      // Each rule draws at each call, so that one rule's luck does not change another's.
      const [rule] = own.filter((candidate) => candidate.strikes(call));
      if (rule === undefined) return original(values, context);
      rule.fired.push(call);
      fired.push({ stage: name, kind: rule.fault.kind, call, attempt: context.attempt, runId: context.runId });
      return strike(rule.fault, call, () => original(values, context), context, options.clock);
    };
    faulty = faulty.with(stage, run as never);
  }
  return {
    pipeline: faulty,
    fired,
    count: ({ kind, stage } = {}) =>
      fired.filter((each) => (kind === undefined || each.kind === kind) && (stage === undefined || each.stage === stage.name)).length,
    assertFired() {
      const silent = rules.flatMap((rule) => rule.complaint(calls.get(rule.fault.stage.name) ?? 0));
      if (silent.length > 0) throw new Error(`Faults did not strike as planned:\n${silent.join('\n')}`);
    },
  };
}

/** A fault with its luck and its record. */
class Rule {
  readonly fault: Fault;
  readonly fired: number[] = [];
  readonly #random: () => number;

  constructor(fault: Fault, seed: string) {
    this.fault = fault;
    this.#random = seededRandom(seed);
  }

  strikes(call: number): boolean {
    const { calls, probability = 1 } = this.fault;
    return calls === undefined ? this.#random() < probability : calls.includes(call);
  }

  complaint(made: number): string[] {
    const { kind, stage, calls } = this.fault;
    const missed = calls?.filter((call) => !this.fired.includes(call)) ?? [];
    if (this.fired.length > 0 && missed.length === 0) return [];
    const planned = calls === undefined ? '' : ` on call ${missed.join(', ')}`;
    return [`- ${kind} at "${stage.name}" did not strike${planned}; its function was called ${made === 1 ? 'once' : `${made} times`}.`];
  }
}

function functionOf<In extends Demand, Outs>(
  pipeline: Pipeline<In, Outs>,
  stage: string,
): (values: never, context: StageContext) => unknown {
  const { stages, indexByName } = pipeline.plan;
  const planned = stages[indexByName.get(stage) ?? -1];
  if (planned !== undefined) return planned.run;
  throw new TypeError(
    `A fault is meant for stage "${stage}", which pipeline "${pipeline.name}" does not have; it has ${stages.map(({ name }) => name).join(', ')}.`,
  );
}

function checkFault({ kind, stage, calls, probability = 1 }: Fault, { clock }: FaultOptions): void {
  const subject = `The fault ${kind} at "${stage.name}"`;
  if (kind === 'delay' && clock === undefined) throw new TypeError(`${subject} needs a clock: pass { clock }, the one the run has.`);
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`${subject} has "probability": ${probability}; expected 0 to 1.`);
  if (calls?.every((call) => Number.isInteger(call) && call >= 1) === false) {
    throw new RangeError(`${subject} has "calls": [${calls.join(', ')}]; calls are counted from 1.`);
  }
}

function strike(fault: Fault, call: number, original: () => unknown, { signal }: StageContext, clock: VirtualClock | undefined): unknown {
  switch (fault.kind) {
    case 'throw':
      throw 'error' in fault ? fault.error : new Error(`injected fault at "${fault.stage.name}", call ${call}`);
    case 'hang':
      return hang(fault.ignoresSignal === true ? undefined : signal);
    case 'delay':
      return (clock as VirtualClock).sleep(fault.ms, signal).then(original);
    case 'corrupt': {
      const output = original();
      return isPromiseLike(output) ? output.then(fault.corrupt) : fault.corrupt(output);
    }
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
