import { StageflowError } from '@stageflow/core';
import type {
  AnswerResult,
  DeliverResult,
  DueRun,
  Encoded,
  JournalBatch,
  JournalRecord,
  Lease,
  NewRun,
  RunKey,
  RunStore,
  StoredRun,
  StoredStatus,
  StoredWait,
  WaitFilter,
} from '@stageflow/core/ports';
import { keptJson } from './kept-json.ts';
import { migrate } from './migrations.ts';
import { configure, openFile, type SqliteDatabase, transaction } from './sqlite-database.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** Where the runs are kept: a file that this store opens, or a connection of the host's. */
export type SqliteRunStoreOptions =
  | {
      /** A path; created where it is missing. Any number of processes of one machine may use it at once. */
      readonly file: string;
      readonly database?: undefined;
    }
  | {
      /** A connection of node:sqlite, with which nothing else may be in a transaction when a method is called. The store never closes it. */
      readonly database: SqliteDatabase;
      readonly file?: undefined;
    };

/** A run store in a SQLite file. */
export interface SqliteRunStore extends RunStore {
  readonly due: NonNullable<RunStore['due']>;
  readonly ended: NonNullable<RunStore['ended']>;
  readonly remove: NonNullable<RunStore['remove']>;
  /** Closes the file that the store has opened. Runs under way lose their store. */
  close(): void;
}

/** As core has it: how many answers are kept for one run before anything waits for them. */
const earlyLimit = 100;

/**
 * Keeps runs in a SQLite file: in WAL mode, synced at each commit, with tables of its own whose names begin with
 * `stageflow_`. Statements are synchronous and hold the thread while they last, a few milliseconds unless many processes
 * write at once.
 *
 * @throws What node:sqlite throws, where the file cannot be opened; SF_STORE_VERSION where a later version of this package made it.
 * @example
 * ```ts
 * const store = sqliteRunStore({ file: 'runs.sqlite' });
 * const runtime = createRuntime({ pipelines: [chat], store });
 * ```
 */
export function sqliteRunStore({ file, database }: SqliteRunStoreOptions): SqliteRunStore {
  if (database !== undefined) return new SqliteStore(database, () => {});
  const opened = openFile(file);
  try {
    return new SqliteStore(opened, () => opened.close());
  } catch (error) {
    opened.close();
    throw error;
  }
}

interface RunRow {
  readonly run: string;
  readonly status: StoredStatus;
  readonly epoch: number;
}

interface DueRow {
  readonly run_id: string;
  readonly tenant_id: string | null;
  readonly pipeline: string;
}

interface WaitRow {
  readonly wait_id: string;
  readonly run_id: string;
  readonly wait: string;
  readonly status: StoredWait['status'];
  readonly answer: Encoded | null;
}

class SqliteStore implements SqliteRunStore {
  readonly name = 'sqlite';
  readonly close: () => void;
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;

  constructor(database: SqliteDatabase, close: () => void) {
    configure(database);
    migrate(database);
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.close = close;
  }

