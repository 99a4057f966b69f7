import type {
  ClaimResult,
  Encoded,
  IdempotencyClaim,
  IdempotencyIdentity,
  IdempotencyRecord,
  IdempotencyStore,
  StoreCallOptions,
} from '@stageflow/core/ports';
import { fromColumn, toColumn } from './column-text.ts';
import { type IdempotencyStatements, idempotencyStatements } from './idempotency-statements.ts';
import { wholeMs } from './option-rules.ts';
import { PostgresConnection, type PostgresLocation } from './postgres-connection.ts';

/** Where calls are remembered. */
export type PostgresIdempotencyStoreOptions = PostgresLocation;

/** An idempotency store in PostgreSQL. */
export interface PostgresIdempotencyStore extends IdempotencyStore {
  /** As that of the run store: makes the schema with all its tables, or brings it up to date. */
  migrate(): Promise<void>;
}

/**
 * Remembers in PostgreSQL which calls of effects were made: all processes that use the schema make each once. Leases and
 * records run out by the clock of the server.
 *
 * Each method is one statement. What has run out is deleted as calls are taken, two rows for each; tokens grow all the same.
 * Nobody is told when a call is free, so who waits asks again. `SF_OPTION_INVALID` is what its methods reject with where a
 * time is not above 0; else with what `pg` throws.
 *
 * @throws TypeError Where PostgreSQL can have no schema of that name.
 * @example
 * ```ts
 * const effects = postgresIdempotencyStore({ pool });
 * await effects.migrate();
 * const runtime = createRuntime({ pipelines: [checkout], interceptors: [idempotency({ store: effects })] });
 * ```
 */
export function postgresIdempotencyStore(location: PostgresIdempotencyStoreOptions): PostgresIdempotencyStore {
  return new PostgresEffects(new PostgresConnection(location));
}

interface ClaimRow {
  readonly token: string | null;
  readonly params_hash: string | null;
  readonly record: Encoded | null;
  readonly left_ms: string | null;
}

class PostgresEffects implements PostgresIdempotencyStore {
  readonly name = 'postgres';
  readonly #connection: PostgresConnection;
  readonly #statements: IdempotencyStatements;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
    this.#statements = idempotencyStatements(connection.schema);
  }

  migrate(): Promise<void> {
    return this.#connection.migrate();
  }

  async claim(identity: IdempotencyIdentity, { paramsHash, leaseMs, signal }: IdempotencyClaim): Promise<ClaimResult> {
    const hash = paramsHash === undefined ? null : toColumn(paramsHash);
    const values = [idOf(identity), hash, wholeMs('leaseMs of claim()', leaseMs)];
    for (;;) {
      const { rows } = await this.#connection.query(this.#statements.claim, values, signal);
      const [found] = rows as readonly ClaimRow[];
      if (found !== undefined) return toldOf(found, hash);
    }
  }

  async renew(identity: IdempotencyIdentity, token: number, lease: StoreCallOptions & { readonly leaseMs: number }): Promise<boolean> {
    return this.#isDone('renew', [idOf(identity), token, wholeMs('leaseMs of renew()', lease.leaseMs)], lease);
  }

  async settle(identity: IdempotencyIdentity, token: number, kept: IdempotencyRecord): Promise<boolean> {
    return this.#isDone('settle', [idOf(identity), token, kept.record, wholeMs('ttlMs of settle()', kept.ttlMs)], kept);
  }

  async release(identity: IdempotencyIdentity, token: number, options?: StoreCallOptions): Promise<boolean> {
    return this.#isDone('release', [idOf(identity), token], options);
  }

  async forget(identity: IdempotencyIdentity, options?: StoreCallOptions): Promise<boolean> {
    return this.#isDone('forget', [idOf(identity)], options);
  }

  async #isDone(statement: keyof IdempotencyStatements, values: unknown[], { signal }: StoreCallOptions = {}): Promise<boolean> {
    return (await this.#connection.query(this.#statements[statement], values, signal)).rowCount === 1;
  }
}

/** @param hash - Of the parameters, as a column keeps it. */
function toldOf({ token, params_hash, record, left_ms }: ClaimRow, hash: string | null): ClaimResult {
  if (token !== null) return { status: 'claimed', token: Number(token) };
  if (hash !== null && params_hash !== null && params_hash !== hash) return { status: 'mismatch', paramsHash: fromColumn(params_hash) };
  return record === null ? { status: 'held', leaseEndsInMs: Math.max(0, Number(left_ms)) } : { status: 'settled', record };
}

/** JSON has a word for no tenant, and letters that a column can keep for every text. */
function idOf({ tenantId, scope, key }: IdempotencyIdentity): string {
  return JSON.stringify([tenantId ?? null, scope, key]);
}
