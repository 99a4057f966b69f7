import { defineEvent, type EventDefinition } from '@stageflow/core';

/** What the events of a breaker say. */
export interface BreakerEvent {
  readonly breaker: string;
  readonly key: string;
  /** Failures that counted, within the window. */
  readonly failures: number;
  /** Calls within the window whose outcome is known. */
  readonly calls: number;
}

/** Too many calls have failed: none passes until `openMs` have gone by. In the run whose call was the last of them. */
export const breakerOpened: EventDefinition<BreakerEvent> = breakerEvent('breaker.opened');

/** The time is over, and this call of this run is let through to see whether the others may. */
export const breakerHalfOpened: EventDefinition<BreakerEvent> = breakerEvent('breaker.half_opened');

/** That call succeeded: all pass. */
export const breakerClosed: EventDefinition<BreakerEvent> = breakerEvent('breaker.closed');

function breakerEvent(name: string): EventDefinition<BreakerEvent> {
  return defineEvent(name, {
    '~standard': {
      version: 1,
      vendor: 'stageflow',
      validate: (value) => (isBreakerEvent(value) ? { value } : { issues: [{ message: 'expected breaker, key, failures and calls' }] }),
    },
  });
}

function isBreakerEvent(value: unknown): value is BreakerEvent {
  const { breaker, key, failures, calls } = value as Readonly<Record<string, unknown>>;
  return typeof breaker === 'string' && typeof key === 'string' && typeof failures === 'number' && typeof calls === 'number';
}
