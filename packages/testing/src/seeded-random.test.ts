import { inputs, pipeline, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { seededIds } from './seeded-ids.ts';
import { fnv1a, seededRandom, sfc32 } from './seeded-random.ts';

describe('seededRandom()', () => {
  test('gives the same numbers for the same seed, and others for another', () => {
    const take = (seed: number | string): number[] => Array.from({ length: 50 }, seededRandom(seed));
    expect(take(7)).toEqual(take(7));
    expect(take(7)).toEqual(take('7'));
    expect(take(7)).not.toEqual(take(8));
    expect(take('a/b')).not.toEqual(take('b/a'));
  });

  test('stays in [0, 1) and spreads evenly', () => {
    const random = seededRandom('even');
    const bins = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) {
      const value = random();
      expect(value >= 0 && value < 1).toBe(true);
      bins[Math.floor(value * 10)] = (bins[Math.floor(value * 10)] ?? 0) + 1;
    }
    // Chi-square with 9 degrees of freedom: 27.88 is passed once in a thousand seeds.
    const chiSquare = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(27.88);
  });

  test('hashes seeds as FNV-1a does', () => {
    // Test vectors of the authors (http://www.isthe.com/chongo/tech/comp/fnv/).
    expect(fnv1a('')).toBe(0xcbf29ce484222325n);
    expect(fnv1a('a')).toBe(0xaf63dc4c8601ec8cn);
    expect(fnv1a('foobar')).toBe(0x85944171f73967e8n);
  });

  test('has a generator of unsigned 32-bit numbers that never repeats soon', () => {
    const next = sfc32(1n);
    const drawn = Array.from({ length: 10_000 }, next);
    expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true);
    // The birthday bound: about 0.01 collisions among 10,000 of 2^32.
    expect(new Set(drawn).size).toBeGreaterThan(9_997);
  });
});

describe('seededIds()', () => {
  test('counts from a prefix', () => {
    const makeId = seededIds('run');
    expect([makeId(), makeId(), makeId()]).toEqual(['run-1', 'run-2', 'run-3']);
  });

  test('makes UUIDs of version 7 that are unique, sorted and the same each time', () => {
    const take = (seed: number): string[] => Array.from({ length: 1_000 }, seededIds(seed));
    const ids = take(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(1_000);
    expect([...ids].sort()).toEqual(ids);
    expect(take(3)).toEqual(ids);
    expect(take(4)).not.toEqual(ids);
  });

  test('serve a run as its random and makeId', async () => {
    const { text } = inputs<{ text: string }>();
    const roll = stage('roll', { needs: { text }, run: (_values, context) => context.random() });
    const dice = pipeline('dice', { outputs: { roll } });
    const runs = await Promise.all([1, 2].map(() => dice.run({ text: '' }, { random: seededRandom(1), makeId: seededIds('run') })));
    expect(runs.map((run) => [run.runId, run.outputs.roll])).toEqual([
      ['run-1', seededRandom(1)()],
      ['run-1', seededRandom(1)()],
    ]);
  });
});
