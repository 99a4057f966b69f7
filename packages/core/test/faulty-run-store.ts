import { memoryRunStore } from '@stageflow/core';
import type { RunStore } from '@stageflow/core/ports';

type Method = 'create' | 'load' | 'acquire' | 'renew' | 'commit' | 'waits' | 'answer' | 'deliver';

/** A store that can be made to fail, to hang, or to say what was asked of it. */
export interface FaultyRunStore {
  readonly store: RunStore;
  /** Methods in the order they were called. */
  readonly calls: Method[];
  /** How often a fault struck. */
  readonly fired: { count: number };
  /** What happens before the next calls of a method; it throws, waits, or does nothing. */
  before(method: Method, what: () => unknown): void;
  /** Ends what {@link before} began. */
  mend(method: Method): void;
}

/** @param inner - What keeps the runs. */
export function faultyRunStore(inner: RunStore = memoryRunStore()): FaultyRunStore {
  const faults = new Map<Method, () => unknown>();
  const calls: Method[] = [];
  const fired = { count: 0 };
  const through =
    <Args extends readonly unknown[], T>(method: Method, call: (...args: Args) => Promise<T>): ((...args: Args) => Promise<T>) =>
    async (...args) => {
      calls.push(method);
      const fault = faults.get(method);
      if (fault !== undefined) {
        fired.count++;
        await fault();
      }
      return call(...args);
    };
  const store: RunStore = {
    name: 'faulty',
    create: through('create', inner.create.bind(inner)),
    load: through('load', inner.load.bind(inner)),
    acquire: through('acquire', inner.acquire.bind(inner)),
    renew: through('renew', inner.renew.bind(inner)),
    commit: through('commit', inner.commit.bind(inner)),
    waits: through('waits', inner.waits.bind(inner)),
    answer: through('answer', inner.answer.bind(inner)),
    deliver: through('deliver', inner.deliver.bind(inner)),
  };
  return { store, calls, fired, before: (method, what) => void faults.set(method, what), mend: (method) => void faults.delete(method) };
}
