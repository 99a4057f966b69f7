import { memoryIdempotencyStore } from '@stageflow/core';
import type { Clock, IdempotencyStore } from '@stageflow/core/ports';

type Method = 'claim' | 'renew' | 'settle' | 'release' | 'whenFree';

/** A store that fails where it is told to, and counts how often it did. */
export interface FaultyStore extends IdempotencyStore {
  /** Calls of each method, those that failed included. */
  readonly calls: Record<Method, number>;
  /** How many faults have fired. */
  fired: number;
  /** What a method does in place of what it should; the calls that are left are those of the store. */
  readonly faults: Partial<Record<Method, { left: number; readonly does: 'throws' | 'rejects' | 'hangs' | 'acts and rejects' }>>;
}

/** The memory store, with faults. */
export function faultyStore(clock: Clock, faults: FaultyStore['faults'] = {}): FaultyStore {
  const store = memoryIdempotencyStore({ clock });
  const faulty: FaultyStore = {
    name: 'faulty',
    calls: { claim: 0, renew: 0, settle: 0, release: 0, whenFree: 0 },
    fired: 0,
    faults,
    claim: (...given) => strikes('claim', () => store.claim(...given)),
    renew: (...given) => strikes('renew', () => store.renew(...given)),
    settle: (...given) => strikes('settle', () => store.settle(...given)),
    release: (...given) => strikes('release', () => store.release(...given)),
    forget: (...given) => store.forget(...given),
    whenFree: (...given) => strikes('whenFree', async () => store.whenFree?.(...given)),
  };
  function strikes<T>(method: Method, act: () => Promise<T>): Promise<T> {
    faulty.calls[method]++;
    const fault = faulty.faults[method];
    if (fault === undefined || fault.left === 0) return act();
    fault.left--;
    faulty.fired++;
    const error = new Error('the network is down');
    if (fault.does === 'throws') throw error;
    if (fault.does === 'hangs') return new Promise(() => {});
    if (fault.does === 'rejects') return Promise.reject(error);
    return act().then(() => Promise.reject(error));
  }
  return faulty;
}
