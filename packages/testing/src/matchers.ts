import type { EventOf, OutcomeStatus, Run, RunEvent, StageOutcome } from '@stageflow/core';
import type { MatcherState, SyncMatcherResult } from 'vitest';
import { type Traceable, traceOf } from './trace.ts';

/** Fields of an event that must match: values, or asymmetric matchers such as `expect.any(Number)`. */
export type EventFields<T extends RunEvent['type']> = Partial<Omit<EventOf<T>, 'type'>>;

/** An event to look for: its type, alone or with fields. */
export type ExpectedEvent =
  | RunEvent['type']
  | { readonly [T in RunEvent['type']]: { readonly type: T } & EventFields<T> }[RunEvent['type']];

/** Members of an outcome that must match. */
export type OutcomeFields<S extends OutcomeStatus> = Partial<Omit<Extract<StageOutcome, { readonly status: S }>, 'status'>>;

type Matcher<Expected extends readonly unknown[]> = (this: MatcherState, received: unknown, ...expected: Expected) => SyncMatcherResult;

/** The matchers of this package, by name. */
export type Matchers = {
  readonly toHaveEmitted: Matcher<[type: RunEvent['type'], fields?: object]>;
  readonly toHaveEmittedInOrder: Matcher<[events: readonly ExpectedEvent[]]>;
  readonly toHaveGapFreeSeq: Matcher<[]>;
  readonly toHaveCompleted: Matcher<[]>;
  readonly toHaveStatus: Matcher<[status: string]>;
  readonly toHaveOutcome: Matcher<[stage: string, status: OutcomeStatus, fields?: object]>;
};

/** The functions behind the matchers, for `expect.extend` on an `expect` of one's own. */
export const matchers: Matchers = {
  toHaveEmitted(received: unknown, type: RunEvent['type'], fields: object = {}): SyncMatcherResult {
    const events = eventsOf(received, 'toHaveEmitted');
    const sameType = events.filter((event) => event.type === type);
    const found = sameType.filter((event) => matches(this, event, fields));
    const what = describeExpected(this, { type, ...fields });
    const others = sameType.map((event) => `  ${describeExpected(this, pick(event, ['type', ...Object.keys(fields)]))}`);
    const near = found.length === 0 && others.length > 0 ? `\n\nOf that type, but different:\n${others.join('\n')}` : '';
    return {
      pass: found.length > 0,
      message: () => `Expected ${what}${this.isNot ? ' not' : ''} to have been emitted.${near}${tracePart(events)}`,
    };
  },

  toHaveEmittedInOrder(received: unknown, expected: readonly ExpectedEvent[]): SyncMatcherResult {
    const events = eventsOf(received, 'toHaveEmittedInOrder');
    const wanted = expected.map((each) => (typeof each === 'string' ? { type: each } : each));
    let next = 0;
    for (const event of events) if (next < wanted.length && matches(this, event, wanted[next] as object)) next++;
    const lines = wanted.map(
      (each, at) => `  ${at < next ? 'found  ' : at === next ? 'missing' : '       '}  ${describeExpected(this, each)}`,
    );
    return {
      pass: next === wanted.length,
      message: () =>
        `Expected these events ${this.isNot ? 'not ' : ''}to have been emitted in this order:\n${lines.join('\n')}${tracePart(events)}`,
    };
  },

  toHaveGapFreeSeq(received: unknown): SyncMatcherResult {
    const events = eventsOf(received, 'toHaveGapFreeSeq');
    const gaps = seqGaps(events);
    const complaint = events.length === 0 ? 'there are no events' : gaps.join('\n  ');
    return {
      pass: complaint === '',
      message: () =>
        `Expected the events of each run ${this.isNot ? 'not ' : ''}to be numbered without a gap${complaint && `:\n  ${complaint}`}${tracePart(events)}`,
    };
  },

  toHaveCompleted(received: unknown): SyncMatcherResult {
    return statusResult(this, received, 'completed', 'toHaveCompleted');
  },

  toHaveStatus(received: unknown, status: string): SyncMatcherResult {
    return statusResult(this, received, status, 'toHaveStatus');
  },

  toHaveOutcome(received: unknown, stage: string, status: OutcomeStatus, fields: object = {}): SyncMatcherResult {
    const run = asRun(received, 'toHaveOutcome');
    const report = run.stages.get(stage);
    if (report === undefined) {
      const names = [...run.stages.keys()].join(', ');
      return { pass: this.isNot, message: () => `There is no stage "${stage}" in pipeline "${run.pipeline}"; it has ${names}.` };
    }
    const expected = { status, ...fields };
    return {
      pass: matches(this, report.outcome, expected),
      message: () =>
        `Expected stage "${stage}" ${this.isNot ? 'not ' : ''}to have ended as ${inLine(this, expected)}; it ended as ${inLine(this, pick(report.outcome, Object.keys(expected)))}.${tracePart(run)}`,
      expected,
      actual: report.outcome,
    };
  },
};

function statusResult(context: MatcherState, received: unknown, status: string, matcher: string): SyncMatcherResult {
  const actual = isObject(received) ? received['status'] : undefined;
  if (typeof actual !== 'string')
    throw new TypeError(`${matcher}() takes the result of a run or the outcome of a stage; it received ${inLine(context, received)}.`);
  const not = context.isNot ? 'not ' : '';
  const trace = isRun(received) ? tracePart(received) : isEvents(received) ? tracePart(received.events) : '';
  return {
    pass: actual === status,
    message: () => `Expected the status ${not}to be ${status}; it is ${actual}.${trace}`,
    expected: status,
    actual,
  };
}

function eventsOf(received: unknown, matcher: string): readonly RunEvent[] {
  if (Array.isArray(received)) return received;
  if (isEvents(received)) return received.events;
  throw new TypeError(`${matcher}() takes events, or what keeps them in "events", such as recordingSink().`);
}

function isEvents(value: unknown): value is { readonly events: readonly RunEvent[] } {
  return isObject(value) && Array.isArray(value['events']);
}

function asRun(received: unknown, matcher: string): Run {
  if (isRun(received)) return received;
  throw new TypeError(`${matcher}() takes the result of a run.`);
}

function isRun(value: unknown): value is Run {
  return isObject(value) && value['stages'] instanceof Map && typeof value['status'] === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function matches({ equals, customTesters, utils }: MatcherState, actual: object, expected: object): boolean {
  return equals(actual, expected, [...customTesters, utils.iterableEquality, utils.subsetEquality]);
}

function describeExpected(context: MatcherState, expected: object): string {
  const { type, ...fields } = expected as { readonly type: string };
  return Object.keys(fields).length === 0 ? type : `${type} ${inLine(context, fields)}`;
}

function inLine({ utils }: MatcherState, value: unknown): string {
  return utils.stringify(value, undefined, { min: true });
}

function pick(source: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(source).filter(([key]) => keys.includes(key)));
}

function tracePart(source: Traceable): string {
  return `\n\n${traceOf(source)}`;
}

/** Where the numbers of a run jump. Snapshots and notices of drops repeat the number of another event. */
function seqGaps(events: readonly RunEvent[]): string[] {
  const latest = new Map<string, number>();
  return events.flatMap((event) => {
    const { type, runId, epoch, seq } = event;
    const key = `${runId}, epoch ${epoch}`;
    const before = latest.get(key);
    if (type === 'events.dropped') return [];
    latest.set(key, seq);
    if (type === 'run.snapshotted' || seq === (before ?? 0) + 1) return [];
    return [`run ${key}: ${type} has seq ${seq}, expected ${(before ?? 0) + 1}`];
  });
}
