import type { PgListenClient, PgListenPool, PgNotification, PgPool, PgResult } from './pg-pool.ts';

/** The part of what PGlite gives for a statement that is used. */
export interface PgliteResult {
  readonly rows: readonly unknown[];
  readonly affectedRows?: number | undefined;
}

/** The part of a transaction of PGlite that is used. */
export interface PgliteQueries {
  query(text: string, values?: unknown[]): Promise<PgliteResult>;
  exec(text: string): Promise<readonly PgliteResult[]>;
}

/** The part of a `PGlite` that is used. */
export interface PgliteDatabase extends PgliteQueries {
  transaction<T>(work: (transaction: PgliteQueries) => Promise<T>): Promise<T>;
  /** Gives what ends it. */
  onNotification(listener: (channel: string, payload: string) => void): () => void;
}

/**
 * A PGlite as a pool: for `pool` and for `listen` of `postgresRunStore()`. It has one session, so transactions wait for each
 * other, and for those of the host; no other process can use its folder meanwhile. It is never closed here.
 *
 * @example
 * ```ts
 * const pool = pglitePool(new PGlite('./runs'));
 * const store = postgresRunStore({ pool, listen: pool });
 * ```
 */
export function pglitePool(database: PgliteDatabase): PgPool & PgListenPool {
  return {
    query: (text, values) => run(database, text, values),
    connect: async () => new PgliteClient(database),
  };
}

/** A transaction that has begun, and what ends it. */
interface OpenTransaction {
  readonly queries: PgliteQueries;
  readonly commit: () => void;
  readonly rollBack: (reason: Error) => void;
}

/** Holds nothing but its transaction, while it has one: that of PGlite, which keeps the statements of others out. */
class PgliteClient implements PgListenClient {
  readonly #database: PgliteDatabase;
  readonly #unsubscribe = new Map<unknown, () => void>();
  #open: OpenTransaction | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(database: PgliteDatabase) {
    this.#database = database;
  }

  async query(text: string, values?: unknown[]): Promise<PgResult> {
    // One session runs one transaction at a time, so its isolation makes no difference.
    if (text.startsWith('BEGIN')) return this.#begin();
    if (this.#open === undefined) return run(this.#database, text, values);
    if (text === 'COMMIT') return this.#end(({ commit }) => commit());
    if (text === 'ROLLBACK') return this.#rollBack();
    return run(this.#open.queries, text, values);
  }

  release(): void {
    for (const unsubscribe of this.#unsubscribe.values()) unsubscribe();
    this.#unsubscribe.clear();
  }

  on(event: 'error' | 'end' | 'notification', listener: unknown): void {
    if (event !== 'notification') return;
    const told = listener as (notification: PgNotification) => void;
    this.#unsubscribe.set(
      listener,
      this.#database.onNotification((_channel, payload) => told({ payload })),
    );
  }

  off(_event: string, listener: unknown): void {
    this.#unsubscribe.get(listener)?.();
    this.#unsubscribe.delete(listener);
  }

  #begin(): Promise<PgResult> {
    return new Promise((resolve, reject) => {
      const whileOpen = (queries: PgliteQueries): Promise<void> => {
        return new Promise((commit, rollBack) => {
          this.#open = { queries, commit, rollBack };
          resolve(nothing);
        });
      };
      this.#ended = this.#database.transaction(whileOpen);
      // Where it could not begin; once it has, this is too late to matter.
      this.#ended.catch(reject);
    });
  }

  async #rollBack(): Promise<PgResult> {
    const reason = new Error('ROLLBACK');
    return this.#end(({ rollBack }) => rollBack(reason)).catch((error: unknown) => {
      if (error !== reason) throw error;
      return nothing;
    });
  }

  async #end(how: (open: OpenTransaction) => void): Promise<PgResult> {
    const open = this.#open as OpenTransaction;
    this.#open = undefined;
    how(open);
    await this.#ended;
    return nothing;
  }
}

const nothing: PgResult = { rows: [], rowCount: null };

/** What has no values may be several statements, which only `exec` takes. */
async function run(queries: PgliteQueries, text: string, values?: unknown[]): Promise<PgResult> {
  const result = values === undefined ? (await queries.exec(text)).at(-1) : await queries.query(text, values);
  return { rows: result?.rows ?? [], rowCount: result?.affectedRows ?? null };
}
