// The smallest cases of what the random data of plan.properties.test.ts have found.
import { isStageflowError } from '@stageflow/core';
import { definePipeline, type PipelineSpecData } from '@stageflow/core/define';
import { expect, test } from 'vitest';

const run = (): number => 1;

/** What is refused, by its codes. */
function codesOf(spec: unknown): readonly string[] {
  try {
    definePipeline(spec as PipelineSpecData);
    return [];
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code }) => code);
    if (isStageflowError(error)) return [error.code];
    throw error;
  }
}

const sound = {
  name: 'p',
  stages: [
    { name: 'way', kind: 'route', run },
    { name: 'a', needs: { way: 'way' }, after: ['way'], when: { route: 'way', is: ['left'] }, run },
  ],
  outputs: { a: 'a' },
  also: ['way'],
};

test('a firstOf of nothing is refused, for its reader would wait for ever', () => {
  const reading = (firstOf: readonly string[]) => ({
    ...sound,
    stages: [...sound.stages, { name: 'b', needs: { first: { firstOf } }, run }],
    also: ['b'],
  });
  expect(codesOf(reading(['a', 'way']))).toEqual([]);
  expect(codesOf(reading([]))).toHaveLength(1);
});

test('a circle is reported once, by however many edges two of its stages are joined', () => {
  const ring = (stage: object) => ({
    name: 'p',
    stages: [
      { name: 'a', ...stage, run },
      { name: 'b', needs: { a: 'a' }, run },
    ],
    outputs: { b: 'b' },
  });
  expect(codesOf(ring({}))).toEqual([]);
  expect(codesOf(ring({ after: ['b'] }))).toEqual(['SF_CYCLE']);
  expect(codesOf(ring({ needs: { one: 'b', other: { settled: 'b' } }, after: ['b'] }))).toEqual(['SF_CYCLE']);
});

test.each([
  ['a stage that is null', { stages: [null] }],
  ['a stage that is text', { stages: ['a'] }],
  ['a stage without a name', { stages: [{ run }], outputs: { a: 'a' } }],
  ['a name that is a symbol', { name: Symbol('p') }],
  ['"after" that is no list', { stages: [sound.stages[0], { ...sound.stages[1], after: 5 }] }],
  ['"when" that is null', { stages: [sound.stages[0], { ...sound.stages[1], when: null }] }],
  ['arms that are no list', { stages: [sound.stages[0], { ...sound.stages[1], when: { route: 'way', is: 5 } }] }],
  ['a retry that is null', { stages: [sound.stages[0], { ...sound.stages[1], retry: null }] }],
  ['a retry that is text', { stages: [sound.stages[0], { ...sound.stages[1], retry: 'often' }] }],
  ['"also" that is no list', { also: { way: true } }],
])('%s is refused by an error with a code', (_, part) => {
  expect(codesOf(sound)).toEqual([]);
  expect(codesOf({ ...sound, ...part }).length).toBeGreaterThan(0);
});
