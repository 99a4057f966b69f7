import { describe, expect, test } from 'vitest';
import { type EventOf, isTerminal, mustArrive, type RunEvent, topicOf } from './event.ts';

const stageFields = { stage: 'ask', path: 'ask', attempt: 1 };

function event(type: RunEvent['type']): RunEvent {
  const ofStage = type.startsWith('run.') || type === 'events.dropped' ? {} : stageFields;
  return { type, ...ofStage, ...(type === 'custom' ? { name: 'cart.priced' } : {}) } as RunEvent;
}

/** The topic of every type; the compiler misses a type that is not here. */
const topics = {
  'run.created': 'pipeline.created',
  'run.started': 'pipeline.started',
  'run.snapshotted': 'pipeline.snapshotted',
  'run.paused': 'pipeline.paused',
  'run.continued': 'pipeline.continued',
  'run.stopping': 'pipeline.stopping',
  'run.suspended': 'pipeline.suspended',
  'run.completed': 'pipeline.completed',
  'run.failed': 'pipeline.failed',
  'run.blocked': 'pipeline.blocked',
  'run.cancelled': 'pipeline.cancelled',
  'stage.started': 'stage.ask.started',
  'stage.completed': 'stage.ask.completed',
  'stage.skipped': 'stage.ask.skipped',
  'stage.failed': 'stage.ask.failed',
  'stage.blocked': 'stage.ask.blocked',
  'stage.cancelled': 'stage.ask.cancelled',
  'stage.suspended': 'stage.ask.suspended',
  'stage.resumed': 'stage.ask.resumed',
  'stage.progressed': 'stage.ask.progressed',
  'attempt.failed': 'attempt.failed',
  'attempt.abandoned': 'attempt.abandoned',
  'attempt.arrived_late': 'attempt.arrived_late',
  'stream.opened': 'stream.opened',
  'stream.chunk': 'stream.chunk',
  'stream.overflowed': 'stream.overflowed',
  'stream.closed': 'stream.closed',
  'guard.failed_open': 'guard.failed_open',
  'guarded.rejected': 'guard_retry.attempt',
  'guarded.retried': 'guard_retry.scheduled',
  'guarded.exhausted': 'guard_retry.exhausted',
  'guarded.recovered': 'guard_retry.recovered',
  'cleanup.failed': 'cleanup.failed',
  'undo.started': 'undo.started',
  'undo.completed': 'undo.completed',
  'undo.failed': 'undo.failed',
  'events.dropped': 'events.dropped',
  custom: 'cart.priced',
} as const satisfies Record<RunEvent['type'], string>;

const types = Object.keys(topics) as RunEvent['type'][];

test.each(types)('topicOf() of %s is that of the earlier systems, or the type', (type) => {
  expect(topicOf(event(type))).toBe(topics[type]);
});

test('a custom event may be called like one of the run, and keeps its name', () => {
  expect(topicOf({ ...event('custom'), name: 'stage.x.started' } as EventOf<'custom'>)).toBe('stage.x.started');
});

describe('isTerminal()', () => {
  test('is true of the ends of a run, and of one that rests', () => {
    expect(types.filter((type) => isTerminal(event(type)))).toEqual([
      'run.suspended',
      'run.completed',
      'run.failed',
      'run.blocked',
      'run.cancelled',
    ]);
  });
});

describe('mustArrive()', () => {
  test('is true of the ends of a run, and of a guard that failed open', () => {
    expect(types.filter((type) => mustArrive(event(type)))).toEqual([
      'run.suspended',
      'run.completed',
      'run.failed',
      'run.blocked',
      'run.cancelled',
      'guard.failed_open',
    ]);
  });
});
