import { migrate } from './migrations.ts';
import { ignoreBrokenConnections, type PgClient, type PgPool, type PgResult, transaction, unlessUndone } from './pg-pool.ts';
import { quotedSchema } from './schema-name.ts';
import { unlessAborted } from './unless-aborted.ts';

/** Where things are kept. */
export interface PostgresLocation {
  /** A `Pool` of `pg`, or anything like it. The store never ends it. */
  readonly pool: PgPool;
  /** The schema that holds the tables: of the stores of this package alone, which may share one. @default 'stageflow' */
  readonly schema?: string | undefined;
}

/** What PostgreSQL says where a schema, a table or a column is not there. */
const missingCodes: readonly unknown[] = ['3F000', '42P01', '42703'];

/** A pool, and the schema in it that is meant. */
export class PostgresConnection {
  /** The schema, quoted. */
  readonly schema: string;
  /** As it is given: what notices call their channel by. */
  readonly schemaName: string;
  readonly #pool: PgPool;

  /** @throws TypeError Where PostgreSQL can have no schema of that name. */
  constructor({ pool, schema = 'stageflow' }: PostgresLocation) {
    this.schema = quotedSchema(schema);
    this.#pool = pool;
    ignoreBrokenConnections(pool);
    this.schemaName = schema;
  }

  migrate(): Promise<void> {
    return migrate(this.#pool, this.schemaName);
  }

  /** One statement. Where the signal aborts it is not waited for; it may still take effect unless the signal had aborted before. */
  async query(text: string, values: unknown[], signal?: AbortSignal): Promise<PgResult> {
    signal?.throwIfAborted();
    return unlessAborted(this.#explained(unlessUndone(() => this.#pool.query(text, values))), signal);
  }

  atomically<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return this.#explained(unlessUndone(() => transaction(this.#pool, work)));
  }

  /** Says what to do where nobody has made the tables. */
  async #explained<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (!missingCodes.includes((error as { readonly code?: unknown } | undefined)?.code)) throw error;
      throw new Error(`The schema "${this.schemaName}" is not there or not whole. Call migrate() of the store before its first use.`, {
        cause: error,
      });
    }
  }
}
