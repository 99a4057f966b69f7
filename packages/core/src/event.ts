/**
 * Every event of a run, once. Facts, in the past tense; ids and numbers only, never the values of stages but for chunks
 * that a stage publishes. `version` of the union is {@link eventVersion}; it changes when a member changes its meaning.
 */
import type { RunIdentity } from './identity.ts';
import type { OutcomeCounts, OutcomeStatus } from './outcome.ts';
import type { EffectResult } from './undo.ts';

/** The version of the event union, carried by every `run.created`. */
export const eventVersion = 1;

/** What every event carries. */
export interface EventEnvelope {
  readonly runId: string;
  readonly pipeline: string;
  /** Counts activations of the run: 1, and one more for each resume. */
  readonly epoch: number;
  /** 1, 2, 3 … without a gap at the source, within an epoch. A gap at a sink means it was told of drops. */
  readonly seq: number;
  /** Epoch milliseconds: the wall clock at the run's start plus the monotonic time since. */
  readonly at: number;
  /** Monotonic milliseconds since the run's start. */
  readonly elapsedMs: number;
  readonly tenantId: string | undefined;
  readonly traceId: string | undefined;
  readonly correlationId: string | undefined;
  readonly parentRunId: string | undefined;
}

/** What events about one stage carry besides. */
export interface StageEnvelope extends EventEnvelope {
  readonly stage: string;
  readonly path: string;
  /** 1-based; 0 where the stage had not started. */
  readonly attempt: number;
}

/** An error as events carry it: what `summarizeError` says of it. */
export interface ErrorSummary {
  /** A code of Stageflow's, or that of what a stage threw (`ECONNREFUSED`); the name of an error without one. */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** What to do about it, where the code is one of Stageflow's, a package's or the host's. */
  readonly hint?: string | undefined;
}

