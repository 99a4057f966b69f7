import type { Encoded } from './durable/codec.ts';
import { systemClock } from './execution/system-clock.ts';
import type { Clock } from './ports/clock.ts';
import type {
  ClaimResult,
  IdempotencyClaim,
  IdempotencyIdentity,
  IdempotencyRecord,
  IdempotencyStore,
  StoreCallOptions,
} from './ports/idempotency-store.ts';

/** What {@link memoryIdempotencyStore} takes. */
export interface MemoryIdempotencyStoreOptions {
  /** What leases and records run out by. @default the clock of the host */
  readonly clock?: Clock | undefined;
}

/**
 * An idempotency store in the memory of this process: for tests, and for hosts of one process whose effects may be made
 * again after it has ended. It sets no timers; what has run out is dropped little by little, as claims are made.
 *
 * @example
 * ```ts
 * const store = memoryIdempotencyStore();
 * const runtime = createRuntime({ pipelines: [checkout], interceptors: [idempotency({ store })] });
 * ```
 */
export function memoryIdempotencyStore({ clock = systemClock() }: MemoryIdempotencyStoreOptions = {}): IdempotencyStore {
  return new MemoryIdempotencyStore(clock);
}

/** A call that is held, or what was kept of it. */
interface Entry {
  readonly token: number;
  readonly paramsHash: string | undefined;
  readonly record: Encoded | undefined;
  /** Monotonic milliseconds. */
  readonly endsAt: number;
}

class MemoryIdempotencyStore implements IdempotencyStore {
  readonly name = 'memory';
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #sweep: Iterator<readonly [string, Entry]> | undefined;
  #tokens = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async claim(identity: IdempotencyIdentity, { paramsHash, leaseMs }: IdempotencyClaim): Promise<ClaimResult> {
    this.#dropSome();
    const id = idOf(identity);
    const entry = this.#find(id);
    if (entry === undefined) {
      const token = ++this.#tokens;
      this.#entries.set(id, { token, paramsHash, record: undefined, endsAt: this.#clock.monotonic() + leaseMs });
      return { status: 'claimed', token };
    }
    const { record } = entry;
    if (paramsHash !== undefined && entry.paramsHash !== undefined && paramsHash !== entry.paramsHash) {
      return { status: 'mismatch', paramsHash: entry.paramsHash };
    }
    return record === undefined ? { status: 'held', leaseEndsInMs: entry.endsAt - this.#clock.monotonic() } : { status: 'settled', record };
  }

  async renew(identity: IdempotencyIdentity, token: number, { leaseMs }: { readonly leaseMs: number }): Promise<boolean> {
    return this.#replace(idOf(identity), token, { record: undefined, endsAt: this.#clock.monotonic() + leaseMs });
  }

  async settle(identity: IdempotencyIdentity, token: number, { record, ttlMs }: IdempotencyRecord): Promise<boolean> {
    const id = idOf(identity);
    const entry = this.#find(id);
    if (entry?.token === token && entry.record !== undefined) return true;
    return this.#replace(id, token, { record, endsAt: this.#clock.monotonic() + ttlMs }) && this.#free(id);
  }

  async release(identity: IdempotencyIdentity, token: number): Promise<boolean> {
    const id = idOf(identity);
    if (this.#heldBy(id, token) === undefined) return false;
    this.#entries.delete(id);
    return this.#free(id);
  }

  async forget(identity: IdempotencyIdentity): Promise<boolean> {
    const id = idOf(identity);
    if (this.#find(id) === undefined) return false;
    this.#entries.delete(id);
    return this.#free(id);
  }

  whenFree(identity: IdempotencyIdentity, { signal }: StoreCallOptions = {}): Promise<void> {
    const id = idOf(identity);
    const entry = this.#find(id);
    if (entry === undefined || entry.record !== undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const leave = (): void => {
        waiting.delete(free);
        if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
        signal?.removeEventListener('abort', onAbort);
      };
      const free = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal?.reason);
      };
      waiting.add(free);
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted === true) onAbort();
    });
  }

  #find(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.endsAt > this.#clock.monotonic()) return entry;
    this.#entries.delete(id);
    return undefined;
  }

  #heldBy(id: string, token: number): Entry | undefined {
    const entry = this.#find(id);
    return entry?.token === token && entry.record === undefined ? entry : undefined;
  }

  #replace(id: string, token: number, change: Pick<Entry, 'record' | 'endsAt'>): boolean {
    const entry = this.#heldBy(id, token);
    if (entry !== undefined) this.#entries.set(id, { ...entry, ...change });
    return entry !== undefined;
  }

  #free(id: string): true {
    for (const free of [...(this.#waiting.get(id) ?? [])]) free();
    return true;
  }

  /** Looks at two entries for each claim, which makes at most one: what has run out does not pile up. */
  #dropSome(): void {
    for (let looks = 0; looks < 2; looks++) {
      this.#sweep ??= this.#entries.entries();
      const { value, done } = this.#sweep.next();
      if (done === true) this.#sweep = undefined;
      else this.#find(value[0]);
    }
  }
}

/** Parts in quotes, so that no two identities share an id. */
function idOf({ tenantId, scope, key }: IdempotencyIdentity): string {
  return JSON.stringify([tenantId ?? null, scope, key]);
}
