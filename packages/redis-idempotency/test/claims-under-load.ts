import { setTimeout as delay } from 'node:timers/promises';
import type { Encoded } from '@stageflow/core/ports';
import type { RedisIdempotencyStore } from '@stageflow/redis-idempotency';

/** One call that a worker was told is its own. */
export interface Holding {
  readonly key: string;
  readonly token: number;
  readonly claimedAt: number;
  /** When it was told that its record is kept; absent where it was told that the call is not its own any more. */
  settledAt?: number;
}

/** Enough for four to meet at each key. */
const workers = 16;

/** Workers that claim and settle keys one after another, four to a key, through the stores in turn. */
export class ClaimsUnderLoad {
  readonly holdings: Holding[] = [];
  readonly #stores: readonly RedisIdempotencyStore[];
  readonly #work: Promise<unknown>;
  #next = 0;
  #stopped = false;

  constructor(stores: readonly RedisIdempotencyStore[]) {
    this.#stores = stores;
    this.#work = Promise.all(Array.from({ length: workers }, (_, at) => this.#go(at)));
  }

  /** Ends when each worker has done what it was at. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #go(worker: number): Promise<void> {
    const store = this.#stores[worker % this.#stores.length] as RedisIdempotencyStore;
    while (!this.#stopped) {
      const identity = { tenantId: undefined, scope: 'load', key: String(this.#next++ >> 2) };
      const result = await this.#answered(() => store.claim(identity, { paramsHash: undefined, leaseMs: 600_000 }));
      if (result.status !== 'claimed') continue;
      const holding: Holding = { key: identity.key, token: result.token, claimedAt: Date.now() };
      this.holdings.push(holding);
      await delay(1);
      const record = JSON.stringify(worker) as Encoded;
      if (await this.#answered(() => store.settle(identity, result.token, { record, ttlMs: 600_000 }))) holding.settledAt = Date.now();
    }
  }

  /** Asks until the store answers. */
  async #answered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch {
        await delay(20);
      }
    }
  }
}

/** The keys that more than one holding of the list has. */
export function keysOfMany(holdings: readonly Holding[]): string[] {
  const once = new Set<string>();
  return holdings.map(({ key }) => key).filter((key) => once.size === once.add(key).size);
}
