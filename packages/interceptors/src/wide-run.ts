import type { EventOf, OutcomeStatus, RunEvent, RunIdentity, RunStatus } from '@stageflow/core';
import type { ChildRuns } from './child-runs.ts';
import type { RunIds, WideEvent, WideRunEvent, WideStageEvent } from './wide-event.ts';

type StageEnd = EventOf<'stage.completed' | 'stage.skipped' | 'stage.failed' | 'stage.blocked' | 'stage.cancelled'>;
type RunEnd = EventOf<'run.completed' | 'run.failed' | 'run.blocked' | 'run.cancelled' | 'run.suspended'>;

/** A stage that has begun, or waits, and has not ended. */
interface OpenStage {
  readonly started: EventOf<'stage.started'> | undefined;
  readonly failedAttempts: WideStageEvent['failedAttempts'][number][];
  wait: EventOf<'stage.suspended'> | undefined;
}

/** One run, as its events tell of it. */
export class WideRun {
  readonly #ids: RunIds;
  readonly #startedAt: number;
  readonly #open = new Map<string, OpenStage>();
  #identity: Omit<RunIdentity, 'metadata'> | undefined;
  #attempts = 0;
  #failedAttempts = 0;
  #cached = 0;
  #queuedMs = 0;
  #dropped = 0;

  /** @param event - The first of the run that was told. */
  constructor(event: RunEvent) {
    const { runId, pipeline, epoch, tenantId, traceId, correlationId, parentRunId, at, elapsedMs } = event;
    this.#ids = { runId, pipeline, epoch, tenantId, traceId, correlationId, parentRunId };
    this.#startedAt = at - elapsedMs;
  }

  /** The records that are complete with this event, that of the run aside. */
  take(event: RunEvent): WideEvent[] {
    switch (event.type) {
      case 'run.created':
        this.#identity = event.identity;
        return [];
      case 'events.dropped':
        this.#dropped += event.count;
        return [];
      case 'stage.started':
        this.#open.set(event.path, { started: event, failedAttempts: [], wait: undefined });
        return [];
      case 'attempt.failed': {
        const { attempt, error, retryInMs } = event;
        this.#stage(event.path).failedAttempts.push({ attempt, code: error.code, retryInMs });
        return [];
      }
      case 'stage.suspended':
        this.#stage(event.path).wait = event;
        return [];
      case 'stage.completed':
      case 'stage.skipped':
      case 'stage.failed':
      case 'stage.blocked':
      case 'stage.cancelled':
        return [this.#ended(event)];
      case 'run.suspended':
        return [...this.#open.values()].flatMap(({ wait }) => (wait === undefined ? [] : [this.#record(wait, 'suspended', wait.attempt)]));
      default:
        return [];
    }
  }

  /** The record of the run. */
  ended(event: RunEnd, children: ChildRuns | undefined): WideRunEvent {
    const { at, durationMs, counts, unsettled } = event;
    return {
      type: 'run.wide',
      ...this.#ids,
      status: event.type.slice('run.'.length) as RunStatus,
      degraded: event.type === 'run.completed' && event.degraded,
      identity: this.#identity,
      startedAt: this.#startedAt,
      endedAt: at,
      durationMs,
      counts,
      attempts: this.#attempts,
      failedAttempts: this.#failedAttempts,
      cached: this.#cached,
      queuedMs: this.#queuedMs,
      unsettled,
      children,
      dropped: this.#dropped,
      error: 'error' in event ? event.error : undefined,
      reason: 'reason' in event ? event.reason : undefined,
      blockedBy: 'blockedBy' in event ? event.blockedBy : undefined,
      cancelledBy: 'cancelledBy' in event ? event.cancelledBy : undefined,
      waits: 'waits' in event ? event.waits : undefined,
    };
  }

  #stage(path: string): OpenStage {
    const known = this.#open.get(path) ?? { started: undefined, failedAttempts: [], wait: undefined };
    this.#open.set(path, known);
    return known;
  }

  #ended(event: StageEnd): WideStageEvent {
    const cached = event.type === 'stage.completed' && event.cached === true;
    const record = this.#record(event, event.type.slice('stage.'.length) as OutcomeStatus, event.attempt);
    if (cached) this.#cached++;
    return {
      ...record,
      kind: event.kind,
      cached,
      error: 'error' in event ? event.error : undefined,
      reason: 'reason' in event ? event.reason : undefined,
      rootCause: 'rootCause' in event ? event.rootCause : undefined,
      handled: 'handled' in event ? event.handled : undefined,
    };
  }

  #record(event: StageEnd | EventOf<'stage.suspended'>, status: OutcomeStatus, attempts: number): WideStageEvent {
    const { stage, path, at, elapsedMs } = event;
    const { started, failedAttempts } = this.#stage(path);
    this.#open.delete(path);
    this.#attempts += attempts;
    this.#failedAttempts += failedAttempts.length;
    this.#queuedMs += started?.queuedMs ?? 0;
    return {
      type: 'stage.wide',
      ...this.#ids,
      stage,
      path,
      kind: started?.kind ?? '',
      status,
      cached: false,
      attempts,
      failedAttempts,
      queuedMs: started?.queuedMs ?? 0,
      durationMs: started === undefined ? undefined : elapsedMs - started.elapsedMs,
      startedAt: started?.at,
      endedAt: at,
    };
  }
}
