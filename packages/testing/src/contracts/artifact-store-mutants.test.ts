import { memoryArtifactStore } from '@stageflow/core';
import type { ArtifactKey, ArtifactStore, Encoded } from '@stageflow/core/ports';
import { artifactStoreContract } from '@stageflow/testing';
import { expect, test } from 'vitest';

/** A store that breaks a promise, and the cases that say so. */
interface Mutant {
  readonly breaks: string;
  /** Methods in place of some of the memory store's own. */
  readonly change: (store: ArtifactStore) => Partial<ArtifactStore>;
  readonly caughtBy: readonly string[];
}

/** Another turn, in which others come between. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

const folded = (change: (key: ArtifactKey) => ArtifactKey): Mutant['change'] => {
  const runOf = (run: Omit<ArtifactKey, 'artifactId'>) => change({ ...run, artifactId: '' });
  return (store) => ({
    put: (key, value) => store.put(change(key), value),
    get: (key) => store.get(change(key)),
    removeRun: (run) => store.removeRun(runOf(run)),
  });
};

const written = (change: (value: string) => string): Mutant['change'] => {
  return (store) => ({ put: (key, value) => store.put(key, change(value) as Encoded) });
};

const there = 'get(): what was put is there when put() resolves, and stays there';
const last = 'put(): of one key the last value counts';
const whole = 'put(): of many at once for one key, one is kept, and whole';
const content = 'put(): text of any content comes back as it was';
const large = 'put(): a value of eight million characters comes back whole';
const apart = 'keys of other tenants, runs and artifacts are other keys, whatever these hold';
const tenants = 'tenants share nothing: neither values nor what is deleted';
const removes = 'removeRun(): deletes everything of a run, says how much that was, and leaves other runs alone';
const empty = 'removeRun(): of a run without values deletes none, and what is put afterwards is kept';

const mutants: readonly Mutant[] = [
  { breaks: 'keeps nothing', change: () => ({ put: async () => {} }), caughtBy: [there, last] },
  {
    breaks: 'keeps a value after put() has resolved',
    change: (store) => ({ put: async (key, value) => void turn().then(() => store.put(key, value)) }),
    caughtBy: [there],
  },
  {
    breaks: 'hands a value out once',
    change: (store) => {
      const taken = new Set<string>();
      return {
        get: async (key) => {
          const isTaken = taken.has(JSON.stringify(key));
          taken.add(JSON.stringify(key));
          return isTaken ? undefined : store.get(key);
        },
      };
    },
    caughtBy: [there],
  },
  {
    breaks: 'keeps the first value of a key',
    change: (store) => ({
      put: async (key, value) => {
        if ((await store.get(key)) === undefined) await store.put(key, value);
      },
    }),
    caughtBy: [last],
  },
  {
    breaks: 'overwrites the front of the value before',
    change: (store) => ({
      put: async (key, value) => store.put(key, (value + ((await store.get(key)) ?? '').slice(value.length)) as Encoded),
    }),
    caughtBy: [last],
  },
  {
    breaks: 'writes a value in two steps',
    change: (store) => ({
      put: async (key, value) => {
        const half = value.length >> 1;
        await store.put(key, value.slice(0, half) as Encoded);
        await turn();
        await store.put(key, (((await store.get(key)) ?? '') + value.slice(half)) as Encoded);
      },
    }),
    caughtBy: [whole],
  },
  {
    breaks: 'keeps every version as a value of its own',
    change: (store) => {
      let puts = 0;
      return {
        put: async (key, value) => {
          await store.put({ ...key, artifactId: `${key.artifactId} version ${puts++}` }, value);
          await store.put(key, value);
        },
      };
    },
    caughtBy: [last, whole],
  },
  { breaks: 'cuts text at its first NUL', change: written((value) => value.split('\\u0000', 1)[0] as string), caughtBy: [content] },
  { breaks: 'normalises text', change: written((value) => value.normalize()), caughtBy: [content] },
  { breaks: 'trims text', change: written((value) => value.replaceAll('\\r\\n', '\\n')), caughtBy: [content] },
  {
    breaks: 'takes text of no length for none',
    change: (store) => ({ get: async (key) => (await store.get(key)) || undefined }),
    caughtBy: [content],
  },
  { breaks: 'cuts what is large', change: written((value) => value.slice(0, 4_194_304)), caughtBy: [large] },
  {
    breaks: 'puts the parts of what is large together in another order',
    change: written((value) => (value.length < 5_000_000 ? value : value.slice(4_000_000) + value.slice(0, 4_000_000))),
    caughtBy: [large],
  },
  { breaks: 'knows no tenants', change: folded((key) => ({ ...key, tenantId: 't' })), caughtBy: [apart, tenants] },
  {
    breaks: 'takes no tenant for the tenant of the empty name',
    change: folded((key) => ({ ...key, tenantId: key.tenantId ?? '' })),
    caughtBy: [apart],
  },
  { breaks: 'folds the case of runs', change: folded((key) => ({ ...key, runId: key.runId.toLowerCase() })), caughtBy: [apart, removes] },
  { breaks: 'normalises ids', change: folded((key) => ({ ...key, artifactId: key.artifactId.normalize() })), caughtBy: [apart] },
  { breaks: 'trims ids', change: folded((key) => ({ ...key, artifactId: key.artifactId.trim() })), caughtBy: [apart] },
  {
    breaks: 'writes ids in UTF-8 without regard to halves of pairs',
    change: folded((key) => ({ ...key, artifactId: new TextDecoder().decode(new TextEncoder().encode(key.artifactId)) })),
    caughtBy: [apart],
  },
  {
    breaks: 'cuts ids at their first NUL',
    change: folded((key) => ({ ...key, artifactId: key.artifactId.split('\0', 1)[0] as string })),
    caughtBy: [apart],
  },
  {
    breaks: 'joins run and artifact with a slash',
    change: (store) => {
      const joined = ({ tenantId, runId, artifactId }: ArtifactKey) => ({ tenantId, runId: 'all', artifactId: `${runId}/${artifactId}` });
      return { put: (key, value) => store.put(joined(key), value), get: (key) => store.get(joined(key)) };
    },
    caughtBy: [apart],
  },
  {
    breaks: 'deletes what belongs to runs of other tenants',
    change: (store) => ({
      removeRun: async ({ runId }) => {
        const counts = await Promise.all([undefined, '', 't', 'mine'].map((tenantId) => store.removeRun({ tenantId, runId })));
        return counts.reduce((sum, count) => sum + count, 0);
      },
    }),
    caughtBy: [tenants],
  },
  {
    breaks: 'deletes runs whose ids begin alike',
    change: (store) => ({
      removeRun: async ({ tenantId, runId }) => {
        await store.removeRun({ tenantId, runId: `${runId}0` });
        return store.removeRun({ tenantId, runId });
      },
    }),
    caughtBy: [removes],
  },
  {
    breaks: 'does not say how much it has deleted',
    change: (store) => ({ removeRun: async (run) => Math.min(1, await store.removeRun(run)) }),
    caughtBy: [removes],
  },
  { breaks: 'deletes nothing, and says one', change: () => ({ removeRun: async () => 1 }), caughtBy: [removes, empty] },
  {
    breaks: 'marks a run as deleted for ever',
    change: (store) => {
      const deleted = new Set<string>();
      return {
        get: async (key) => (deleted.has(key.runId) ? undefined : store.get(key)),
        removeRun: async (run) => {
          deleted.add(run.runId);
          return store.removeRun(run);
        },
      };
    },
    caughtBy: [empty],
  },
];

async function caughtOf(change: Mutant['change']): Promise<readonly string[]> {
  const caught: string[] = [];
  for (const { name, run } of artifactStoreContract) {
    const store = memoryArtifactStore();
    const mutant: ArtifactStore = {
      name: 'mutant',
      put: (...given) => store.put(...given),
      get: (...given) => store.get(...given),
      removeRun: (...given) => store.removeRun(...given),
      ...change(store),
    };
    await run(mutant).catch(() => caught.push(name));
  }
  return caught;
}

test.each(mutants)('a store that $breaks is caught', async ({ change, caughtBy }) => {
  expect(await caughtOf(change)).toEqual(expect.arrayContaining([...caughtBy]));
});

test('the store that is sabotaged here passes as it is', async () => {
  expect(await caughtOf(() => ({}))).toEqual([]);
});

test('every case catches some mutant', () => {
  const catching = new Set(mutants.flatMap(({ caughtBy }) => caughtBy));
  expect(artifactStoreContract.map(({ name }) => name).filter((name) => !catching.has(name))).toEqual([]);
});
