import { type ErrorSummary, type EventEnvelope, eventVersion, type RunEvent } from '../event.ts';
import type { StageflowError } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';

/** Takes events: the queue of a sink, or the stream of a reader. */
export interface EventTarget {
  push(event: RunEvent): void;
}

type Unsent<E> = E extends RunEvent ? Omit<E, keyof EventEnvelope> : never;

/** Numbers the events of one run and hands them to whoever listens. Counts when nobody does, so that numbers stay true. */
export class Emitter {
  readonly #identity: RunIdentity;
  readonly #pipeline: string;
  readonly #clock: Clock;
  readonly #targets: EventTarget[];
  #seq = 0;
  #startedAt: number;
  #startedMono: number;

  constructor(identity: RunIdentity, pipeline: string, clock: Clock, targets: readonly EventTarget[]) {
    this.#identity = identity;
    this.#pipeline = pipeline;
    this.#clock = clock;
    this.#targets = [...targets];
    this.#startedAt = clock.now();
    this.#startedMono = clock.monotonic();
  }

  /** Adds a listener; it gets what is emitted from now on. */
  add(target: EventTarget): void {
    this.#targets.push(target);
  }

  /** The number of the latest event. */
  get seq(): number {
    return this.#seq;
  }

  created(stageCount: number): void {
    this.emit({ type: 'run.created', version: eventVersion, stageCount });
  }

  /** The run's own start: times count from here. */
  started(startedAt: number, startedMono: number): void {
    this.#startedAt = startedAt;
    this.#startedMono = startedMono;
    this.emit({ type: 'run.started' });
  }

  /** Completes the envelope and delivers. */
  emit(fields: Unsent<RunEvent>): void {
    this.#seq++;
    if (this.#targets.length === 0) return;
    const elapsedMs = this.#clock.monotonic() - this.#startedMono;
    const { runId, tenantId, traceId, correlationId, parentRunId } = this.#identity;
    const event = {
      ...fields,
      runId,
      pipeline: this.#pipeline,
      epoch: 1,
      seq: this.#seq,
      at: this.#startedAt + elapsedMs,
      elapsedMs,
      tenantId,
      traceId,
      correlationId,
      parentRunId,
    } as RunEvent;
    for (const target of this.#targets) target.push(event);
  }
}

/** What events of one stage carry besides the envelope. */
export function stageFields(stage: PlannedStage, attempt: number): { readonly stage: string; readonly path: string; readonly attempt: number } {
  return { stage: stage.name, path: stage.name, attempt };
}

/** An error as events carry it. */
export function summarize(error: StageflowError): ErrorSummary {
  return { code: error.code, message: error.message, retryable: error.retryable };
}
