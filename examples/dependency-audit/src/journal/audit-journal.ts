import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStore, StoredRun } from '@stageflow/core/ports';

/** Where the audit was when its process died. */
export interface UnfinishedAudit {
  readonly runId: string;
  /** Epoch milliseconds. */
  readonly beganAt: number;
  /** How each stage ended that had, by path. */
  readonly ended: ReadonlyMap<string, 'completed' | 'skipped' | 'failed' | 'blocked'>;
}

/** Keeps audits that are under way, so that one whose process is killed can be continued. */
export interface AuditJournal {
  readonly store: RunStore;
  /** The latest audit of this key that has not ended, whether its process lives or not. */
  unfinished(key: string): Promise<UnfinishedAudit | undefined>;
  /** What a run is given as metadata, so that it is found again. */
  metadata(key: string): Readonly<Record<string, unknown>>;
  /** An audit of this key has ended: gives up what was left of earlier ones. The file goes where nothing is left in it. */
  close(key: string): Promise<void>;
}

/** How long a dead process still holds its audit. */
export const leaseMs = 2_000;

/** The same for audits that would find out the same. */
export function auditKey(input: { readonly nodeModules: string; readonly policy: string; readonly measureSizes: boolean }): string {
  const { nodeModules, policy, measureSizes } = input;
  return createHash('sha256')
    .update(JSON.stringify([nodeModules, policy, measureSizes]))
    .digest('hex')
    .slice(0, 16);
}

/**
 * Opens a journal in a SQLite file, creating it where it is missing.
 *
 * @returns `undefined` where this Node has no SQLite: that is part of it since 22.13.
 * @throws Where the file cannot be opened.
 */
export async function openJournal(file: string): Promise<AuditJournal | undefined> {
  const sqlite = await importSqlite();
  if (sqlite === undefined) return undefined;
  await mkdir(dirname(file), { recursive: true });
  const database = new sqlite.DatabaseSync(file);
  const store = sqlite.sqliteRunStore({ database });
  // The store syncs each commit, for machines that lose power. This journal has to outlive its process only.
  database.exec('PRAGMA synchronous = NORMAL');

  const left = async (): Promise<StoredRun[]> => {
    // Leases run out; whoever asks for a time beyond all of them is told of every run that has not ended.
    const due = await store.due(Number.MAX_SAFE_INTEGER, 1_000);
    const runs = await Promise.all(due.map(({ runId }) => store.load(runId, undefined)));
    return runs.flatMap((run) => run ?? []).sort((one, other) => one.createdAt - other.createdAt);
  };
  const isOf = (key: string) => (run: StoredRun) => run.identity.metadata['audit'] === key;

  return {
    store,
    metadata: (key) => ({ audit: key }),
    async unfinished(key) {
      const found = (await left()).filter(isOf(key)).at(-1);
      return found && { runId: found.runId, beganAt: found.createdAt, ended: endedStages(found) };
    },
    async close(key) {
      for (const { runId } of (await left()).filter(isOf(key))) await giveUp(store, runId);
      const isEmpty = (await left()).length === 0;
      database.close();
      if (isEmpty) for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
    },
  };
}

async function importSqlite() {
  try {
    const { DatabaseSync } = await import('node:sqlite');
    const { sqliteRunStore } = await import('@stageflow/sqlite-store');
    return { DatabaseSync, sqliteRunStore };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_BUILTIN_MODULE') return undefined;
    throw error;
  }
}

function endedStages({ records }: StoredRun): UnfinishedAudit['ended'] {
  return new Map(records.flatMap(({ path, status }) => (status === 'intent' ? [] : [[path, status]])));
}

/** Ends a run as cancelled. One that was killed a moment ago is waited for, as it still holds its lease; one that lives is left alone. */
async function giveUp(store: RunStore, runId: string): Promise<void> {
  for (const patience = Date.now() + leaseMs; ; await sleep(100)) {
    const now = Date.now();
    const taken = await store.acquire(runId, { owner: 'dependency-audit', now, until: now + leaseMs });
    if (taken !== undefined) {
      await store.commit(runId, taken.epoch, { at: Date.now(), records: [], waits: [], status: 'cancelled', outputs: undefined });
      return;
    }
    if (now > patience) return;
  }
}
