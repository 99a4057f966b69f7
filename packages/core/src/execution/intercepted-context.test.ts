import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { branch } from '../branch.ts';
import { firstOf, optional, settled } from '../edge.ts';
import { inputs, services } from '../inputs.ts';
import type { DeclaredEffect, InterceptedStage, Interceptor } from '../interceptor.ts';
import { map } from '../map.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import { type Stage, stage } from '../stage.ts';
import { work } from '../work.ts';

const { items } = inputs<{ items: readonly string[] }>();

/** What each stage of a run waited for, by its path. */
async function needsOf(outputs: Readonly<Record<string, Stage>>): Promise<Readonly<Record<string, readonly string[]>>> {
  const seen: Record<string, readonly string[]> = {};
  const look: Interceptor = {
    name: 'look',
    stage(it, next) {
      seen[it.path] = it.needs;
      return next();
    },
    attempt(it, next) {
      expect(it.needs).toEqual(seen[it.path]);
      return next();
    },
  };
  const run = await pipeline('p', { outputs }).run({ items: ['x/y'] } as never, { interceptors: [look] });
  expect(run.status).toBe('completed');
  return seen;
}

const one = stage('one', { run: () => 1 });
const two = stage('two', { run: () => 2 });

describe('what an interceptor is told of the needs of a stage', () => {
  test('is empty where it waits for nothing', async () => {
    expect(await needsOf({ one })).toEqual({ one: [] });
  });

  test('has every stage once, in the order written, `after` and the route of `when` behind the needs', async () => {
    const way = route('way', { run: () => 'here' as const });
    const last = stage('last', { run: () => 3 });
    const join = stage('join', {
      needs: { b: optional(two), a: settled(one), again: one, items },
      after: [last, two],
      when: way.is('here'),
      run: () => 4,
    });
    expect((await needsOf({ join }))['join']).toEqual(['two', 'one', 'last', 'way']);
  });

  test('has all that a `firstOf` may read', async () => {
    const join = stage('join', { needs: { any: firstOf(two, one) }, run: () => 4 });
    expect((await needsOf({ join }))['join']).toEqual(['two', 'one']);
  });

  test('names stages in the body of a region by their paths, and those around it by theirs', async () => {
    const each = map(
      'each',
      items,
      (item) => {
        const inner = stage('inner', { needs: { item, one }, run: ({ item }) => item });
        return stage('outer', { needs: { inner, two }, run: ({ inner }) => inner });
      },
      { key: (item) => item },
    );
    const seen = await needsOf({ each });
    expect(seen['each[x/y]/inner']).toEqual(['one']);
    expect(seen['each[x/y]/outer']).toEqual(['each[x/y]/inner', 'two']);
  });

  test('has the route of a branch', async () => {
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const seen = await needsOf({ taken: branch('taken', way, { a: one, b: two }) });
    expect(seen['taken']?.[0]).toBe('way');
  });
});

const { id } = inputs<{ id: string }>();
const { bank } = services<{ bank: { name: string } }>();

/** Keeps what `look` makes of each stage. */
function looking<T>(look: (stage: InterceptedStage) => T): { readonly seen: T[]; readonly interceptor: Interceptor } {
  const seen: T[] = [];
  const interceptor: Interceptor = {
    name: 'look',
    deduplicates: true,
    stage: (stage, next) => {
      seen.push(look(stage));
      return next();
    },
  };
  return { seen, interceptor };
}

test('an interceptor sees which calls of an effect are one call', async () => {
  const { seen, interceptor } = looking<DeclaredEffect | undefined>(({ effect }) => effect);
  const declared = { scope: 'payments', params: ({ id }: { id: string }) => [id], ttlMs: 5 };
  const plain = work('plain', { needs: { id }, run: () => 1 });
  const keyed = work('keyed', { needs: { id }, after: [plain], idempotencyKey: ({ id }) => id, run: () => 1 });
  const asks = work('asks', { needs: { id }, after: [keyed], idempotencyKey: ({ id }) => id, deduplicate: true, run: () => 1 });
  const all = work('all', { needs: { id }, after: [asks], idempotencyKey: ({ id }) => id, deduplicate: declared, run: () => 1 });
  await pipeline('p', { outputs: { all } }).runOrThrow({ id: '7' }, { interceptors: [interceptor] });
  const nothing = { scope: undefined, params: undefined, ttlMs: undefined };
  expect(seen).toEqual([
    undefined,
    { key: '7', ...nothing },
    { key: '7', ...nothing },
    { key: '7', scope: 'payments', params: ['7'], ttlMs: 5 },
  ]);
});

test('an interceptor knows the services among the values, and the clock of the run', async () => {
  const clock = virtualClock();
  const { seen, interceptor } = looking(({ serviceKeys, clock }) => ({ serviceKeys, clock }));
  const pay = stage('pay', { needs: { id, via: bank }, run: ({ via }) => via.name });
  await pipeline('p', { outputs: { pay } }).runOrThrow(
    { id: '7' },
    { services: { bank: { name: 'b' } }, interceptors: [interceptor], clock },
  );
  expect(seen).toEqual([{ serviceKeys: ['via'], clock }]);
});
