import { freezeRecord } from '#freeze';
import { summarizeError } from '../error-summary.ts';
import { type EventEnvelope, eventVersion, type RunEvent } from '../event.ts';
import type { RunIdentity } from '../identity.ts';
import type { StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { Run } from '../run.ts';
import type { RunState } from './run-state.ts';
import type { ScopeState } from './scope-state.ts';

/** Takes events: the queue of a sink, or the stream of a reader. */
export interface EventTarget {
  push(event: RunEvent): void;
}

/** The members of an event that its emitter does not fill in. */
export type Unsent<E> = E extends RunEvent ? Omit<E, keyof EventEnvelope> : never;

interface Envelope extends EventEnvelope {
  readonly type: string;
}

interface StageEvent extends Envelope {
  stage: string;
  path: string;
  attempt: number;
  kind: string;
  queuedMs?: number;
  durationMs?: number;
  cached?: true;
}

/**
 * Numbers the events of one run and hands them to whoever listens. Counts when nobody does, so that numbers stay true.
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
  readonly #epoch: number;

  /** @param startedAt - Epoch milliseconds at `startedMono`: times count from there. */
  constructor(
    identity: RunIdentity,
    pipeline: string,
    clock: Clock,
    targets: readonly EventTarget[],
    startedAt: number,
    startedMono: number,
    epoch: number,
  ) {
    this.#identity = identity;
    this.#pipeline = pipeline;
    this.#clock = clock;
    this.#targets = targets;
    this.#runId = identity.runId;
    this.#startedAt = startedAt;
    this.#startedMono = startedMono;
    this.#epoch = epoch;
  }

  created({ plan, identity }: RunState): void {
    const { metadata: _usersData, ...ids } = identity;
    this.emit({ type: 'run.created', version: eventVersion, stageCount: plan.stages.length, identity: ids });
  }

  /** The last event. */
  ended(run: Run, state: RunState): void {
    const fields = { durationMs: state.elapsedMs, counts: run.counts, unsettled: run.unsettled };
    if (run.status === 'completed') this.emit({ type: 'run.completed', ...fields, degraded: run.degraded });
    else if (run.status === 'failed') this.emit({ type: 'run.failed', ...fields, error: summarizeError(run.error) });
    else if (run.status === 'blocked') this.emit({ type: 'run.blocked', ...fields, reason: run.reason, blockedBy: run.blockedBy });
    else if (run.status === 'suspended') this.emit({ type: 'run.suspended', ...fields, waits: run.waits.map(({ waitId }) => waitId) });
    else this.emit({ type: 'run.cancelled', ...fields, reason: run.reason, cancelledBy: run.cancelledBy });
  }

  stageStarted(stage: PlannedStage, state: ScopeState): void {
    const event = this.#stageEvent('stage.started', stage, state, 1);
    event.queuedMs = state.notes?.get(stage.index)?.queuedMs ?? 0;
    this.#deliver(event as RunEvent);
  }

  stageCompleted(stage: PlannedStage, state: ScopeState): void {
    const note = state.notes?.get(stage.index);
    if (note?.restored === true) return;
    const event = this.#stageEvent('stage.completed', stage, state, note?.attempts ?? 1);
    event.durationMs = state.durationMs?.[stage.index] ?? 0;
    if (note?.cached === true) event.cached = true;
    this.#deliver(event as RunEvent);
  }

  stageEnded(
    stage: PlannedStage,
    state: ScopeState,
    outcome: Exclude<StageOutcome, { readonly status: 'completed' }>,
    started: boolean,
    handledAround: boolean,
  ): void {
    const { index } = stage;
    const note = state.notes?.get(index);
    if (note?.restored === true) return;
    const handled = stage.handled || handledAround;
    const { status } = outcome;
    const event = this.#stageEvent(`stage.${status}`, stage, state, started ? (note?.attempts ?? 1) : 0);
    if (status === 'failed' || status === 'blocked') Object.assign(event, { durationMs: state.durationMs?.[index] ?? 0, handled });
    if (status === 'failed') Object.assign(event, { error: summarizeError(outcome.error) });
    else Object.assign(event, { reason: outcome.reason });
    if (status === 'skipped') Object.assign(event, { rootCause: outcome.rootCause?.stage });
    this.#deliver(event as RunEvent);
  }

  /** Completes the envelope and delivers. */
  emit(fields: Unsent<RunEvent>): void {
    this.#deliver(Object.assign(this.#envelope(fields.type), fields) as RunEvent);
  }

  /** Every member by name, in one place: a spread of a dozen members costs an engine more than the rest of the stage. */
  #envelope(type: string): Envelope {
    const { tenantId, traceId, correlationId, parentRunId } = this.#identity;
    const elapsedMs = this.#clock.monotonic() - this.#startedMono;
    const at = this.#startedAt + elapsedMs;
    return {
      type,
      runId: this.#runId,
      pipeline: this.#pipeline,
      epoch: this.#epoch,
      seq: ++this.#seq,
      at,
      elapsedMs,
      tenantId,
      traceId,
      correlationId,
      parentRunId,
    };
  }

  #stageEvent(type: string, stage: PlannedStage, state: ScopeState, attempt: number): StageEvent {
    const event = this.#envelope(type) as StageEvent;
    event.stage = stage.name;
    event.path = state.pathOf(stage);
    event.attempt = attempt;
    event.kind = stage.kind;
    return event;
  }

  #deliver(event: RunEvent): void {
    freezeRecord(event);
    for (const target of this.#targets) target.push(event);
  }
}

/** What events of one stage carry besides the envelope. */
export function stageFields(
  state: ScopeState,
  stage: PlannedStage,
  attempt: number,
): { readonly stage: string; readonly path: string; readonly attempt: number } {
  return { stage: stage.name, path: state.pathOf(stage), attempt };
}
