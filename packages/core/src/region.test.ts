// What regions have in common: what is checked, swapped, tuned and drawn.
import {
  branch,
  fallback,
  guard,
  guarded,
  inputs,
  isStageflowError,
  loop,
  map,
  pass,
  pipeline,
  race,
  route,
  type Source,
  settled,
  stage,
  subpipeline,
} from '@stageflow/core';
import { planJson, toDot, toMermaid } from '@stageflow/core/plan';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';
import { stageParts } from './stage.ts';

const list = stage('list', { run: () => [1, 2] });
const double = stage('outer double', { run: () => 2 });

function problemsOf(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code, message }) => `${code}: ${message}`);
    throw error;
  }
  return [];
}

describe('a pipeline with regions is refused', () => {
  test('where a local is read outside of its region', () => {
    let escaped: Source<number> | undefined;
    const it = map('it', list, (item) => {
      escaped = item;
      return stage('each', { needs: { item }, run: () => 1 });
    });
    expect(problemsOf(() => pipeline('p', { outputs: { it } }))).toEqual([]);
    const outside = stage('outside', { needs: { item: escaped as Source<number> }, run: () => 1 });
    expect(problemsOf(() => pipeline('p', { outputs: { it, outside } }))).toEqual([
      'SF_LOCAL_ESCAPED: "it.item" is read by stage "outside", outside of the region that gives it.',
    ]);
  });

  test('where a local is read in the body of another region', () => {
    let escaped: Source<number> | undefined;
    const one = map('one', list, (item) => {
      escaped = item;
      return stage('each', { needs: { item }, run: () => 1 });
    });
    const two = map('two', list, (item) => stage('each', { needs: { item, escaped: escaped as Source<number> }, run: () => 1 }));
    expect(problemsOf(() => pipeline('p', { outputs: { one, two } }))[0]).toContain('SF_LOCAL_ESCAPED');
  });

  test('where a body reads an input by another schema than the pipeline does', () => {
    const accepting = (vendor: string) => ({ '~standard': { version: 1 as const, vendor, validate: (value: unknown) => ({ value }) } });
    const ours = inputs({ rate: accepting('ours') });
    const theirs = inputs({ rate: accepting('theirs') });
    const outside = stage('outside', { needs: { rate: ours.rate }, run: () => 1 });
    const it = (rate: Source) => map('it', list, (item) => stage('each', { needs: { item, rate }, run: () => 1 }));
    expect(problemsOf(() => pipeline('p', { outputs: { it: it(ours.rate), outside } }))).toEqual([]);
    expect(problemsOf(() => pipeline('p', { outputs: { it: it(theirs.rate), outside } }))[0]).toContain('SF_INPUT_CONFLICT');
  });

  test('where a local is an output', () => {
    let escaped: Source<number> | undefined;
    const it = map('it', list, (item) => {
      escaped = item;
      return stage('each', { needs: { item }, run: () => 1 });
    });
    expect(problemsOf(() => pipeline('p', { outputs: { it, item: escaped as Source<number> } }))[0]).toContain('SF_LOCAL_ESCAPED');
  });

  test('where what is repeated reads nothing that changes', () => {
    const constant = stage('constant', { run: () => 1 });
    expect(problemsOf(() => pipeline('p', { outputs: { it: map('it', list, () => constant) } }))).toEqual([
      'SF_REGION_CONSTANT: What "it" repeats reads nothing that changes, so every repetition would be the same.',
    ]);
    const same = loop('same', constant, () => constant, { until: () => true, maxTurns: 2 });
    expect(problemsOf(() => pipeline('p', { outputs: { same } }))[0]).toContain('SF_REGION_CONSTANT');
    const deaf = guarded('deaf', () => guard('good', { subject: constant, check: () => pass() }));
    expect(problemsOf(() => pipeline('p', { outputs: { deaf } }))[0]).toContain('SF_REGION_CONSTANT');
  });

  test('where two stages of one scope, or of one inside the other, have one name; not where scopes stand side by side', () => {
    const body = (name: string) => (item: Source<number>) => stage(name, { needs: { item }, run: () => 1 });
    expect(
      problemsOf(() => pipeline('p', { outputs: { one: map('one', list, body('each')), two: map('two', list, body('each')) } })),
    ).toEqual([]);
    expect(problemsOf(() => pipeline('p', { outputs: { one: map('one', list, body('list')) } }))[0]).toContain('SF_DUPLICATE_STAGE');
    expect(problemsOf(() => pipeline('p', { outputs: { one: map('one', list, body('one')) } }))[0]).toContain('SF_DUPLICATE_STAGE');
  });

  test('where something in a body is wrong', () => {
    const it = map('it', list, (item) => stage('a/b', { needs: { item }, timeoutMs: -1, run: () => 1 }), {
      concurrency: 0,
      onItemError: 'ignore' as never,
      key: 'id' as never,
    });
    const found = problemsOf(() => pipeline('p', { outputs: { it } })).join('\n');
    for (const part of ['"a/b"', '"timeoutMs"', '"concurrency"', '"onItemError"', '"key"']) expect(found).toContain(part);
  });

  test('where the source of a region is none', () => {
    expect(
      problemsOf(() =>
        pipeline('p', { outputs: { it: map('it', [1, 2] as never, (item) => stage('each', { needs: { item }, run: () => 1 })) } }),
      )[0],
    ).toContain('SF_UNKNOWN_SOURCE');
    expect(problemsOf(() => pipeline('p', { outputs: { it: race('it', list, 'list' as never) } })).length).toBeGreaterThan(0);
  });
});

