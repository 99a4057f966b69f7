import type { OutcomeStatus, RunEvent } from '@stageflow/core';

/** Where one stage of a run is. */
export interface StageProgress {
  readonly stage: string;
  readonly status: 'waiting' | 'running' | OutcomeStatus;
  readonly fraction: number;
  /** What the stage said last, or why it ended as it did. */
  readonly message: string;
  readonly durationMs: number | undefined;
}

/** Folds the events of a run into where its stages are. */
export class ProgressBoard {
  readonly #stages: Map<string, StageProgress>;

  /** @param stages - In the order in which they are shown. */
  constructor(stages: readonly string[]) {
    this.#stages = new Map(stages.map((stage) => [stage, { stage, status: 'waiting', fraction: 0, message: '', durationMs: undefined }]));
  }

  get stages(): readonly StageProgress[] {
    return [...this.#stages.values()];
  }

  /** @returns The stage that the event is about, as it is now; `undefined` where it is about none. */
  take(event: RunEvent): StageProgress | undefined {
    if (!('stage' in event)) return undefined;
    const before = this.#stages.get(event.stage);
    const change = changeOf(event);
    if (before === undefined || change === undefined) return undefined;
    const after = { ...before, ...change };
    this.#stages.set(event.stage, after);
    return after;
  }
}

function changeOf(event: RunEvent): Partial<StageProgress> | undefined {
  switch (event.type) {
    case 'stage.started':
      return { status: 'running' };
    case 'stage.progressed':
      return { ...(event.fraction === undefined ? {} : { fraction: event.fraction }), message: event.message ?? '' };
    case 'attempt.failed':
      return event.retryInMs === undefined ? undefined : { message: `trying again: ${event.error.message}` };
    case 'stage.completed':
      return { status: 'completed', fraction: 1, durationMs: event.durationMs };
    case 'stage.failed':
      return { status: 'failed', message: event.error.message, durationMs: event.durationMs };
    case 'stage.blocked':
      return { status: 'blocked', message: event.reason, durationMs: event.durationMs };
    case 'stage.skipped':
      return { status: 'skipped', message: event.reason };
    case 'stage.cancelled':
      // Otherwise what the stage said last is how far it got.
      return { status: 'cancelled', ...(event.attempt === 0 ? { message: 'not started' } : {}) };
    default:
      return undefined;
  }
}
