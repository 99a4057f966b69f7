import type { JournalBatch, RunStore } from '../src/ports/run-store.ts';

/** When the process dies: before or after its commit of that number takes effect. */
export interface Death {
  readonly dieAt: number;
  readonly when: 'before' | 'after';
}

/** A store whose process dies at one of its commits: from then on nothing that it asks has an answer. */
export function dyingRunStore(
  inner: RunStore,
  death?: Death,
): { readonly store: RunStore; readonly commits: number; readonly isDead: boolean } {
  let commits = 0;
  let isDead = false;
  const never = new Promise<never>(() => {});
  const unlessDead = <T>(call: () => Promise<T>): Promise<T> => (isDead ? never : call());
  const store: RunStore = {
    name: inner.name,
    create: (...given) => unlessDead(() => inner.create(...given)),
    load: (...given) => unlessDead(() => inner.load(...given)),
    acquire: (...given) => unlessDead(() => inner.acquire(...given)),
    renew: (...given) => unlessDead(() => inner.renew(...given)),
    waits: (...given) => unlessDead(() => inner.waits(...given)),
    answer: (...given) => unlessDead(() => inner.answer(...given)),
    deliver: (...given) => unlessDead(() => inner.deliver(...given)),
    commit: (runId: string, epoch: number, batch: JournalBatch) =>
      unlessDead(async () => {
        isDead = ++commits === death?.dieAt;
        if (isDead && death?.when === 'before') return never;
        const kept = await inner.commit(runId, epoch, batch);
        return isDead ? never : kept;
      }),
  };
  return {
    store,
    get commits() {
      return commits;
    },
    get isDead() {
      return isDead;
    },
  };
}