export interface RunCreated extends EventEnvelope {
  readonly type: 'run.created';
  readonly version: number;
  readonly stageCount: number;
  /** Who and what the run is for; its `metadata`, which is users' data, stays out. */
  readonly identity: Omit<RunIdentity, 'metadata'>;
}
export interface RunStarted extends EventEnvelope {
  readonly type: 'run.started';
}
/** The first event of a reader that came late: where every stage is. `seq` is that of the latest event. */
export interface RunSnapshotted extends EventEnvelope {
  readonly type: 'run.snapshotted';
  readonly statuses: Readonly<Record<string, 'waiting' | 'running' | OutcomeStatus>>;
}
export interface RunStopping extends EventEnvelope {
  readonly type: 'run.stopping';
  readonly status: 'failed' | 'blocked' | 'cancelled';
  readonly reason: string;
}
/** Nothing new starts until somebody says so; what is under way goes on. */
export interface RunPaused extends EventEnvelope {
  readonly type: 'run.paused';
}
/** The pause is over. */
export interface RunContinued extends EventEnvelope {
  readonly type: 'run.continued';
}
interface RunEnded extends EventEnvelope {
  readonly durationMs: number;
  readonly counts: OutcomeCounts;
  readonly unsettled: readonly string[];
}
export interface RunCompleted extends RunEnded {
  readonly type: 'run.completed';
  readonly degraded: boolean;
}
export interface RunFailed extends RunEnded {
  readonly type: 'run.failed';
  readonly error: ErrorSummary;
}
export interface RunBlocked extends RunEnded {
  readonly type: 'run.blocked';
  readonly reason: string;
  readonly blockedBy: string;
}
export interface RunCancelled extends RunEnded {
  readonly type: 'run.cancelled';
  readonly reason: string;
  readonly cancelledBy: string | undefined;
}
export interface RunSuspended extends RunEnded {
  readonly type: 'run.suspended';
  /** Ids of what the run waits for. */
  readonly waits: readonly string[];
}
/** A stage waits for an answer from outside. */
export interface StageSuspended extends StageEnvelope {
  readonly type: 'stage.suspended';
  readonly waitId: string;
  /** `answer`, `review`, or what `waitFor()` named. */
  readonly wait: string;
}
/** The answer has come. */
export interface StageResumed extends StageEnvelope {
  readonly type: 'stage.resumed';
  readonly waitId: string;
}
export interface StageStarted extends StageEnvelope {
  readonly type: 'stage.started';
  readonly kind: string;
  readonly queuedMs: number;
}
export interface StageCompleted extends StageEnvelope {
  readonly type: 'stage.completed';
  readonly kind: string;
  readonly durationMs: number;
  /** Present where an interceptor had its value already. */
  readonly cached?: true;
}
export interface StageSkipped extends StageEnvelope {
  readonly type: 'stage.skipped';
  readonly kind: string;
  readonly reason: string;
  readonly rootCause: string | undefined;
}
export interface StageFailed extends StageEnvelope {
  readonly type: 'stage.failed';
  readonly kind: string;
  readonly durationMs: number;
  readonly error: ErrorSummary;
  /** Whether something in the plan takes the failure into account. */
  readonly handled: boolean;
}
export interface StageBlocked extends StageEnvelope {
  readonly type: 'stage.blocked';
  readonly kind: string;
  readonly durationMs: number;
  readonly reason: string;
  readonly handled: boolean;
}
export interface StageCancelled extends StageEnvelope {
  readonly type: 'stage.cancelled';
  readonly kind: string;
  readonly reason: string;
}
export interface StageProgressed extends StageEnvelope {
  readonly type: 'stage.progressed';
  /** In [0, 1]; `undefined` where the stage does not know its total. */
  readonly fraction: number | undefined;
  readonly message: string | undefined;
}
export interface AttemptFailed extends StageEnvelope {
  readonly type: 'attempt.failed';
  readonly error: ErrorSummary;
  /** Milliseconds until the next attempt, or `undefined` where there is none. */
  readonly retryInMs: number | undefined;
}
export interface AttemptAbandoned extends StageEnvelope {
  readonly type: 'attempt.abandoned';
  /** How long it was waited for after the abort. */
  readonly graceMs: number;
}
export interface AttemptArrivedLate extends StageEnvelope {
  readonly type: 'attempt.arrived_late';
  readonly settledAs: 'resolved' | 'rejected';
}
/** An attempt of a stage that streams has begun. */
export interface StreamOpened extends StageEnvelope {
  readonly type: 'stream.opened';
  /** Streamed edges that read it. */
  readonly readers: number;
}
/** A stage gave a chunk; only where it says `streams: { publish: true }`. */
export interface StreamChunk extends StageEnvelope {
  readonly type: 'stream.chunk';
  /** 0-based, within the attempt. */
  readonly index: number;
  readonly chunk: unknown;
}
/** A reader's buffer was full and has lost a chunk: the first of this attempt. The counters of `stream.closed` say how many it were. */
export interface StreamOverflowed extends StageEnvelope {
  readonly type: 'stream.overflowed';
  /** The path of the reader. */
  readonly reader: string;
}
/** No chunk of this attempt follows, and every reader has taken those it takes. */
export interface StreamClosed extends StageEnvelope {
  readonly type: 'stream.closed';
  readonly chunks: number;
  /** Milliseconds that the stage waited for readers. */
  readonly blockedMs: number;
  /** What became of the chunks that each reader was given; `reader` is its path. */
  readonly readers: readonly {
    readonly reader: string;
    readonly delivered: number;
    readonly dropped: number;
    readonly unread: number;
    readonly highWaterMark: number;
  }[];
}
export interface GuardFailedOpen extends StageEnvelope {
  readonly type: 'guard.failed_open';
  readonly error: ErrorSummary;
}
/** The guard of a `guarded` region sent a draft back; `attempt` is the draft's number. */
export interface GuardedRejected extends StageEnvelope {
  readonly type: 'guarded.rejected';
  readonly reason: string;
}
/** Another draft is made, with the reason as feedback. */
export interface GuardedRetried extends StageEnvelope {
  readonly type: 'guarded.retried';
  readonly reason: string;
}
/** No further draft is made. */
export interface GuardedExhausted extends StageEnvelope {
  readonly type: 'guarded.exhausted';
  readonly reason: string;
  readonly spent: 'attempts' | 'stagnation' | 'timeout';
}
/** A draft passed after others were sent back. */
export interface GuardedRecovered extends StageEnvelope {
  readonly type: 'guarded.recovered';
}
export interface CleanupFailed extends StageEnvelope {
  readonly type: 'cleanup.failed';
  readonly error: ErrorSummary;
}
/** What an effect has done is about to be undone, since the run ended badly. */
export interface UndoStarted extends StageEnvelope {
  readonly type: 'undo.started';
  readonly result: EffectResult['status'];
}
export interface UndoCompleted extends StageEnvelope {
  readonly type: 'undo.completed';
}
/** An attempt to undo an effect failed; without another one the effect stays. */
export interface UndoFailed extends StageEnvelope {
  readonly type: 'undo.failed';
  readonly error: ErrorSummary;
  /** Milliseconds until the next attempt, or `undefined` where there is none. */
  readonly retryInMs: number | undefined;
}
/** Told to a sink or a reader that has lost events, before the next one it gets, whose `seq` it carries. */
export interface EventsDropped extends EventEnvelope {
  readonly type: 'events.dropped';
  readonly sink: string;
  readonly count: number;
}
/** An event of the host or of another package, made by `defineEvent`. Its `stage` and `path` are empty, and its `attempt` is 0, where an interceptor of the run emitted it. */
export interface CustomEvent<P = unknown> extends StageEnvelope {
  readonly type: 'custom';
  readonly name: string;
  readonly payload: P;
}

