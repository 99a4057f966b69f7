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
import { AnswerListener } from './answer-listener.ts';
import { fromColumn, toColumn } from './column-text.ts';
import { keptJson } from './kept-json.ts';
import type { PgClient, PgListenPool, PgResult } from './pg-pool.ts';
import { PostgresConnection, type PostgresLocation } from './postgres-connection.ts';
import { type Statements, statements } from './statements.ts';

/** Where the runs are kept. */
export interface PostgresRunStoreOptions extends PostgresLocation {
  /**
   * Where to take the one connection that listens while somebody watches: a `Pool` of `pg`, the same one or another. It must
   * lead to the server itself or to a pooler in session mode, since in transaction mode notices are lost without an error.
   *
   * @default none: the store cannot `watch()`
   */
  readonly listen?: PgListenPool | undefined;
}

/** A run store in PostgreSQL. */
export interface PostgresRunStore extends RunStore {
  readonly due: NonNullable<RunStore['due']>;
  readonly ended: NonNullable<RunStore['ended']>;
  readonly remove: NonNullable<RunStore['remove']>;
  readonly vote: NonNullable<RunStore['vote']>;
  /**
   * Makes the schema and its tables, or brings them up to date. Any number of processes may call it at once; where there
   * is nothing to do it only looks.
   *
   * @throws What `pg` throws; SF_STORE_VERSION where a later version of this package made the schema.
   */
  migrate(): Promise<void>;
}

/** As core has it: how many answers are kept for one run before anything waits for them. */
const earlyLimit = 100;

/**
 * Keeps runs in PostgreSQL, in a schema of their own, for any number of processes. Connects when it is first asked; call
 * `migrate()` before, or have the statements of `postgresMigrations()` run.
 *
 * @throws TypeError Where PostgreSQL can have no schema of that name.
 * @example
 * ```ts
 * const store = postgresRunStore({ pool: new Pool({ connectionString }) });
 * await store.migrate();
 * const runtime = createRuntime({ pipelines: [chat], store });
 * ```
 */
export function postgresRunStore({ listen, ...location }: PostgresRunStoreOptions): PostgresRunStore {
  return new PostgresStore(new PostgresConnection(location), listen);
}

interface RunRow {
  readonly run: string;
  readonly status: StoredStatus;
  readonly epoch: unknown;
  readonly is_paused: boolean;
  readonly records: string | null;
  readonly waits: string | null;
  readonly early: string | null;
}

interface KeyRow {
  readonly run_id: string;
  readonly tenant_id: string | null;
}

interface DueRow extends KeyRow {
  readonly pipeline: string;
}

interface WaitRow {
  readonly wait_id: string;
  readonly run_id: string;
  readonly wait: string;
  readonly status: StoredWait['status'];
  readonly answer: Encoded | null;
  /** A JSON array of votes in JSON. */
  readonly votes: string | null;
}

/** What there is of a wait: the wait as it was opened, its status, the answer, votes in JSON. */
type WaitParts = readonly [
  waitId: string,
  wait: string,
  status: StoredWait['status'],
  answer: Encoded | null,
  votes: readonly string[] | null,
];

/** A wait as it was found by what answers it. */
interface FoundWait {
  readonly status: StoredWait['status'];
  readonly is_kept: boolean;
}

class PostgresStore implements PostgresRunStore {
  readonly name = 'postgres';
  readonly #connection: PostgresConnection;
  readonly #statements: Statements;
  readonly watch?: NonNullable<RunStore['watch']>;

  constructor(connection: PostgresConnection, listen: PgListenPool | undefined) {
    this.#connection = connection;
    this.#statements = statements(connection.schema);
    if (listen === undefined) return;
    // The channel is called as the schema is, which is a name that a channel can have, too.
    const listener = new AnswerListener(listen, connection.schema);
    this.watch = (onAnswer) => listener.watch(onAnswer);
  }

  migrate(): Promise<void> {
    return this.#connection.migrate();
  }