describe('with()', () => {
  const each = (item: Source<number>) => item;
  test('swaps a stage that a region holds', async () => {
    let held: ReturnType<typeof make> | undefined;
    const make = (item: Source<number>) => stage('each', { needs: { item }, run: ({ item }) => item });
    const it = map('it', list, (item) => {
      held = make(each(item));
      return held;
    });
    const chat = pipeline('p', { outputs: { it } });
    const offline = chat.with(held as NonNullable<typeof held>, ({ item }) => item * 10);
    expect((await offline.run({})).outputs).toEqual({ it: [10, 20] });
    expect((await chat.run({})).outputs).toEqual({ it: [1, 2] });
  });

  test('swaps a stage that regions capture, once for all', async () => {
    const it = map('it', list, (item) => stage('each', { needs: { item, double }, run: ({ item, double }) => item * double }));
    const swapped = pipeline('p', { outputs: { it } }).with(double, () => 3);
    expect((await swapped.run({})).outputs).toEqual({ it: [3, 6] });
  });

  test('swaps a region for a function of the same values, and what it held is gone', async () => {
    const it = map('it', list, (item) => stage('each', { needs: { item }, run: ({ item }) => item }));
    const run = await pipeline('p', { outputs: { it } })
      .with(it, () => [7])
      .run({});
    expect(run.outputs).toEqual({ it: [7] });
    expect([...run.stages.keys()]).toEqual(['list', 'it']);
  });

  test('swaps an arm', async () => {
    const way = route('way', { run: () => 'a' as const });
    const left = stage('left', { run: () => 1 });
    const reply = branch('reply', way, { a: left });
    expect(
      (
        await pipeline('p', { outputs: { reply } })
          .with(left, () => 5)
          .run({})
      ).outputs,
    ).toEqual({ reply: 5 });
  });

  test('swaps again what was swapped for a stage of another name', async () => {
    const it = map('it', list, (item) => stage('each', { needs: { item, double }, run: ({ double }) => double }));
    const once = pipeline('p', { outputs: { it } }).with(double, stage('other', { run: () => 4 }));
    expect((await once.with(double, () => 5).run({})).outputs).toEqual({ it: [5, 5] });
  });

  test('refuses a stage that no scope holds, and what is none', () => {
    expect(problemsOf(() => pipeline('p', { outputs: { list } }).with(undefined as never, (() => 2) as never))[0]).toContain(
      'SF_UNKNOWN_STAGE',
    );
    const it = map('it', list, (item) => stage('each', { needs: { item }, run: ({ item }) => item }));
    const stranger = stage('each', { run: () => 1 });
    expect(problemsOf(() => pipeline('p', { outputs: { it } }).with(stranger, () => 2))[0]).toContain('SF_UNKNOWN_STAGE');
  });
});