/** Every event of a run. */
export type RunEvent =
  | RunCreated
  | RunStarted
  | RunSnapshotted
  | RunStopping
  | RunPaused
  | RunContinued
  | RunCompleted
  | RunFailed
  | RunBlocked
  | RunCancelled
  | RunSuspended
  | StageStarted
  | StageSuspended
  | StageResumed
  | StageCompleted
  | StageSkipped
  | StageFailed
  | StageBlocked
  | StageCancelled
  | StageProgressed
  | AttemptFailed
  | AttemptAbandoned
  | AttemptArrivedLate
  | StreamOpened
  | StreamChunk
  | StreamOverflowed
  | StreamClosed
  | GuardFailedOpen
  | GuardedRejected
  | GuardedRetried
  | GuardedExhausted
  | GuardedRecovered
  | CleanupFailed
  | UndoStarted
  | UndoCompleted
  | UndoFailed
  | EventsDropped
  | CustomEvent;

/** The member of {@link RunEvent} with this type. */
export type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>;

/** Whether this is the last event of its run, or of this activation of it. */
export function isTerminal(event: RunEvent): event is RunCompleted | RunFailed | RunBlocked | RunCancelled | RunSuspended {
  return /^run\.(completed|failed|blocked|cancelled|suspended)$/.test(event.type);
}

/** Whether no sink may lose this event, however far behind it is. */
export function mustArrive(event: RunEvent): boolean {
  return event.type === 'guard.failed_open' || isTerminal(event);
}

/** What a reader is told before `next` when it has lost `count` events. */
export function droppedBefore(next: RunEvent, sink: string, count: number): EventsDropped {
  const { runId, pipeline, epoch, seq, at, elapsedMs, tenantId, traceId, correlationId, parentRunId } = next;
  return { type: 'events.dropped', sink, count, runId, pipeline, epoch, seq, at, elapsedMs, tenantId, traceId, correlationId, parentRunId };
}

const guardRetryTopics: Readonly<Record<string, string>> = {
  'guarded.rejected': 'guard_retry.attempt',
  'guarded.retried': 'guard_retry.scheduled',
  'guarded.exhausted': 'guard_retry.exhausted',
  'guarded.recovered': 'guard_retry.recovered',
};

/**
 * The event's topic in the taxonomy of the earlier systems: `pipeline.created|started|completed|failed|cancelled`,
 * `stage.{name}.started|completed|failed|skipped`, `guard_retry.attempt|scheduled|exhausted|recovered`, and the type itself where that taxonomy has no word.
 *
 * @example
 * ```ts
 * topicOf(event); // 'stage.answer.completed'
 * ```
 */
export function topicOf(event: RunEvent): string {
  if (event.type === 'custom') return event.name;
  if (event.type.startsWith('run.')) return `pipeline.${event.type.slice('run.'.length)}`;
  if (event.type.startsWith('stage.') && 'stage' in event) return `stage.${event.stage}.${event.type.slice('stage.'.length)}`;
  return guardRetryTopics[event.type] ?? event.type;
}
