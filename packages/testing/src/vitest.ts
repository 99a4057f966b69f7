import type { OutcomeStatus, RunEvent, RunStatus } from '@stageflow/core';
import { expect } from 'vitest';
import { type EventFields, type ExpectedEvent, matchers, type OutcomeFields } from './matchers.ts';

export type { EventFields, ExpectedEvent, OutcomeFields } from './matchers.ts';
export { type Matchers, matchers } from './matchers.ts';

/** What importing this module adds to `expect`. Failures show the trace of the run. */
export interface StageflowMatchers<R> {
  /** Of a sink or its events: at least one event of this type, with these fields. */
  toHaveEmitted<T extends RunEvent['type']>(type: T, fields?: EventFields<NoInfer<T>>): R;
  /** Of a sink or its events: these events, in this order; others may lie between. */
  toHaveEmittedInOrder(events: readonly ExpectedEvent[]): R;
  /** Of a sink or its events: the numbers of each run go up by one, from 1. Fails where there are no events. */
  toHaveGapFreeSeq(): R;
  /** Of a run, or of the outcome of a stage. */
  toHaveCompleted(): R;
  /** Of a run, or of the outcome of a stage. */
  toHaveStatus(status: RunStatus | OutcomeStatus): R;
  /** Of a run: how one stage ended. */
  toHaveOutcome<S extends OutcomeStatus>(stage: string, status: S, fields?: OutcomeFields<NoInfer<S>>): R;
}

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends StageflowMatchers<R> {}
}

expect.extend(matchers);
