import { freezeRecord } from '#freeze';
import type { StageflowError } from '../errors.ts';
import { type ErrorSummary, type EventEnvelope, eventVersion, type RunEvent } from '../event.ts';
import type { RunIdentity } from '../identity.ts';
import type { StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { Run } from '../run.ts';
import type { RunState } from './run-state.ts';

/** Takes events: the queue of a sink, or the stream of a reader. */
export interface EventTarget {
  push(event: RunEvent): void;
}

/** The members of an event that its emitter does not fill in. */
export type Unsent<E> = E extends RunEvent ? Omit<E, keyof EventEnvelope> : never;

/**
 * Numbers the events of one run and hands them to whoever listens. Counts when nobody does, so that numbers stay true.
 *
 * The two events that every stage has are written out member by member: they are most of all events.
 */
export class Emitter {
  readonly #identity: RunIdentity;
  readonly #pipeline: string;
  readonly #clock: Clock;
  readonly #targets: readonly EventTarget[];
  readonly #runId: string;
  #seq = 0;
  readonly #startedAt: number;
  readonly #startedMono: number;

  /** @param startedAt - Epoch milliseconds at `startedMono`: times count from there. */
  constructor(
    identity: RunIdentity,
    pipeline: string,
    clock: Clock,
    targets: readonly EventTarget[],
    startedAt: number,
    startedMono: number,
  ) {
    this.#identity = identity;
    this.#pipeline = pipeline;
    this.#clock = clock;
    this.#targets = targets;
    this.#runId = identity.runId;
    this.#startedAt = startedAt;
    this.#startedMono = startedMono;
  }

  created({ plan, identity }: RunState): void {
    const { metadata: _usersData, ...ids } = identity;
    this.emit({ type: 'run.created', version: eventVersion, stageCount: plan.stages.length, identity: ids });
  }

  /** The last event. */
  ended(run: Run, state: RunState): void {
    const fields = { durationMs: state.elapsedMs, counts: run.counts, unsettled: run.unsettled };
    if (run.status === 'completed') this.emit({ type: 'run.completed', ...fields, degraded: run.degraded });
    else if (run.status === 'failed') this.emit({ type: 'run.failed', ...fields, error: summarize(run.error) });
    else if (run.status === 'blocked') this.emit({ type: 'run.blocked', ...fields, reason: run.reason, blockedBy: run.blockedBy });
    else this.emit({ type: 'run.cancelled', ...fields, reason: run.reason, cancelledBy: run.cancelledBy });
  }

  stageStarted(stage: PlannedStage, queuedMs: number): void {
    const { tenantId, traceId, correlationId, parentRunId } = this.#identity;
    const elapsedMs = this.#clock.monotonic() - this.#startedMono;
    this.#deliver({
      type: 'stage.started',
      stage: stage.name,
      path: stage.name,
      attempt: 1,
      kind: stage.kind,
      queuedMs,
      runId: this.#runId,
      pipeline: this.#pipeline,
      epoch: 1,
      seq: ++this.#seq,
      at: this.#startedAt + elapsedMs,
      elapsedMs,
      tenantId,
      traceId,
      correlationId,
      parentRunId,
    });
  }

  stageCompleted(stage: PlannedStage, state: RunState): void {
    const { tenantId, traceId, correlationId, parentRunId } = this.#identity;
    const elapsedMs = this.#clock.monotonic() - this.#startedMono;
    this.#deliver({
      type: 'stage.completed',
      stage: stage.name,
      path: stage.name,
      attempt: state.attempts?.get(stage.index) ?? 1,
      kind: stage.kind,
      durationMs: state.durationMs?.[stage.index] ?? 0,
      runId: this.#runId,
      pipeline: this.#pipeline,
      epoch: 1,
      seq: ++this.#seq,
      at: this.#startedAt + elapsedMs,
      elapsedMs,
      tenantId,
      traceId,
      correlationId,
      parentRunId,
    });
  }

  stageEnded(
    stage: PlannedStage,
    state: RunState,
    outcome: Exclude<StageOutcome, { readonly status: 'completed' }>,
    started: boolean,
  ): void {
    const { index, kind, handled } = stage;
    const fields = { ...stageFields(stage, started ? (state.attempts?.get(index) ?? 1) : 0), kind };
    const durationMs = state.durationMs?.[index] ?? 0;
    if (outcome.status === 'skipped')
      this.emit({ type: 'stage.skipped', ...fields, reason: outcome.reason, rootCause: outcome.rootCause?.stage });
    else if (outcome.status === 'failed')
      this.emit({ type: 'stage.failed', ...fields, durationMs, error: summarize(outcome.error), handled });
    else if (outcome.status === 'blocked') this.emit({ type: 'stage.blocked', ...fields, durationMs, reason: outcome.reason, handled });
    else this.emit({ type: 'stage.cancelled', ...fields, reason: outcome.reason });
  }

  /** Completes the envelope and delivers. */
  emit(fields: Unsent<RunEvent>): void {
    const { tenantId, traceId, correlationId, parentRunId } = this.#identity;
    const elapsedMs = this.#clock.monotonic() - this.#startedMono;
    const envelope = {
      type: fields.type,
      runId: this.#runId,
      pipeline: this.#pipeline,
      epoch: 1,
      seq: ++this.#seq,
      at: this.#startedAt + elapsedMs,
      elapsedMs,
      tenantId,
      traceId,
      correlationId,
      parentRunId,
    };
    this.#deliver(Object.assign(envelope, fields) as RunEvent);
  }

  #deliver(event: RunEvent): void {
    freezeRecord(event);
    for (const target of this.#targets) target.push(event);
  }
}

/** What events of one stage carry besides the envelope. */
export function stageFields(
  stage: PlannedStage,
  attempt: number,
): { readonly stage: string; readonly path: string; readonly attempt: number } {
  return { stage: stage.name, path: stage.name, attempt };
}

/** An error as events carry it. */
export function summarize(error: StageflowError): ErrorSummary {
  return { code: error.code, message: error.message, retryable: error.retryable };
}
