import type { RunEvent } from '@stageflow/core';
import type { LogLevel } from './pino-logger.ts';

const levels: Readonly<Record<RunEvent['type'], LogLevel>> = {
  'run.created': 'debug',
  'run.started': 'info',
  'run.snapshotted': 'debug',
  'run.stopping': 'info',
  'run.paused': 'info',
  'run.continued': 'info',
  'run.completed': 'info',
  'run.failed': 'error',
  'run.blocked': 'warn',
  'run.cancelled': 'info',
  'run.suspended': 'info',
  'stage.started': 'debug',
  'stage.suspended': 'info',
  'stage.resumed': 'info',
  'stage.completed': 'debug',
  'stage.skipped': 'debug',
  'stage.failed': 'error',
  'stage.blocked': 'warn',
  'stage.cancelled': 'debug',
  'stage.progressed': 'debug',
  'attempt.failed': 'warn',
  'attempt.abandoned': 'warn',
  'attempt.arrived_late': 'warn',
  'stream.opened': 'debug',
  'stream.chunk': 'debug',
  'stream.overflowed': 'warn',
  'stream.closed': 'debug',
  'guard.failed_open': 'warn',
  'guarded.rejected': 'info',
  'guarded.retried': 'info',
  'guarded.exhausted': 'warn',
  'guarded.recovered': 'info',
  'cleanup.failed': 'error',
  'undo.started': 'info',
  'undo.completed': 'info',
  'undo.failed': 'error',
  'events.dropped': 'warn',
  custom: 'info',
};

/** How much an event matters where nobody says otherwise: a failure that the plan handles, and a degraded run, are warnings. */
export function levelOf(event: RunEvent): LogLevel {
  if (event.type === 'stage.failed' && event.handled) return 'warn';
  if (event.type === 'run.completed' && event.degraded) return 'warn';
  return levels[event.type] ?? 'info';
}
