import { createRuntime, type Runtime } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { refunds } from './pipeline.ts';

/** What each process has that works on the runs in a file. */
export interface Host {
  readonly runtime: Runtime;
  /** What was paid by this process, by key: put your bank in its place. */
  readonly payments: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Opens the file, and makes it where there is none. */
export function openHost(file: string, sinks: readonly EventSink[] = []): Host {
  const payments = new Map<string, number>();
  const bank = { pay: async (amount: number, key: string) => void payments.set(key, amount) };
  const store = sqliteRunStore({ file });
  const runtime = createRuntime({ pipelines: [refunds], store, sinks, services: { bank } });
  return {
    runtime,
    payments,
    async close() {
      await runtime.close();
      store.close();
    },
  };
}
