import { join } from 'node:path';
import { createRuntime, type Runtime } from '@stageflow/core';
import { type SqliteRunStore, sqliteRunStore } from '@stageflow/sqlite-store';
import { bookingService } from './booking-service.ts';
import { trip } from './pipeline.ts';

/** Where the booking service keeps its ledger. */
export function ledgerIn(folder: string): string {
  return join(folder, 'ledger.jsonl');
}

/**
 * What each of the two programs has: the pipeline, the runs, and the booking service.
 *
 * @param killAt - The process kills itself, as a power cut would, when the booking service says this line.
 */
export function openHost(folder: string, killAt?: string): { readonly runtime: Runtime; readonly store: SqliteRunStore } {
  const bookings = bookingService(ledgerIn(folder), (line) => {
    console.log(`  ${line}`);
    if (line === killAt) process.kill(process.pid, 'SIGKILL');
  });
  const store = sqliteRunStore({ file: join(folder, 'runs.sqlite') });
  // The lease is short, so that the example does not wait long; 30 s unless it is said.
  return { runtime: createRuntime({ pipelines: [trip], store, leaseMs: 500, services: { bookings } }), store };
}
