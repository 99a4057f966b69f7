import type { ArtifactKey, ArtifactStore, Encoded } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';

/** Beyond what a packet, a page or a column of most databases holds without more ado. */
const largeBytes = 8_000_000;

const turns = 8;

/** A key, told apart from others by what is given. */
function keyOf(members: Partial<ArtifactKey> = {}): ArtifactKey {
  return { tenantId: 't', runId: 'r-1', artifactId: 'report', ...members };
}

/** What an id may hold, whatever the store is made of. */
const ids = [
  '',
  ' ',
  'null',
  'undefined',
  'A',
  'a',
  'a/b',
  'a:b',
  'a"b',
  "a'b",
  'a\\b',
  'a%',
  '..',
  '*',
  'a\u0000',
  'a\\u0000',
  'a\\0000',
  'é',
  'e\u0301',
  '\ud800',
  '\ufffd',
  '\ud83d\ude80'.repeat(50),
];

/**
 * What every `ArtifactStore` must do: values of any length and content, keys, tenants, what goes with a run. Nothing here
 * takes time.
 *
 * @example
 * ```ts
 * import { artifactStoreContract } from '@stageflow/testing';
 *
 * test.each(artifactStoreContract)('$name', ({ run }) => run(myArtifactStore()));
 * ```
 */
export const artifactStoreContract: readonly ContractCase<ArtifactStore>[] = [
  {
    name: 'get(): what was put is there when put() resolves, and stays there',
    async run(store) {
      assertSame(await store.get(keyOf()), undefined, 'before');
      await store.put(keyOf(), textOf({ pages: 2 }));
      assertSame(await store.get(keyOf()), '{"pages":2}', 'what is kept');
      assertSame(await store.get(keyOf()), '{"pages":2}', 'what is kept, asked again');
    },
  },
  {
    name: 'put(): of one key the last value counts',
    async run(store) {
      await store.put(keyOf(), textOf('a first one that is longer'));
      await store.put(keyOf(), textOf('last'));
      assertSame(await store.get(keyOf()), '"last"', 'what is kept');
      assertSame(await store.removeRun(keyOf()), 1, 'how many there are');
    },
  },
  {
    name: 'put(): of many at once for one key, one is kept, and whole',
    async run(store) {
      const values = Array.from({ length: turns }, (_, at) => textOf(String(at).repeat(100_000)));
      await Promise.all(values.map((value) => store.put(keyOf(), value)));
      const kept = await store.get(keyOf());
      if (kept === undefined || !values.includes(kept)) throw new Error('what is kept is none of the values');
      assertSame(await store.removeRun(keyOf()), 1, 'how many there are');
    },
  },
  {
    name: 'put(): text of any content comes back as it was',
    async run(store) {
      for (const value of [textOf(''), textOf('e\u0301\u0000\ud83d\ude80\ud800 \' " \\ % {} \r\n\u2028'), textOf(null), '' as Encoded]) {
        await store.put(keyOf(), value);
        assertSame(await store.get(keyOf()), value, 'what is kept');
      }
    },
  },
  {
    name: 'put(): a value of eight million characters comes back whole',
    async run(store) {
      // Different everywhere, so that one that was cut, or put together in another order, is not the same.
      const value = textOf(Array.from({ length: largeBytes / 8 }, (_, at) => (at + largeBytes).toString(36).padStart(8, 'é')).join(''));
      await store.put(keyOf(), value);
      const kept = await store.get(keyOf());
      if (kept !== value) throw new Error(`expected ${value.length} characters as they were, received ${kept?.length ?? 'nothing'}`);
    },
  },
  {
    name: 'keys of other tenants, runs and artifacts are other keys, whatever these hold',
    async run(store) {
      const keys = [
        { tenantId: undefined },
        ...ids.map((tenantId) => ({ tenantId })),
        ...ids.map((runId) => ({ runId })),
        ...ids.map((artifactId) => ({ artifactId })),
        { runId: 'r', artifactId: '1/report' },
        { runId: 'r/1', artifactId: 'report' },
      ].map(keyOf);
      for (const [at, key] of keys.entries()) await store.put(key, textOf(at));
      for (const [at, key] of keys.entries()) assertSame(await store.get(key), String(at), JSON.stringify(key));
    },
  },
  {
    name: 'tenants share nothing: neither values nor what is deleted',
    async run(store) {
      await store.put(keyOf({ tenantId: 'mine' }), textOf('mine'));
      for (const tenantId of ['theirs', undefined, '']) {
        assertSame(await store.get(keyOf({ tenantId })), undefined, 'get() of another tenant');
        assertSame(await store.removeRun(keyOf({ tenantId })), 0, 'removeRun() of another tenant');
      }
      assertSame(await store.get(keyOf({ tenantId: 'mine' })), '"mine"', 'get() of its own');
    },
  },
  {
    name: 'removeRun(): deletes everything of a run, says how much that was, and leaves other runs alone',
    async run(store) {
      for (const artifactId of ['a', 'b', 'c']) await store.put(keyOf({ artifactId }), textOf(artifactId));
      for (const runId of ['r-2', 'r-10', 'R-1', 'r', '']) await store.put(keyOf({ runId }), textOf(runId));
      assertSame(await store.removeRun({ tenantId: 't', runId: 'r-1' }), 3, 'how many');
      for (const artifactId of ['a', 'b', 'c']) assertSame(await store.get(keyOf({ artifactId })), undefined, 'what was deleted');
      for (const runId of ['r-2', 'r-10', 'R-1', 'r', ''])
        assertSame(await store.get(keyOf({ runId })), JSON.stringify(runId), 'another run');
    },
  },
  {
    name: 'removeRun(): of a run without values deletes none, and what is put afterwards is kept',
    async run(store) {
      assertSame(await store.removeRun(keyOf()), 0, 'where nothing was put');
      await store.put(keyOf(), textOf(1));
      await store.removeRun(keyOf());
      assertSame(await store.removeRun(keyOf()), 0, 'a second time');
      await store.put(keyOf(), textOf(2));
      assertSame(await store.get(keyOf()), '2', 'what is kept');
    },
  },
];

/** As core would hand it over; a store does not look into it. */
function textOf(value: unknown): Encoded {
  return JSON.stringify(value) as Encoded;
}
