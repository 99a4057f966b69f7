import { isStageflowError, pipeline, type StagePolicy, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { resourceUses } from './resource-use.ts';

const greet = stage('greet', { run: () => 'Hello' });

/** What is wrong with a stage that has this option. */
function problemsOf(resource: unknown): readonly string[] {
  try {
    pipeline('p', { outputs: { greet: stage('greet', { resource: resource as string, run: () => 1 }) } });
    return [];
  } catch (error) {
    if (!isStageflowError(error, 'SF_PLAN_INVALID')) throw error;
    return error.details.problems.map(({ message }) => message);
  }
}

describe('the option resource', () => {
  test.each(['model', { name: 'model', key: () => 'k', priority: -1_000_000 }, ['model', { name: 'db', priority: 0.5 }], []])(
    'can be %j',
    (resource) => {
      expect(problemsOf(resource)).toEqual([]);
    },
  );

  test.each([
    [7, 'Option "resource" of stage "greet" must be the name of a resource, or an object with one, received the number 7.'],
    [['model', null], 'Option "resource[1]" of stage "greet" must be the name of a resource, or an object with one, received null.'],
    [{}, 'Option "resource.name" of stage "greet" must be the name of a resource, received null.'],
    ['', 'Option "resource.name" of stage "greet" must be the name of a resource, received the string "".'],
    [
      ['model', { name: 'model' }],
      'Option "resource[1]" of stage "greet" must be a resource that is not named twice, received the string "model".',
    ],
    [{ name: 'model', key: 'tenant' }, 'Option "resource.key" of stage "greet" must be a function, received the string "tenant".'],
    [
      { name: 'model', priority: 1_000_001 },
      'Option "resource.priority" of stage "greet" must be a number from -1000000 to 1000000, received the number 1000001.',
    ],
  ])('cannot be %j', (resource, message) => {
    expect(problemsOf(resource)).toEqual([message]);
  });

  test('can be laid over a stage by configure()', () => {
    const policies: Readonly<Record<string, StagePolicy>> = { greet: { resource: 'model' } };
    const configured = pipeline('p', { outputs: { greet } }).configure(policies);
    expect(configured.plan.stages[0]).toMatchObject({ resources: [{ name: 'model' }], simple: false });
  });

  test('is read as a list of uses, or none', () => {
    expect(resourceUses(undefined)).toBeUndefined();
    expect(resourceUses([])).toBeUndefined();
    expect(resourceUses('model')).toEqual([{ name: 'model' }]);
    expect(resourceUses({ name: 'model', priority: 1 })).toEqual([{ name: 'model', priority: 1 }]);
    expect(resourceUses(['model', { name: 'db' }])).toEqual([{ name: 'model' }, { name: 'db' }]);
  });
});
