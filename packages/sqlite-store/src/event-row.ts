import { isTerminal, type RunEvent } from '@stageflow/core';
import { runKey } from './run-key.ts';

/** An event as the table has it. */
export interface EventRow {
  readonly columns: readonly [runKey: string, epoch: number, seq: number, place: number, event: string];
  /** No sink may lose it: how a run ended, or that a guard did not judge. */
  readonly mustArrive: boolean;
}

/**
 * An event as a row: JSON, with integers that are too large for it as text.
 *
 * @throws TypeError Where what it carries cannot be written as JSON.
 */
export function eventRow(event: RunEvent): EventRow {
  const text = JSON.stringify(event, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return {
    columns: [runKey(event), event.epoch, event.seq, placeOf(event.type), text],
    mustArrive: event.type === 'guard.failed_open' || isTerminal(event),
  };
}

/** Before or after others of the same number: the announcement of drops has that of the event that follows it. */
export function placeOf(type: RunEvent['type'] | undefined): 0 | 1 {
  return type === 'events.dropped' ? 0 : 1;
}
