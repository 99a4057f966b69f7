import { describe, expect, test } from 'vitest';
import { definePipeline } from '../define.ts';
import { isStageflowError } from '../errors.ts';
import { inputs, services } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { stage } from '../stage.ts';
import { nameProblem } from './names.ts';

describe('nameProblem()', () => {
  test.each([
    'a',
    'fetch profile',
    'v1.2-beta_3',
    'größe',
    'профиль',
    '回答',
    '👩‍🚀',
    'constructor',
    'prototype',
    'toString',
    'then',
    '0',
    'a:b',
    '{x}',
    '"quoted"',
    '-->',
  ])('lets %j be a name', (name) => {
    expect(nameProblem(name)).toBeUndefined();
  });

  test.each([
    ['', 'it is empty'],
    [' a', 'it begins or ends with white space'],
    ['a\n', 'it begins or ends with white space'],
    ['\u00a0a', 'it begins or ends with white space'],
    ['__proto__', 'it would reach the prototype of an object'],
    [7, 'it is not a string'],
    [undefined, 'it is not a string'],
    [Symbol('s'), 'it is not a string'],
  ])('refuses %o: %s', (name, why) => {
    expect(nameProblem(name)).toBe(why);
  });

  test.each(['a/b', 'a[b', 'a]b', 'a\u0000b', 'a\nb', 'a\u001bb', 'a\u007fb'])('refuses %j for a character of it', (name) => {
    expect(nameProblem(name)).toMatch(/^it contains /);
  });
});

/** The names that the plan refuses. */
function refused(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code, message }) => `${code}: ${message}`);
    throw error;
  }
  return [];
}

describe('a pipeline', () => {
  const ok = stage('ok', { run: () => 1 });
  const proto = '__proto__';

  test('refuses `__proto__` as any kind of name', () => {
    const named = (name: string) => `SF_NAME_INVALID: No ${name} can be named "__proto__": it would reach the prototype of an object.`;
    const input = stage('reads input', { needs: { it: inputs<{ __proto__: string }>()[proto] }, run: () => 1 });
    const service = stage('reads service', { needs: { it: services<{ __proto__: string }>()[proto] }, run: () => 1 });
    expect(refused(() => pipeline(proto, { outputs: { ok } }))).toEqual([named('pipeline')]);
    expect(refused(() => pipeline('p', { outputs: { it: stage(proto, { run: () => 1 }) } }))).toEqual([named('stage')]);
    expect(refused(() => pipeline('p', { outputs: { [proto]: ok } }))).toEqual([named('key of "outputs"')]);
    expect(refused(() => pipeline('p', { outputs: { it: stage('it', { needs: { [proto]: ok }, run: () => 1 }) } }))).toEqual([
      named('key of stage "it"'),
    ]);
    expect(refused(() => pipeline('p', { outputs: { input } }))).toEqual([named('input')]);
    expect(refused(() => pipeline('p', { outputs: { service } }))).toEqual([named('service')]);
  });

  test('from parsed JSON cannot reach a prototype either', () => {
    const parsed = JSON.parse('{"stages":[{"name":"it","needs":{"__proto__":"it2"}},{"name":"it2"}],"outputs":{"__proto__":"it"}}');
    for (const spec of parsed.stages) spec.run = () => 1;
    expect(refused(() => definePipeline({ name: 'p', ...parsed })).length).toBe(2);
  });

  test('runs with names that objects inherit', async () => {
    const declared = inputs<{ toString: string; valueOf: string }>();
    const made = stage('constructor', {
      needs: { toString: declared.toString, valueOf: declared.valueOf },
      run: (values) => `${values.toString}${values.valueOf}`,
    });
    const reader = stage('hasOwnProperty', { needs: { constructor: made }, run: (values) => values.constructor });
    const run = await pipeline('prototype', { outputs: { constructor: made, hasOwnProperty: reader } }).runOrThrow({
      toString: 'a',
      valueOf: 'b',
    });
    expect({ ...run.outputs }).toEqual({ constructor: 'ab', hasOwnProperty: 'ab' });
  });
});

test('values that try to pollute prototypes pollute nothing', async () => {
  const { body } = inputs<{ body: unknown }>();
  const echo = stage('echo', {
    needs: { body },
    run: ({ body }, { extension }) => ({ ...(body as object), extension: extension('__proto__', anything) }),
  });
  const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
  const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
  const run = await pipeline('p', { outputs: { echo } }).run(JSON.parse('{"__proto__":{"body":"inherited"},"body":{"own":1}}'), {
    extensions: hostile,
    metadata: hostile,
  });
  expect(run.status).toBe('completed');
  expect(run.outputs.echo).toMatchObject({ own: 1 });
  expect({}).not.toHaveProperty('polluted');
  const missing = await pipeline('p', { outputs: { echo } }).run(JSON.parse('{"__proto__":{"body":{"inherited":1}}}'));
  expect(missing.outputs.echo).toEqual({ extension: undefined });
});
