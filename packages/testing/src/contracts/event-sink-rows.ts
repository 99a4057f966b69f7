import type { EventOf, RunEvent, StageEnvelope } from '@stageflow/core';

type Type = RunEvent['type'];

const error = { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED', retryable: true, hint: 'Start it.' };
const counts = { completed: 1, skipped: 2, failed: 3, blocked: 4, cancelled: 5 };
const ended = { durationMs: 12.5, counts, unsettled: ['map[a]/it'] };
const kind = 'stage';

/** Something in every member that an event of a type has besides its envelope. */
const members: { readonly [T in Type]: Omit<EventOf<T>, keyof StageEnvelope | 'type'> } = {
  'run.created': {
    version: 1,
    stageCount: 2,
    identity: {
      runId: 'r-1',
      requestId: 'q',
      sessionId: 's',
      interactionId: 'i',
      userId: 'u',
      tenantId: 't',
      correlationId: 'c',
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      parentRunId: 'r-0',
      service: 'shop',
      mode: 'fast',
    },
  },
  'run.started': {},
  'run.snapshotted': { statuses: { it: 'waiting', 'map[a]/it': 'completed' } },
  'run.paused': {},
  'run.continued': {},
  'run.stopping': { status: 'blocked', reason: 'unsafe' },
  'run.completed': { ...ended, degraded: true },
  'run.failed': { ...ended, error },
  'run.blocked': { ...ended, reason: 'unsafe', blockedBy: 'it' },
  'run.cancelled': { ...ended, reason: 'enough', cancelledBy: 'it' },
  'run.suspended': { ...ended, counts: { ...counts, suspended: 1 }, waits: ['r-1/it#answer'] },
  'stage.started': { kind, queuedMs: 0.25 },
  'stage.suspended': { waitId: 'r-1/it#answer', wait: 'answer' },
  'stage.resumed': { waitId: 'r-1/it#answer' },
  'stage.completed': { kind, durationMs: 1e-7, cached: true },
  'stage.skipped': { kind, reason: 'anonymous', rootCause: 'it' },
  'stage.failed': { kind, durationMs: 1, error, handled: true },
  'stage.blocked': { kind: 'guard', durationMs: 1, reason: 'unsafe', handled: false },
  'stage.cancelled': { kind, reason: 'enough' },
  'stage.progressed': { fraction: 0.1, message: 'a tenth' },
  'attempt.failed': { error, retryInMs: 100 },
  'attempt.abandoned': { graceMs: 1_000 },
  'attempt.arrived_late': { settledAs: 'rejected' },
  'stream.opened': { readers: 2 },
  'stream.chunk': { index: 0, chunk: { delta: 'Hel' } },
  'stream.overflowed': { reader: 'tail' },
  'stream.closed': {
    chunks: 3,
    blockedMs: 4,
    readers: [{ reader: 'tail', delivered: 1, dropped: 1, unread: 1, highWaterMark: 2 }],
  },
  'undo.started': { result: 'unknown' },
  'undo.completed': {},
  'undo.failed': { error, retryInMs: undefined },
  'guard.failed_open': { error },
  'guarded.rejected': { reason: 'too long' },
  'guarded.retried': { reason: 'too long' },
  'guarded.exhausted': { reason: 'too long', spent: 'attempts' },
  'guarded.recovered': {},
  'cleanup.failed': { error },
  'events.dropped': { sink: 'rows', count: 3 },
  custom: { name: 'app.counted', payload: { count: 1 } },
};

/** Every type of event there is. */
export const eventTypes: readonly Type[] = Object.keys(members) as Type[];

/** What tells events of one type apart. */
export interface EventPlace {
  readonly seq: number;
  readonly epoch?: number;
  readonly runId?: string;
  readonly tenantId?: string | undefined;
}

/** An event as a runtime would make it. */
export function eventOf(type: Type, { seq, epoch = 1, runId = 'r-1', ...tenant }: EventPlace): RunEvent {
  const ids = { tenantId: 't', traceId: 'a'.repeat(32), correlationId: undefined, parentRunId: 'r-0', ...tenant };
  const envelope = { runId, pipeline: 'chat', epoch, seq, at: 1_735_689_600_000.125 + seq, elapsedMs: seq + 0.5, ...ids };
  const place = /^(run|events)\./.test(type) ? {} : { stage: 'it', path: 'map[a%5B]/it', attempt: 2 };
  return { ...envelope, ...place, type, ...members[type] } as RunEvent;
}

/** An event of the host, with what it carries. */
export function customEvent(payload: unknown, place: EventPlace): RunEvent {
  return { ...eventOf('custom', place), payload } as RunEvent;
}
