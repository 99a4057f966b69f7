import { createRuntime, type Runtime, type RuntimeOptions } from '@stageflow/core';
import { type SqliteRunStore, sqliteRunStore } from '@stageflow/sqlite-store';
import { report } from './pipeline.ts';

/** What each of the two programs has: the pipeline, and the file that they share. */
export interface Host {
  readonly runtime: Runtime;
  readonly store: SqliteRunStore;
}

type HostOptions = Pick<RuntimeOptions<never>, 'clock' | 'leaseMs' | 'recovery' | 'sinks'>;

/** @param say - Told what is done, when it is done. */
export function openHost(file: string, say: (line: string) => void, options: HostOptions = {}): Host {
  const store = sqliteRunStore({ file });
  return { runtime: createRuntime({ pipelines: [report], store, services: { say }, ...options }), store };
}
