import { type Interceptor, inputs, map, pipeline, stage } from '@stageflow/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pathAround, withoutKeys } from './stage-path.ts';

test.each([
  ['answer', undefined, 'answer'],
  ['outer/inner', 'outer', 'outer/inner'],
  ['collect[inv-7]/fetch', 'collect', 'collect/fetch'],
  ['collect[a/b]/fetch', 'collect', 'collect/fetch'],
  ['a[1]/b[2]/c', 'a[1]/b', 'a/b/c'],
  ['agent[#2]/tool', 'agent', 'agent/tool'],
  ['each[]/one', 'each', 'each/one'],
])('of %s, what it stands below is %s, and what is left without keys is %s', (path, around, bare) => {
  expect([pathAround(path), withoutKeys(path)]).toEqual([around, bare]);
});

test('holds for the paths of core, whatever the keys', async () => {
  const { items } = inputs<{ items: readonly string[] }>();
  const each = map('each', items, (item) => stage('one', { needs: { item }, run: ({ item }) => item }), { key: (item) => item });
  const nested = pipeline('p', { outputs: { each } });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ unit: fc.constantFrom(...'a/[]%#.'), minLength: 1 }), { minLength: 1, maxLength: 5 }),
      async (keys) => {
        const paths: string[] = [];
        const look: Interceptor = {
          name: 'look',
          only: { stages: ['one'] },
          stage: (subject, next) => {
            paths.push(subject.path);
            return next();
          },
        };
        await nested.run({ items: keys }, { interceptors: [look] });
        expect(paths).toHaveLength(keys.length);
        for (const path of paths) expect([pathAround(path), withoutKeys(path)]).toEqual(['each', 'each/one']);
      },
    ),
    { numRuns: 100 },
  );
});
