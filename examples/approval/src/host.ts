import { createRuntime, type Runtime } from '@stageflow/core';
import { type SqliteRunStore, sqliteRunStore } from '@stageflow/sqlite-store';
import { expenses } from './pipeline.ts';

/** What each of the two programs has: the pipeline, and the file that they share. */
export function openHost(file: string): { readonly runtime: Runtime; readonly store: SqliteRunStore } {
  const store = sqliteRunStore({ file });
  const runtime = createRuntime({ pipelines: [expenses], store, services: { say: (line) => console.log(`  ${line}`) } });
  return { runtime, store };
}