  async create(run: NewRun, { owner, until }: Lease): Promise<void> {
    const { records = [], ...plain } = run;
    const { runId, identity } = plain;
    const isNew = this.#atomically(({ createRun }) => {
      const { changes } = createRun.run(runId, identity.tenantId ?? null, JSON.stringify(plain), owner, until);
      if (changes === 1) this.#addRecords(runId, records);
      return changes === 1;
    });
    if (!isNew) throw new StageflowError('SF_RUN_EXISTS', { runId });
  }

  async load(runId: string, tenantId: string | undefined): Promise<StoredRun | undefined> {
    const { run, records, waitsOfRun, early } = this.#statements;
    return transaction(this.#database, 'DEFERRED', () => {
      const found = run.get(runId, tenantId ?? null) as RunRow | undefined;
      if (found === undefined) return undefined;
      return {
        ...(keptJson(found.run, runId, 'the run') as NewRun),
        status: found.status,
        epoch: found.epoch,
        records: (records.all(runId) as { readonly record: string }[]).map(
          ({ record }, at) => keptJson(record, runId, `record ${at + 1}`) as JournalRecord,
        ),
        waits: (waitsOfRun.all(runId) as WaitRow[]).map(waitOf),
        early: (early.all(runId) as StoredRun['early']).map(({ type, payload }) => ({ type, payload })),
      };
    });
  }

  async acquire(runId: string, { owner, until, now }: Lease): Promise<{ readonly epoch: number } | undefined> {
    const taken = this.#statements.acquire.get(owner, until, runId, now) as { readonly epoch: number } | undefined;
    return taken && { epoch: taken.epoch };
  }

  async renew(runId: string, epoch: number, { until }: Lease): Promise<boolean> {
    return this.#statements.renew.run(until, runId, epoch).changes === 1;
  }

  async commit(
    runId: string,
    epoch: number,
    { at, records, waits, status, outputs, resting = [], isDue = false }: JournalBatch,
  ): Promise<boolean> {
    return this.#atomically((statements) => {
      if (statements.isHeld.get(runId, epoch) === undefined) return false;
      this.#addRecords(runId, records);
      for (const wait of waits) this.#open(runId, wait);
      if (status !== undefined && status !== 'running') {
        statements.settle.run(status, outputs ?? null, status === 'suspended' ? null : at, runId);
        if (status !== 'suspended') statements.withdraw.run(runId);
        else if (isDue || resting.some((waitId) => statements.isAnswered.get(waitId) !== undefined)) statements.wake.run(runId);
      }
      return true;
    });
  }

  #addRecords(runId: string, records: readonly JournalRecord[]): void {
    if (records.length === 0) return;
    const { nextRecord, addRecord } = this.#statements;
    const { position } = nextRecord.get(runId) as { readonly position: number };
    for (const [at, record] of records.entries()) addRecord.run(runId, position + at, JSON.stringify(record));
  }

  /** An answer that came early answers the wait as it opens. */
  #open(runId: string, wait: StoredWait): void {
    const { isOpened, takeEarly, openWait } = this.#statements;
    const { waitId, tenantId, type, openedAt, expiresAt } = wait;
    if (isOpened.get(waitId) !== undefined) return;
    const early = takeEarly.get(runId, type) as { readonly payload: string } | undefined;
    const status = early === undefined ? wait.status : 'answered';
    const answer = early?.payload ?? wait.answer ?? null;
    openWait.run(waitId, runId, tenantId ?? null, type, openedAt, expiresAt ?? null, status, JSON.stringify(wait), answer);
  }

  async waits({ tenantId, runId, type }: WaitFilter): Promise<readonly StoredWait[]> {
    const { openWaitsOfRun, openWaitsOfTenant } = this.#statements;
    const [tenant, ofType] = [tenantId ?? null, type ?? null];
    const rows = runId === undefined ? openWaitsOfTenant.all(tenant, ofType, ofType) : openWaitsOfRun.all(runId, tenant, ofType, ofType);
    return (rows as WaitRow[]).map(waitOf);
  }

  async answer(waitId: string, answer: Encoded, tenantId: string | undefined): Promise<AnswerResult> {
    return this.#atomically((statements) => {
      const answered = statements.answer.get(answer, waitId, tenantId ?? null) as { readonly run_id: string } | undefined;
      if (answered !== undefined) {
        statements.wake.run(answered.run_id);
        return 'answered';
      }
      const found = statements.statusOfWait.get(waitId, tenantId ?? null) as { readonly status: string } | undefined;
      if (found === undefined) return 'unknown';
      return found.status === 'answered' ? 'already answered' : 'withdrawn';
    });
  }

  async deliver(runId: string, type: string, payload: Encoded, tenantId: string | undefined): Promise<DeliverResult> {
    const tenant = tenantId ?? null;
    return this.#atomically(({ run, oldestOpen, answer, wake, countEarly, keepEarly }) => {
      const found = run.get(runId, tenant) as RunRow | undefined;
      if (found?.status !== 'running' && found?.status !== 'suspended') return { result: 'unknown run' };
      const open = oldestOpen.get(runId, type) as { readonly wait_id: string } | undefined;
      if (open !== undefined) {
        answer.get(payload, open.wait_id, tenant);
        wake.run(runId);
        return { result: 'answered', waitId: open.wait_id };
      }
      const { count } = countEarly.get(runId) as { readonly count: number };
      if (count >= earlyLimit) return { result: 'too many' };
      keepEarly.run(runId, type, payload);
      return { result: 'kept' };
    });
  }

  async due(now: number, limit: number, after = ''): Promise<readonly DueRun[]> {
    const rows = this.#statements.due.all(after, now, after, after, now, limit) as readonly DueRow[];
    return rows.map(({ run_id, tenant_id, pipeline }) => ({ runId: run_id, tenantId: tenant_id ?? undefined, pipeline }));
  }

  async ended(endedBefore: number, limit: number): Promise<readonly RunKey[]> {
    const old = this.#statements.ended.all(endedBefore, limit) as readonly Omit<DueRow, 'pipeline'>[];
    return old.map(({ run_id, tenant_id }) => ({ runId: run_id, tenantId: tenant_id ?? undefined }));
  }

  async remove(runIds: readonly string[]): Promise<number> {
    return this.#atomically(({ deleteEarly, deleteWaits, deleteRecords, deleteRun }) => {
      let count = 0;
      for (const runId of runIds) {
        if (deleteRun.run(runId).changes === 0) continue;
        for (const statement of [deleteEarly, deleteWaits, deleteRecords]) statement.run(runId);
        count++;
      }
      return count;
    });
  }

  #atomically<T>(work: (statements: Statements) => T): T {
    return transaction(this.#database, 'IMMEDIATE', () => work(this.#statements));
  }
}

function waitOf({ wait_id, run_id, wait, status, answer }: WaitRow): StoredWait {
  return { ...(keptJson(wait, run_id, `wait "${wait_id}"`) as StoredWait), status, answer: answer ?? undefined };
}
