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
  Vote,
  VoteRequest,
  VoteResult,
  WaitFilter,
} from '@stageflow/core/ports';
import { keptJson } from './kept-json.ts';
import { type SqliteDatabase, transaction } from './sqlite-database.ts';
import { connect, type SqliteConnection, type SqliteLocation } from './sqlite-location.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** Where the runs are kept. */
export type SqliteRunStoreOptions = SqliteLocation;

/** A run store in a SQLite file. */
export interface SqliteRunStore extends RunStore {
  readonly due: NonNullable<RunStore['due']>;
  readonly ended: NonNullable<RunStore['ended']>;
  readonly remove: NonNullable<RunStore['remove']>;
  readonly vote: NonNullable<RunStore['vote']>;
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
export function sqliteRunStore(location: SqliteRunStoreOptions): SqliteRunStore {
  return new SqliteStore(connect(location));
}

interface RunRow {
  readonly run: string;
  readonly status: StoredStatus;
  readonly epoch: number;
  readonly is_paused: number;
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
  readonly votes: string | null;
}

class SqliteStore implements SqliteRunStore {
  readonly name = 'sqlite';
  readonly close: () => void;
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;

  constructor({ database, close }: SqliteConnection) {
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
        isPaused: found.is_paused === 1,
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
    { at, records, waits, status, outputs, resting = [], isDue = false, isPaused }: JournalBatch,
  ): Promise<boolean> {
    return this.#atomically((statements) => {
      if (statements.isHeld.get(runId, epoch) === undefined) return false;
      this.#addRecords(runId, records);
      for (const wait of waits) this.#open(runId, wait);
      if (isPaused !== undefined) statements.pause.run(isPaused ? 1 : 0, runId);
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

  async waits({ tenantId, runId, type, waitId }: WaitFilter): Promise<readonly StoredWait[]> {
    const [tenant, ofRun, ofType] = [tenantId ?? null, runId ?? null, type ?? null];
    return (this.#openWaits(tenant, ofRun, ofType, waitId) as WaitRow[]).map(waitOf);
  }

  /** By the index that leaves the fewest to look at. */
  #openWaits(tenant: string | null, runId: string | null, type: string | null, waitId: string | undefined): readonly unknown[] {
    const { openWaitOfId, openWaitsOfRun, openWaitsOfTenant } = this.#statements;
    if (waitId !== undefined) return openWaitOfId.all(waitId, tenant, runId, runId, type, type);
    return runId === null ? openWaitsOfTenant.all(tenant, type, type) : openWaitsOfRun.all(runId, tenant, type, type);
  }

  async answer(waitId: string, answer: Encoded, tenantId: string | undefined): Promise<AnswerResult> {
    return this.#atomically(() => this.#answer(waitId, answer, tenantId));
  }

  async vote(waitId: string, { vote, after, answer }: VoteRequest, tenantId: string | undefined): Promise<VoteResult> {
    return this.#atomically(({ wait, keepVotes }) => {
      const found = wait.get(waitId, tenantId ?? null) as Pick<WaitRow, 'status' | 'votes'> | undefined;
      if (found?.status !== 'open') return notOpen(found?.status);
      const votes = JSON.parse(found.votes ?? '[]') as readonly Vote[];
      if (votes.length !== after) return 'changed';
      keepVotes.run(JSON.stringify([...votes, vote]), waitId);
      return answer === undefined ? 'kept' : this.#answer(waitId, answer, tenantId);
    });
  }

  #answer(waitId: string, answer: Encoded, tenantId: string | undefined): AnswerResult {
    const { answer: keepAnswer, wait, wake } = this.#statements;
    const answered = keepAnswer.get(answer, waitId, tenantId ?? null) as { readonly run_id: string } | undefined;
    if (answered === undefined) return notOpen((wait.get(waitId, tenantId ?? null) as Pick<WaitRow, 'status'> | undefined)?.status);
    wake.run(answered.run_id);
    return 'answered';
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

/** What is told of a wait that is not open, or not there. */
function notOpen(status: StoredWait['status'] | undefined): AnswerResult {
  if (status === undefined) return 'unknown';
  return status === 'answered' ? 'already answered' : 'withdrawn';
}

function waitOf({ wait_id, run_id, wait, status, answer, votes }: WaitRow): StoredWait {
  const at = `wait "${wait_id}"`;
  const given = votes === null ? undefined : (keptJson(votes, run_id, at) as readonly Vote[]);
  return { ...(keptJson(wait, run_id, at) as StoredWait), status, answer: answer ?? undefined, votes: given };
}