  async create(run: NewRun, { owner, until }: Lease): Promise<void> {
    const { records = [], ...plain } = run;
    const { runId, identity, pipeline } = plain;
    const values = [toColumn(runId), tenantOf(identity.tenantId), toColumn(pipeline), JSON.stringify(plain), toColumn(owner), until];
    const { create, record } = this.#statements;
    const created =
      records.length === 0
        ? await this.#query(create, values)
        : await this.#atomically(async (client) => {
            const result = await client.query(create, values);
            if (result.rowCount === 1) await client.query(record, [toColumn(runId), 1, records.map((each) => JSON.stringify(each))]);
            return result;
          });
    if (created.rowCount === 0) throw new StageflowError('SF_RUN_EXISTS', { runId });
  }

  async load(runId: string, tenantId: string | undefined): Promise<StoredRun | undefined> {
    const { rows } = await this.#query(this.#statements.load, [toColumn(runId), tenantOf(tenantId)]);
    const [found] = rows as readonly RunRow[];
    if (found === undefined) return undefined;
    const waits = JSON.parse(found.waits ?? '[]') as readonly WaitParts[];
    const early = JSON.parse(found.early ?? '[]') as readonly [string, Encoded][];
    return {
      ...(keptJson(found.run, runId, 'the run') as NewRun),
      status: found.status,
      epoch: Number(found.epoch),
      isPaused: found.is_paused,
      records: (JSON.parse(found.records ?? '[]') as readonly string[]).map(
        (record, at) => keptJson(record, runId, `record ${at + 1}`) as JournalRecord,
      ),
      waits: waits.map((parts) => waitOf(runId, ...parts)),
      early: early.map(([type, payload]) => ({ type: fromColumn(type), payload })),
    };
  }

  async acquire(runId: string, { owner, until, now }: Lease): Promise<{ readonly epoch: number } | undefined> {
    const { rows } = await this.#query(this.#statements.acquire, [toColumn(runId), toColumn(owner), until, now]);
    const [taken] = rows as readonly { readonly epoch: unknown }[];
    return taken && { epoch: Number(taken.epoch) };
  }

  async renew(runId: string, epoch: number, { until }: Lease): Promise<boolean> {
    return (await this.#query(this.#statements.renew, [toColumn(runId), epoch, until])).rowCount === 1;
  }

  async commit(runId: string, epoch: number, batch: JournalBatch): Promise<boolean> {
    const { record } = this.#statements;
    const values = [toColumn(runId), epoch, batch.records.map((each) => JSON.stringify(each))];
    const isSettling = batch.status !== undefined && batch.status !== 'running';
    const isPausing = batch.isPaused !== undefined;
    // Nearly every commit: a stage has settled and nothing else. One statement is a transaction of its own.
    if (batch.waits.length === 0 && !isSettling && !isPausing) return (await this.#query(record, values)).rows.length === 1;
    return this.#atomically(async (client) => {
      if ((await client.query(record, values)).rows.length === 0) return false;
      await this.#open(client, runId, batch.waits);
      if (isSettling) await this.#settle(client, runId, batch);
      else if (isPausing) await client.query(this.#statements.pause, [toColumn(runId), batch.isPaused]);
      return true;
    });
  }

  /** Waits of one batch are of one run, and so of one tenant. */
  async #open(client: PgClient, runId: string, waits: readonly StoredWait[]): Promise<void> {
    const [first] = waits;
    if (first === undefined) return;
    await client.query(this.#statements.open, [
      toColumn(runId),
      tenantOf(first.tenantId),
      waits.map(({ waitId }) => toColumn(waitId)),
      waits.map(({ type }) => toColumn(type)),
      waits.map(({ openedAt }) => openedAt),
      waits.map(({ expiresAt }) => expiresAt ?? null),
      waits.map(({ status }) => status),
      waits.map((wait) => JSON.stringify(wait)),
      waits.map(({ answer }) => answer ?? null),
    ]);
  }

  async #settle(client: PgClient, runId: string, batch: JournalBatch): Promise<void> {
    const { at, status, outputs = null, resting = [], isDue = false, isPaused = null } = batch;
    const endedAt = status === 'suspended' ? null : at;
    await client.query(this.#statements.settle, [toColumn(runId), status, outputs, endedAt, resting.map(toColumn), isDue, isPaused]);
  }

  async waits({ tenantId, runId, type, waitId }: WaitFilter): Promise<readonly StoredWait[]> {
    const values = [tenantId, runId, type, waitId].map((value) => (value === undefined ? null : toColumn(value)));
    const { rows } = await this.#query(this.#statements.waits, values);
    return (rows as readonly WaitRow[]).map(({ run_id, wait_id, wait, status, answer, votes }) => {
      return waitOf(fromColumn(run_id), wait_id, wait, status, answer, votes === null ? null : (JSON.parse(votes) as readonly string[]));
    });
  }

  async answer(waitId: string, answer: Encoded, tenantId: string | undefined): Promise<AnswerResult> {
    const found = await this.#answer(waitId, tenantId, [answer, null, null]);
    return found?.is_kept === true ? 'answered' : notOpen(found?.status);
  }

  async vote(waitId: string, { vote, after, answer }: VoteRequest, tenantId: string | undefined): Promise<VoteResult> {
    const found = await this.#answer(waitId, tenantId, [answer ?? null, JSON.stringify(vote), after]);
    if (found?.status !== 'open') return notOpen(found?.status);
    if (!found.is_kept) return 'changed';
    return answer === undefined ? 'kept' : 'answered';
  }

  /** @param said - The answer, the vote, and how many votes there are to be, each where there is one. */
  #answer(waitId: string, tenantId: string | undefined, said: readonly unknown[]): Promise<FoundWait | undefined> {
    const { lockRunOfWait, answer } = this.#statements;
    const wait = toColumn(waitId);
    return this.#atomically(async (client) => {
      await client.query(lockRunOfWait, [wait]);
      const { rows } = await client.query(answer, [wait, tenantOf(tenantId), ...said, this.#connection.schemaName]);
      return (rows as readonly FoundWait[])[0];
    });
  }

  async deliver(runId: string, type: string, payload: Encoded, tenantId: string | undefined): Promise<DeliverResult> {
    const { lockRun, deliver } = this.#statements;
    const run = toColumn(runId);
    return this.#atomically(async (client) => {
      const [locked] = (await client.query(lockRun, [run, tenantOf(tenantId)])).rows as readonly Pick<RunRow, 'status'>[];
      if (locked?.status !== 'running' && locked?.status !== 'suspended') return { result: 'unknown run' };
      const { rows } = await client.query(deliver, [run, toColumn(type), payload, earlyLimit, this.#connection.schemaName]);
      const { wait_id, kept_for } = rows[0] as { readonly wait_id: string | null; readonly kept_for: string | null };
      if (wait_id !== null) return { result: 'answered', waitId: fromColumn(wait_id) };
      return { result: kept_for === null ? 'too many' : 'kept' };
    });
  }

  async due(now: number, limit: number, after = ''): Promise<readonly DueRun[]> {
    const { rows } = await this.#query(this.#statements.due, [toColumn(after), now, limit]);
    return (rows as readonly DueRow[]).map((row) => ({ ...keyOf(row), pipeline: fromColumn(row.pipeline) }));
  }

  async ended(endedBefore: number, limit: number): Promise<readonly RunKey[]> {
    const { rows } = await this.#query(this.#statements.ended, [endedBefore, limit]);
    return (rows as readonly KeyRow[]).map(keyOf);
  }

  async remove(runIds: readonly string[]): Promise<number> {
    return (await this.#query(this.#statements.remove, [runIds.map(toColumn)])).rowCount as number;
  }

  #query(text: string, values: unknown[]): Promise<PgResult> {
    return this.#connection.query(text, values);
  }

  #atomically<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return this.#connection.atomically(work);
  }
}

function tenantOf(tenantId: string | undefined): string | null {
  return tenantId === undefined ? null : toColumn(tenantId);
}

function keyOf({ run_id, tenant_id }: KeyRow): RunKey {
  return { runId: fromColumn(run_id), tenantId: tenant_id === null ? undefined : fromColumn(tenant_id) };
}

/** What is told of a wait that is not open, or not there. */
function notOpen(status: StoredWait['status'] | undefined): AnswerResult {
  if (status === undefined) return 'unknown';
  return status === 'answered' ? 'already answered' : 'withdrawn';
}

function waitOf(runId: string, ...[waitId, wait, status, answer, votes]: WaitParts): StoredWait {
  const at = `wait "${fromColumn(waitId)}"`;
  const given = votes?.map((vote) => keptJson(vote, runId, at) as Vote);
  return { ...(keptJson(wait, runId, at) as StoredWait), status, answer: answer ?? undefined, votes: given };
}