describe('configure()', () => {
  const make = (item: Source<number>) => stage('each', { needs: { item }, run: () => new Promise<number>(() => {}) });

  test('addresses a stage that a region holds by the names down to it', async () => {
    const { see } = timedStages();
    const it = map('it', list, (item) => loop('again', item, make, { until: () => true, maxTurns: 1 }), { onItemError: 'collect' });
    const { run } = await see(pipeline('p', { outputs: { it } }).configure({ 'it/again/each': { timeoutMs: 20, graceMs: 0 } }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 20 });
    expect(run.errors.map(({ code, path }) => [code, path])).toEqual([
      ['SF_STAGE_TIMEOUT', 'it[0]/again[1]/each'],
      ['SF_STAGE_TIMEOUT', 'it[1]/again[1]/each'],
    ]);
  });

  test('addresses a stage of a nested pipeline, and leaves that as it was', async () => {
    const { see } = timedStages();
    const nested = pipeline('nested', { outputs: { slow: stage('slow', { run: () => new Promise<number>(() => {}) }) } });
    const outer = pipeline('p', { outputs: { outer: subpipeline('outer', nested, {}) } });
    const { run } = await see(outer.configure({ 'outer/slow': { timeoutMs: 20, graceMs: 0 } }));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 20, error: { code: 'SF_STAGE_TIMEOUT', path: 'outer/slow' } });
    expect(nested.plan.stages[0]?.timeoutMs).toBeUndefined();
    expect(problemsOf(() => outer.configure({ 'outer/slow': { timeoutMs: -1 } }))[0]).toContain('SF_POLICY_INVALID');
  });

  test('names what is near where an address is wrong, and gives a region no limits', () => {
    const made = pipeline('p', { outputs: { it: map('it', list, make) } });
    expect(problemsOf(() => made.configure({ 'it/eech': { timeoutMs: 5 } }))).toEqual([
      expect.stringContaining('SF_UNKNOWN_STAGE: configure() names the stage "it/eech"'),
    ]);
    expect(problemsOf(() => made.configure({ each: { timeoutMs: 5 } }))[0]).toContain('SF_UNKNOWN_STAGE');
    expect(problemsOf(() => made.configure({ 'list/each': { timeoutMs: 5 } }))[0]).toContain('SF_UNKNOWN_STAGE');
    expect(problemsOf(() => made.configure({ it: { timeoutMs: 5 } }))[0]).toContain('left out for a map');
  });
});

test('a region has no function that could be called', () => {
  const it = map('it', list, (item) => stage('each', { needs: { item }, run: () => 1 }));
  expect(() => (stageParts(it).spec.run as () => unknown)()).toThrow('A region was called as if it were a stage.');
});

const { rate } = inputs<{ rate: number }>();
const way = route('way', { run: () => 'a' as 'a' | 'b' });
const spare = stage('spare', { run: () => 0 });
const scaled = stage('scaled', { needs: { rate }, run: ({ rate }) => rate });
const totals = map(
  'totals',
  list,
  (item) => {
    const fetched = stage('fetch', { needs: { item, scaled }, run: ({ item }) => item });
    return stage('total', { needs: { fetched }, run: ({ fetched }) => fetched });
  },
  { onItemError: 'collect', concurrency: 2, key: (item) => item },
);
const nested = subpipeline('nested', pipeline('child', { outputs: { scaled } }), { rate });
const reply = branch('reply', way, { a: fallback('tried', race('raced', scaled, double), spare), b: spare });
const drawn = pipeline('all', { outputs: { reply, totals, nested } });

describe('the plan of regions', () => {
  test('says as data what each region holds', () => {
    const { stages } = planJson(drawn.plan);
    const of = (name: string) => stages.find((stage) => stage.name === name);
    expect(JSON.parse(JSON.stringify(stages))).toEqual(stages);
    expect(of('reply')).toMatchObject({
      kind: 'branch',
      needs: [{ key: 'route', from: ['way'] }],
      region: {
        heads: [
          { key: 'a', stage: 'tried' },
          { key: 'b', stage: 'spare' },
        ],
      },
    });
    expect(of('tried')?.region?.heads).toEqual([
      { key: 'raced', stage: 'raced' },
      { key: 'spare', stage: 'spare' },
    ]);
    expect(of('totals')?.region).toMatchObject({
      options: { onItemError: 'collect', concurrency: 2 },
      body: { captures: ['scaled'], output: 'total', stages: [{ name: 'fetch' }, { name: 'total' }] },
    });
    expect(of('nested')?.region).toMatchObject({ options: { pipeline: 'child' }, pipeline: { name: 'child', inputs: [{ name: 'rate' }] } });
  });

  test('says which failures are handled, inside of regions too', () => {
    const handled = (plan: Parameters<typeof planJson>[0], region: string) => {
      const found = planJson(plan).stages.find(({ name }) => name === region)?.region;
      return (found?.body ?? found?.pipeline)?.stages.map((stage) => [stage.name, stage.handled]);
    };
    expect(handled(drawn.plan, 'totals')).toEqual([
      ['fetch', true],
      ['total', true],
    ]);
    expect(handled(drawn.plan, 'nested')).toEqual([['scaled', false]]);
    const report = stage('report', { needs: { nested: settled(nested) }, run: () => 1 });
    expect(handled(pipeline('p', { outputs: { report } }).plan, 'nested')).toEqual([['scaled', true]]);
    const byName = new Map(drawn.plan.stages.map(({ name, handled }) => [name, handled]));
    expect(Object.fromEntries(byName)).toMatchObject({ raced: true, scaled: false, spare: false, tried: false, totals: false });
  });

  test('is drawn with what a region repeats inside of it', async () => {
    await expect(toMermaid(drawn.plan)).toMatchFileSnapshot('../test/golden/regions.mmd');
    await expect(toDot(drawn.plan)).toMatchFileSnapshot('../test/golden/regions.dot');
  });
});
