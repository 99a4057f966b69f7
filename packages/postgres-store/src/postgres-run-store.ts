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
import { fromColumn, toColumn } from './column-text.ts';
import { keptJson } from './kept-json.ts';
import { migrate } from './migrations.ts';
import { type PgClient, type PgPool, type PgResult, transaction, unlessUndone } from './pg-pool.ts';
import { quotedSchema } from './schema-name.ts';
import { type Statements, statements } from './statements.ts';

/** Where the runs are kept. */
export interface PostgresRunStoreOptions {
  /** A `Pool` of `pg`, or anything like it. The store never ends it. */
  readonly pool: PgPool;
  /** The schema that holds the tables: of this store alone. @default 'stageflow' */
  readonly schema?: string | undefined;
}

/** A run store in PostgreSQL. */
export interface PostgresRunStore extends RunStore {
  readonly due: NonNullable<RunStore['due']>;
  readonly ended: NonNullable<RunStore['ended']>;
  readonly remove: NonNullable<RunStore['remove']>;
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

/** What PostgreSQL says where a schema, or a table, is not there. */
const missingCodes: readonly unknown[] = ['3F000', '42P01'];

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
export function postgresRunStore({ pool, schema = 'stageflow' }: PostgresRunStoreOptions): PostgresRunStore {
  return new PostgresStore(pool, schema);
}

interface RunRow {
  readonly run: string;
  readonly status: StoredStatus;
  readonly epoch: unknown;
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
}

class PostgresStore implements PostgresRunStore {
  readonly name = 'postgres';
  readonly #pool: PgPool;
  readonly #schema: string;
  readonly #statements: Statements;

  constructor(pool: PgPool, schema: string) {
    this.#pool = pool;
    this.#schema = schema;
    this.#statements = statements(quotedSchema(schema));
  }

  migrate(): Promise<void> {
    return migrate(this.#pool, this.#schema);
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
    const waits = JSON.parse(found.waits ?? '[]') as readonly [string, string, StoredWait['status'], Encoded | null][];
    const early = JSON.parse(found.early ?? '[]') as readonly [string, Encoded][];
    return {
      ...(keptJson(found.run, runId, 'the run') as NewRun),
      status: found.status,
      epoch: Number(found.epoch),
      records: (JSON.parse(found.records ?? '[]') as readonly string[]).map(
        (record, at) => keptJson(record, runId, `record ${at + 1}`) as JournalRecord,
      ),
      waits: waits.map(([wait_id, wait, status, answer]) => waitOf({ wait_id, run_id: toColumn(runId), wait, status, answer })),
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
    // Nearly every commit: a stage has settled and nothing else. One statement is a transaction of its own.
    if (batch.waits.length === 0 && !isSettling) return (await this.#query(record, values)).rows.length === 1;
    return this.#atomically(async (client) => {
      if ((await client.query(record, values)).rows.length === 0) return false;
      await this.#open(client, runId, batch.waits);
      if (isSettling) await this.#settle(client, runId, batch);
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

  async #settle(client: PgClient, runId: string, { at, status, outputs, resting = [], isDue = false }: JournalBatch): Promise<void> {
    const endedAt = status === 'suspended' ? null : at;
    await client.query(this.#statements.settle, [toColumn(runId), status, outputs ?? null, endedAt, resting.map(toColumn), isDue]);
  }

  async waits({ tenantId, runId, type }: WaitFilter): Promise<readonly StoredWait[]> {
    const { rows } = await this.#query(this.#statements.waits, [tenantOf(tenantId), runId && toColumn(runId), type && toColumn(type)]);
    return (rows as readonly WaitRow[]).map(waitOf);
  }

  async answer(waitId: string, answer: Encoded, tenantId: string | undefined): Promise<AnswerResult> {
    const wait = toColumn(waitId);
    return this.#atomically(async (client) => {
      await client.query(this.#statements.lockRunOfWait, [wait]);
      const { rows } = await client.query(this.#statements.answer, [wait, tenantOf(tenantId), answer]);
      const [found] = rows as readonly Pick<WaitRow, 'status'>[];
      if (found === undefined) return 'unknown';
      if (found.status === 'open') return 'answered';
      return found.status === 'answered' ? 'already answered' : 'withdrawn';
    });
  }

  async deliver(runId: string, type: string, payload: Encoded, tenantId: string | undefined): Promise<DeliverResult> {
    const { lockRun, deliver } = this.#statements;
    const run = toColumn(runId);
    return this.#atomically(async (client) => {
      const [locked] = (await client.query(lockRun, [run, tenantOf(tenantId)])).rows as readonly Pick<RunRow, 'status'>[];
      if (locked?.status !== 'running' && locked?.status !== 'suspended') return { result: 'unknown run' };
      const { rows } = await client.query(deliver, [run, toColumn(type), payload, earlyLimit]);
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
    return this.#explained(unlessUndone(() => this.#pool.query(text, values)));
  }

  #atomically<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return this.#explained(unlessUndone(() => transaction(this.#pool, work)));
  }

  /** Says what to do where nobody has made the tables. */
  async #explained<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (!missingCodes.includes((error as { readonly code?: unknown } | undefined)?.code)) throw error;
      throw new Error(`The schema "${this.#schema}" is not there or not whole. Call migrate() of the store before its first use.`, {
        cause: error,
      });
    }
  }
}

function tenantOf(tenantId: string | undefined): string | null {
  return tenantId === undefined ? null : toColumn(tenantId);
}

function keyOf({ run_id, tenant_id }: KeyRow): RunKey {
  return { runId: fromColumn(run_id), tenantId: tenant_id === null ? undefined : fromColumn(tenant_id) };
}

function waitOf({ wait_id, run_id, wait, status, answer }: WaitRow): StoredWait {
  return { ...(keptJson(wait, fromColumn(run_id), `wait "${fromColumn(wait_id)}"`) as StoredWait), status, answer: answer ?? undefined };
}
