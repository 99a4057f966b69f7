import type {
  ClaimResult,
  Clock,
  Encoded,
  IdempotencyClaim,
  IdempotencyIdentity,
  IdempotencyRecord,
  IdempotencyStore,
} from '@stageflow/core/ports';
import { hostClock } from './host-clock.ts';
import { type IdempotencyStatements, prepareIdempotencyStatements } from './idempotency-statements.ts';
import { wholeMs } from './option-rules.ts';
import { type SqliteDatabase, transaction } from './sqlite-database.ts';
import { connect, type SqliteConnection, type SqliteLocation } from './sqlite-location.ts';

/** What {@link sqliteIdempotencyStore} takes. */
export type SqliteIdempotencyStoreOptions = SqliteLocation & {
  /** Whose `now()` leases and records run out by. Processes of one machine have one. @default the clock of the host */
  readonly clock?: Pick<Clock, 'now'> | undefined;
};

/** An idempotency store in a SQLite file. */
export interface SqliteIdempotencyStore extends IdempotencyStore {
  /** Closes the file that the store has opened. */
  close(): void;
}

/**
 * Remembers in a SQLite file which calls of effects were made: all processes that use the file make each once, and so does
 * a process that is started again. Leases and records run out by the wall clock of the machine.
 *
 * What has run out is deleted as calls are taken, two rows for each; tokens grow all the same. Nobody is told when a call
 * is free, so who waits asks again. `SF_OPTION_INVALID` is what its methods reject with where a time is not above 0.
 *
 * @throws What node:sqlite throws, where the file cannot be opened; an error where a later version of this package made it.
 * @example
 * ```ts
 * const effects = sqliteIdempotencyStore({ file: 'runs.sqlite' });
 * const runtime = createRuntime({ pipelines: [checkout], interceptors: [idempotency({ store: effects })] });
 * ```
 */
export function sqliteIdempotencyStore({ clock = hostClock, ...location }: SqliteIdempotencyStoreOptions): SqliteIdempotencyStore {
  return new SqliteEffects(connect(location), clock);
}

interface EffectRow {
  readonly params_hash: string | null;
  readonly record: Encoded | null;
  readonly ends_at: number;
}

class SqliteEffects implements SqliteIdempotencyStore {
  readonly name = 'sqlite';
  readonly close: () => void;
  readonly #database: SqliteDatabase;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #statements: IdempotencyStatements;

  constructor({ database, close }: SqliteConnection, clock: Pick<Clock, 'now'>) {
    this.#database = database;
    this.#clock = clock;
    this.#statements = prepareIdempotencyStatements(database);
    this.close = close;
  }

  async claim(identity: IdempotencyIdentity, { paramsHash, leaseMs }: IdempotencyClaim): Promise<ClaimResult> {
    const [id, lease] = [idOf(identity), wholeMs('leaseMs of claim()', leaseMs)];
    // Who asks again and again whether a call is free must not make everyone wait who writes.
    return (
      this.#told(id, paramsHash) ??
      transaction(this.#database, 'IMMEDIATE', () => this.#told(id, paramsHash) ?? this.#taken(id, paramsHash, lease))
    );
  }

  /** What is told of a call that is held, or was made. */
  #told(id: string, paramsHash: string | undefined): ClaimResult | undefined {
    const now = this.#clock.now();
    const found = this.#statements.find.get(id, now) as EffectRow | undefined;
    if (found === undefined) return undefined;
    const { params_hash, record, ends_at } = found;
    if (paramsHash !== undefined && params_hash !== null && params_hash !== paramsHash) {
      return { status: 'mismatch', paramsHash: params_hash };
    }
    return record === null ? { status: 'held', leaseEndsInMs: ends_at - now } : { status: 'settled', record };
  }

  #taken(id: string, paramsHash: string | undefined, leaseMs: number): ClaimResult {
    const { drop, sweep, take } = this.#statements;
    const now = this.#clock.now();
    drop.run(id);
    sweep.run(now);
    const { token } = take.get(id, paramsHash ?? null, now + leaseMs) as { readonly token: number };
    return { status: 'claimed', token };
  }

  async renew(identity: IdempotencyIdentity, token: number, { leaseMs }: { readonly leaseMs: number }): Promise<boolean> {
    const now = this.#clock.now();
    const endsAt = now + wholeMs('leaseMs of renew()', leaseMs);
    return this.#statements.renew.run(endsAt, idOf(identity), token, now).changes === 1;
  }

  async settle(identity: IdempotencyIdentity, token: number, { record, ttlMs }: IdempotencyRecord): Promise<boolean> {
    const now = this.#clock.now();
    const endsAt = now + wholeMs('ttlMs of settle()', ttlMs);
    return this.#statements.settle.run(endsAt, record, idOf(identity), token, now).changes === 1;
  }

  async release(identity: IdempotencyIdentity, token: number): Promise<boolean> {
    return this.#statements.release.run(idOf(identity), token, this.#clock.now()).changes === 1;
  }

  async forget(identity: IdempotencyIdentity): Promise<boolean> {
    return this.#statements.forget.run(idOf(identity), this.#clock.now()).changes === 1;
  }
}

function idOf({ tenantId, scope, key }: IdempotencyIdentity): string {
  return JSON.stringify([tenantId ?? null, scope, key]);
}
