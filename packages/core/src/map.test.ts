import {
  block,
  branch,
  cancel,
  firstOf,
  guard,
  guarded,
  type ItemErrorPolicy,
  inputs,
  map,
  pass,
  pipeline,
  route,
  type Source,
  type Stage,
  services,
  settled,
  skip,
  stage,
  work,
} from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';

function listOf<T>(...items: readonly T[]) {
  return stage('list', { run: (): readonly T[] => items });
}

/** A stage that doubles its item, and throws where that is negative, is skipped where it is 0. */
const double = (item: Source<number>) =>
  stage('double', {
    needs: { item },
    run: ({ item }) => {
      if (item < 0) throw new Error(`${item} is negative`);
      return item === 0 ? skip('nothing to double') : item * 2;
    },
  });

describe('map()', () => {
  test('yields what its body yields for each item, in the order of the items, whichever ends first', async () => {
    const { clock, see } = timedStages();
    const slept = map('slept', listOf(30, 10, 20), (ms, index) =>
      stage('sleep', { needs: { ms, index }, run: ({ ms, index }, { signal }) => clock.sleep(ms, signal).then(() => `${index}: ${ms}`) }),
    );
    const { run, starts } = await see(pipeline('p', { outputs: { slept } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { slept: ['0: 30', '1: 10', '2: 20'] }, elapsedMs: 30 });
    expect(starts).toMatchObject({ 'slept[0]/sleep': 0, 'slept[1]/sleep': 0, 'slept[2]/sleep': 0 });
  });

  test('reports each stage of each item by its path, after the map, and counts it', async () => {
    const doubled = map('doubled', listOf(1, 0), double, { key: (item) => `n${item}` });
    const run = await pipeline('p', { outputs: { doubled } }).run({});
    expect([...run.stages.keys()]).toEqual(['list', 'doubled', 'doubled[n1]/double', 'doubled[n0]/double']);
    expect(run.stages.get('doubled[n0]/double')).toMatchObject({ stage: 'double', path: 'doubled[n0]/double', status: 'skipped' });
    expect(run.counts).toEqual({ completed: 3, skipped: 1, failed: 0, blocked: 0, cancelled: 0 });
  });

  test('leaves out an item that is skipped by choice', async () => {
    expect((await pipeline('p', { outputs: { it: map('it', listOf(1, 0, 3), double) } }).run({})).outputs).toEqual({ it: [2, 6] });
  });

  test('of nothing is an empty list, and asks for nothing that only its items need', async () => {
    const { takes, see } = timedStages();
    const dear = takes('dear', 100);
    const it = map('it', listOf<number>(), (item) => stage('each', { needs: { item, dear }, run: () => 1 }));
    const { run } = await see(pipeline('p', { outputs: { it } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { it: [] }, elapsedMs: 0 });
    expect(run.stages.get('dear')?.outcome).toEqual({ status: 'skipped', reason: '"it" did not ask for it' });
  });

  test.each([
    ['a set', new Set([1, 2])],
    ['a generator', [1, 2].values()],
  ])('goes through %s', async (_, items) => {
    const it = map('it', stage('list', { run: (): Iterable<number> => items }), double);
    expect((await pipeline('p', { outputs: { it } }).run({})).outputs).toEqual({ it: [2, 4] });
  });

  test('is skipped with its items', async () => {
    const list = stage('list', { run: () => skip('no list') as unknown as number[] });
    const run = await pipeline('p', { outputs: { it: map('it', list, double) } }).run({});
    expect(run.stages.get('it')?.outcome).toMatchObject({ status: 'skipped', reason: '"list" was skipped' });
  });

  test.each([undefined, null, 7, 'text', { length: 2 }, async function* () {}])('fails on items that are %s', async (items) => {
    const it = map('it', stage('list', { run: () => items as unknown as number[] }), double);
    const run = await pipeline('p', { outputs: { it } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_MAP_INVALID', path: 'it' } });
  });

  test('fails on an iterable that throws, with what it threw', async () => {
    const items = {
      *[Symbol.iterator](): Generator<number> {
        yield 1;
        throw new Error('torn');
      },
    };
    const run = await pipeline('p', { outputs: { it: map('it', stage('list', { run: () => items }), double) } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_MAP_INVALID', cause: { message: 'torn' } } });
  });

  test('runs 10,000 synchronous items without overflow, all at once and one at a time', async () => {
    const items = Array.from({ length: 10_000 }, (_, at) => at + 1);
    for (const concurrency of [undefined, 1]) {
      const it = map('it', stage('list', { run: () => items }), double, { concurrency });
      const run = await pipeline('p', { outputs: { it } }).run({}, { timings: false });
      expect(run.outputs.it?.at(-1)).toBe(20_000);
      expect(run.counts.completed).toBe(10_002);
    }
  });

  test('calls its body once, when it is defined; what that throws is thrown there', () => {
    let calls = 0;
    const it = map('it', listOf(1), (item) => {
      calls++;
      return double(item);
    });
    pipeline('p', { outputs: { it } });
    expect(calls).toBe(1);
    const broken = (): never => {
      throw new TypeError('a mistake in the body');
    };
    expect(() => map('it', listOf(1), broken)).toThrow(new TypeError('a mistake in the body'));
  });
});

describe('the key of an item', () => {
  const keyed = (key: (item: number, index: number) => string | number) =>
    pipeline('p', { outputs: { it: map('it', listOf(1, 2), double, { key }) } }).run({});

  test('stands in its path, with brackets and percent signs escaped', async () => {
    const run = await keyed((item) => (item === 1 ? 'a/b' : '[x]%'));
    expect([...run.stages.keys()].slice(2)).toEqual(['it[a/b]/double', 'it[%5Bx%5D%25]/double']);
  });

  test('may be a number, and is given the position', async () => {
    const run = await keyed((_, index) => 10 + index);
    expect([...run.stages.keys()].slice(2)).toEqual(['it[10]/double', 'it[11]/double']);
  });

  test.each<[string, (item: number) => string | number, string]>([
    ['is given twice', () => 'same', 'items 0 and 1 have the same key, "same"'],
    ['is empty', () => '', 'the key of item 0 is the string ""'],
    ['is no string or number', () => undefined as never, 'the key of item 0 is undefined'],
    ['is the same as a number and as a string', (item) => (item === 1 ? 1 : '1'), 'items 0 and 1 have the same key, "1"'],
  ])('that %s fails the map, and starts nothing', async (_, key, why) => {
    const run = await keyed(key);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_MAP_INVALID', details: { stage: 'it', why } } });
    expect(run.counts).toMatchObject({ completed: 1, failed: 1 });
  });

  test('whose function throws fails the map with what it threw', async () => {
    const run = await keyed(() => {
      throw new Error('no id');
    });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_MAP_INVALID', cause: { message: 'no id' } } });
  });
});

describe('a body', () => {
  test('may read the position alone', async () => {
    const it = map('it', listOf('a', 'b'), (_, index) => stage('each', { needs: { index }, run: ({ index }) => index }));
    expect((await pipeline('p', { outputs: { it } }).run({})).outputs).toEqual({ it: [0, 1] });
  });

  test('may read the item in one of its regions alone', async () => {
    const outer = map('outer', listOf(1, 2), (x) =>
      map('inner', stage('three', { run: () => [3] }), (y) => stage('sum', { needs: { x, y }, run: ({ x, y }) => x + y })),
    );
    expect((await pipeline('p', { outputs: { outer } }).run({})).outputs).toEqual({ outer: [[4], [5]] });
  });

  test('may choose among stages of its own and of the maps around it', async () => {
    const none = stage('none', { run: () => skip('none') as unknown as number });
    const outer = map('outer', listOf(1, 2), (x) => {
      const odd = stage('odd', { needs: { x }, run: ({ x }) => (x === 1 ? 'odd' : skip('even')) });
      return map('inner', stage('list 2', { run: () => [3] }), (y) => {
        const own = stage('own', { needs: { y }, run: ({ y }) => `own ${y}` });
        return stage('chosen', { needs: { y, it: firstOf(none, odd, own) }, run: ({ it }) => it });
      });
    });
    expect((await pipeline('p', { outputs: { outer } }).run({})).outputs).toEqual({ outer: [['odd'], ['own 3']] });
  });

  test('is refused where something in it is no source, or stands in for itself', () => {
    const wrong = map('it', listOf(1), (item) => stage('each', { needs: { item, wrong: 7 as never }, run: () => 1 }));
    expect(() => pipeline('p', { outputs: { wrong } })).toThrow(/"wrong"/);
    let held: Stage<number> | undefined;
    const it = map('it', listOf(1), (item) => {
      held = stage('each', { needs: { item }, run: ({ item }) => item });
      return held as Stage<number, never>;
    });
    const circle = stage('circle', { needs: { each: held as Stage<number, never> }, run: ({ each }) => each });
    expect(() => pipeline('p', { outputs: { it } }).with(held as Stage<number, never>, circle)).toThrow(/SF_CYCLE|circle/);
  });
});

describe('what stands around the body', () => {
  test('is hoisted where it reads no item: it runs once, and starts when the map does', async () => {
    const { takes, see } = timedStages();
    const list = stage('list', { needs: { before: takes('before', 40) }, run: () => [1, 2] });
    let calls = 0;
    const shared = stage('shared', { run: () => ++calls });
    const slow = takes('slow', 50, { shared });
    const it = map('it', list, (item) => stage('each', { needs: { item, slow }, run: ({ item, slow }) => `${slow} ${item}` }));
    const { run, starts } = await see(pipeline('p', { outputs: { it } }));
    expect(run.outputs).toEqual({ it: ['slow 1', 'slow 2'] });
    expect(calls).toBe(1);
    expect(starts).toEqual({ before: 0, list: 40, it: 40, shared: 40, slow: 40, 'it[0]/each': 90, 'it[1]/each': 90 });
  });

  test('is not waited for by stages of an item that do not read it', async () => {
    const { takes, see, clock } = timedStages();
    const slow = takes('slow', 500);
    const it = map('it', listOf(1), (item) => {
      const fetched = stage('fetch', { needs: { item }, run: (_, { signal }) => clock.sleep(100, signal) });
      return stage('merge', { needs: { fetched, slow }, run: ({ slow }) => slow });
    });
    const { run, starts } = await see(pipeline('p', { outputs: { it } }));
    expect(starts).toMatchObject({ slow: 0, 'it[0]/fetch': 0, 'it[0]/merge': 500 });
    expect(run.elapsedMs).toBe(500);
  });

  test('starts early where something else wants it as well', async () => {
    const { takes, see } = timedStages();
    const list = stage('list', { needs: { before: takes('before', 40) }, run: () => [1] });
    const shared = takes('shared', 10);
    const it = map('it', list, (item) => stage('each', { needs: { item, shared }, run: () => 1 }));
    const { starts } = await see(pipeline('p', { outputs: { it, other: takes('other', 1, { shared }) } }));
    expect(starts).toMatchObject({ shared: 0, other: 10, 'it[0]/each': 40 });
  });

  test('gives inputs and services to the body', async () => {
    const { rate } = inputs<{ rate: number }>();
    const { model } = services<{ model: { times(a: number, b: number): number } }>();
    const it = map('it', listOf(1, 2), (item) =>
      stage('each', { needs: { item, rate, model }, run: ({ item, rate, model }) => model.times(item, rate) }),
    );
    const run = await pipeline('p', { outputs: { it } }).run({ rate: 3 }, { services: { model: { times: (a, b) => a * b } } });
    expect(run.outputs).toEqual({ it: [3, 6] });
  });

  test('fails the map where it fails, whatever the map does with failures of items', async () => {
    for (const onItemError of ['fail', 'skip', 'collect'] as const) {
      const rates = stage('rates', {
        run: (): number => {
          throw new Error('no rates');
        },
      });
      const it = map('it', listOf(1), (item) => stage('each', { needs: { item, rates }, run: () => 1 }), { onItemError });
      const run = await pipeline('p', { outputs: { it }, failureMode: 'continue' }).run({});
      expect(run).toMatchObject({ status: 'failed', error: { path: 'rates' } });
      expect(run.errors).toHaveLength(1);
      expect(run.stages.get('it')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'rates', status: 'failed' } });
      expect(run.stages.get('it[0]/each')?.outcome).toMatchObject({ rootCause: { stage: 'rates', status: 'failed' } });
    }
  });

  test('may fail where the body takes that into account', async () => {
    const rates = stage('rates', {
      run: (): number => {
        throw new Error('no rates');
      },
    });
    const it = map('it', listOf(1), (item) =>
      stage('each', { needs: { item, rates: settled(rates) }, run: ({ item, rates }) => `${item} ${rates.status}` }),
    );
    const run = await pipeline('p', { outputs: { it } }).run({});
    expect(run).toMatchObject({ status: 'completed', outputs: { it: ['1 failed'] } });
  });

  test('may be skipped: then so are the items that read it', async () => {
    const rates = stage('rates', { run: () => skip('no rates') as unknown as number });
    const it = map('it', listOf(1, 2), (item) => stage('each', { needs: { item, rates }, run: () => 1 }), { onItemError: 'collect' });
    const run = await pipeline('p', { outputs: { it } }).run({});
    expect(run).toMatchObject({ status: 'completed' });
    expect(run.outputs.it).toEqual(['0', '1'].map((key) => ({ key, status: 'skipped', reason: '"rates" was skipped' })));
  });
});

describe('an item that fails', () => {
  const running = (onItemError: ItemErrorPolicy | undefined, failureMode: 'fail-fast' | 'continue' | 'best-effort' = 'fail-fast') =>
    pipeline('p', { outputs: { it: map('it', listOf(1, -1, 3), double, { onItemError }) }, failureMode }).run({});

  test.each(['fail-fast', 'continue', 'best-effort'] as const)('fails the map and the run, once, in %s', async (mode) => {
    const run = await running(undefined, mode);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', path: 'it[1]/double' } });
    expect(run.errors).toHaveLength(1);
    expect(run.stages.get('it')?.outcome).toMatchObject({ status: 'failed', error: { path: 'it[1]/double' } });
  });

  test('with "skip" is left out, and stays in run.errors', async () => {
    const run = await running('skip');
    expect(run).toMatchObject({ status: 'completed', degraded: false, outputs: { it: [2, 6] } });
    expect(run.errors.map(({ path }) => path)).toEqual(['it[1]/double']);
  });

  test('with "collect" is a value among the others', async () => {
    const run = await running('collect');
    expect(run).toMatchObject({ status: 'completed' });
    expect(run.outputs.it).toMatchObject([
      { key: '0', status: 'completed', output: 2 },
      { key: '1', status: 'failed', error: { path: 'it[1]/double' } },
      { key: '2', status: 'completed', output: 6 },
    ]);
  });

  test('aborts the others, and starts no more, where it decides', async () => {
    const { clock, see } = timedStages();
    const it = map(
      'it',
      listOf(100, -10, 100, 100),
      (ms) =>
        stage('sleep', {
          needs: { ms },
          run: async ({ ms }, { signal }) => {
            await clock.sleep(Math.abs(ms), signal);
            if (ms < 0) throw new Error('negative');
          },
        }),
      { concurrency: 3 },
    );
    const { run, ends } = await see(pipeline('p', { outputs: { it } }));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 10 });
    expect(ends).toEqual({
      list: 'completed',
      it: 'failed',
      'it[0]/sleep': 'cancelled',
      'it[1]/sleep': 'failed',
      'it[2]/sleep': 'cancelled',
    });
  });

  test('lets the others go on, and more start, where the run continues', async () => {
    const { see } = timedStages();
    const it = map('it', listOf(1, -1, 3), double, { concurrency: 1 });
    const { ends } = await see(pipeline('p', { outputs: { it }, failureMode: 'continue' }));
    expect(ends).toMatchObject({ 'it[0]/double': 'completed', 'it[1]/double': 'failed', 'it[2]/double': 'completed', it: 'failed' });
  });

  test.each([
    [undefined, false],
    ['skip', true],
    ['collect', true],
  ] as const)('with %s is told as handled: %s', async (onItemError, handled) => {
    const { see } = timedStages();
    const { events } = await see(pipeline('p', { outputs: { it: map('it', listOf(-1), double, { onItemError }) } }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', path: 'it[0]/double', handled }));
  });

  test('is told as handled where a settled reader takes the map into account', async () => {
    const { see } = timedStages();
    const it = map('it', listOf(-1), double);
    const report = stage('report', { needs: { it: settled(it) }, run: ({ it }) => it.status });
    const { run, events } = await see(pipeline('p', { outputs: { report } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { report: 'failed' } });
    const flags = events.flatMap((event) => (event.type === 'stage.failed' ? [[event.path, event.handled]] : []));
    expect(flags).toEqual([
      ['it[0]/double', true],
      ['it', true],
    ]);
  });

  test('is traced to the stage it began with, inside the item', async () => {
    const it = map('it', listOf(-1), (item) => stage('reader', { needs: { doubled: double(item) }, run: () => 1 }));
    const after = stage('after', { needs: { it }, run: () => 1 });
    const run = await pipeline('p', { outputs: { after }, failureMode: 'continue' }).run({});
    expect(run.stages.get('it[0]/reader')?.outcome).toMatchObject({ rootCause: { stage: 'it[0]/double', status: 'failed' } });
    expect(run.stages.get('it')?.outcome).toMatchObject({ status: 'failed', error: { path: 'it[0]/double' } });
    expect(run.stages.get('after')?.outcome).toMatchObject({ rootCause: { stage: 'it', status: 'failed' } });
  });
});

test.each(['fail-fast', 'continue', 'best-effort'] as const)(
  'an item that has a value in spite of a failure nobody handled, in %s',
  async (mode) => {
    const { takes, fails, see } = timedStages();
    const it = map('it', listOf(1), (item) => {
      const spare = fails('spare', 20, { item });
      return stage('last', { needs: { item, chosen: firstOf(takes('first', 10, { item }), spare) }, run: ({ chosen }) => chosen });
    });
    const { run } = await see(pipeline('p', { outputs: { it }, failureMode: mode }));
    if (mode === 'best-effort') expect(run).toMatchObject({ status: 'completed', outputs: { it: ['first'] } });
    else expect(run).toMatchObject({ status: 'failed', error: { path: 'it[0]/spare' } });
    expect(run.errors.map(({ path }) => path)).toEqual(['it[0]/spare']);
  },
);

describe('an item that is blocked', () => {
  const polite = (item: Source<number>) =>
    guard('polite', { subject: item, check: ({ subject }) => (subject < 0 ? block(`${subject} is rude`) : pass()) });

  test('blocks the map and the run, which name the guard by its path', async () => {
    for (const failureMode of ['fail-fast', 'continue', 'best-effort'] as const) {
      const run = await pipeline('p', { outputs: { it: map('it', listOf(1, -1), polite) }, failureMode }).run({});
      expect(run).toMatchObject({ status: 'blocked', blockedBy: 'it[1]/polite', reason: '-1 is rude' });
      expect(run.stages.get('it')?.outcome).toMatchObject({ status: 'blocked', reason: '-1 is rude' });
    }
  });

  test('is left out, or collected', async () => {
    const skipped = await pipeline('p', { outputs: { it: map('it', listOf(1, -1), polite, { onItemError: 'skip' }) } }).run({});
    expect(skipped).toMatchObject({ status: 'completed', outputs: { it: [1] } });
    const collected = await pipeline('p', { outputs: { it: map('it', listOf(1, -1), polite, { onItemError: 'collect' }) } }).run({});
    expect(collected.outputs.it?.[1]).toEqual({ key: '1', status: 'blocked', reason: '-1 is rude', blockedBy: 'it[1]/polite' });
  });

  test('keeps the error of a guard that could not judge', async () => {
    const broken = (item: Source<number>) =>
      guard('broken', {
        subject: item,
        check: () => {
          throw new Error('down');
        },
      });
    const run = await pipeline('p', { outputs: { it: map('it', listOf(1), broken) } }).run({});
    expect(run).toMatchObject({ status: 'blocked', blockedBy: 'it[0]/broken' });
    expect(run.errors.map(({ code, path }) => [code, path])).toEqual([['SF_GUARD_FAILED', 'it[0]/broken']]);
  });
});

describe('a map and the limits of its run', () => {
  test('holds no slot itself; items share those of the run', async () => {
    const { clock, see } = timedStages();
    const it = map('it', listOf(1, 2, 3, 4), (item) => stage('each', { needs: { item }, run: (_, { signal }) => clock.sleep(10, signal) }));
    const { run, starts } = await see(pipeline('p', { outputs: { it } }), {}, { maxConcurrency: 2 });
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 20 });
    expect(Object.values(starts).slice(2)).toEqual([0, 0, 10, 10]);
    expect(run.stages.get('it[2]/each')?.queuedMs).toBe(10);
  });

  test('has as many items under way as its concurrency says, and no stage of the next before one is done', async () => {
    const { clock, see } = timedStages();
    const it = map(
      'it',
      listOf(1, 2, 3),
      (item) => {
        const first = stage('first', { needs: { item }, run: (_, { signal }) => clock.sleep(10, signal) });
        return stage('second', { needs: { first }, run: (_, { signal }) => clock.sleep(10, signal) });
      },
      { concurrency: 2 },
    );
    const { run, starts } = await see(pipeline('p', { outputs: { it } }));
    expect(run.elapsedMs).toBe(40);
    expect(starts).toMatchObject({ 'it[1]/first': 0, 'it[2]/first': 20, 'it[2]/second': 30 });
  });

  test('stops with the run: a stage of an item that asks for it cancels all', async () => {
    const { see, clock } = timedStages();
    const it = map('it', listOf(1, 2), (item) =>
      stage('each', {
        needs: { item },
        run: ({ item }, { signal }) => (item === 1 ? clock.sleep(100, signal) : clock.sleep(10, signal).then(() => cancel('enough'))),
      }),
    );
    const { run, ends } = await see(pipeline('p', { outputs: { it } }));
    expect(run).toMatchObject({ status: 'cancelled', reason: 'enough', cancelledBy: 'it[1]/each', elapsedMs: 10 });
    expect(ends).toMatchObject({ 'it[0]/each': 'cancelled', 'it[1]/each': 'cancelled', it: 'cancelled' });
  });

  test('is cut off by the deadline; an item that ignores its signal is named after the grace', async () => {
    const { see, clock } = timedStages();
    const it = map('it', listOf('obedient', 'deaf'), (item) =>
      stage('each', {
        needs: { item },
        run: ({ item }, { signal }) => (item === 'deaf' ? new Promise<void>(() => {}) : clock.sleep(1_000, signal)),
      }),
    );
    const { run, ends } = await see(pipeline('p', { outputs: { it } }), {}, { deadlineMs: 50, graceMs: 30 });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' }, elapsedMs: 80, unsettled: ['it[1]/each'] });
    expect(ends).toMatchObject({ 'it[0]/each': 'cancelled', 'it[1]/each': 'cancelled', it: 'cancelled' });
  });

  test('keeps the policies of the stages in it: retry and timeout are those of each item', async () => {
    const { see } = timedStages();
    const calls: number[] = [];
    const it = map('it', listOf(1, 2), (item) =>
      stage('each', {
        needs: { item },
        retry: { attempts: 2, baseMs: 10, jitter: 'none' },
        run: ({ item }, { attempt }) => {
          calls.push(item);
          if (attempt === 1) throw new Error('once more');
          return item;
        },
      }),
    );
    const { run } = await see(pipeline('p', { outputs: { it } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { it: [1, 2] } });
    expect(calls).toEqual([1, 2, 1, 2]);
    expect(run.stages.get('it[1]/each')?.attempts).toBe(2);
  });
});

describe('a stage in an item', () => {
  test('knows its own path, and has an idempotency key of its own', async () => {
    const seen: unknown[] = [];
    const it = map('it', listOf(1, 2), (item) =>
      work('save', {
        needs: { item },
        run: (_, { path, idempotencyKey, stage }) => {
          seen.push([stage, path, idempotencyKey]);
        },
      }),
    );
    await pipeline('p', { outputs: { it } }).run({}, { runId: 'run-1' });
    const [[, , one], [, , two]] = seen as [[string, string, string], [string, string, string]];
    expect(seen).toEqual([
      ['save', 'it[0]/save', one],
      ['save', 'it[1]/save', two],
    ]);
    expect(one).not.toBe(two);
  });

  test('cleans up whatever becomes of it, when the run has ended', async () => {
    const log: string[] = [];
    const it = map(
      'it',
      listOf(1, -1),
      (item) =>
        stage('each', {
          needs: { item },
          run: ({ item }, { defer, path }) => {
            defer(() => log.push(path));
            if (item < 0) throw new Error('negative');
          },
        }),
      { onItemError: 'skip' },
    );
    const done = stage('done', { needs: { it }, run: () => log.push('done') });
    await pipeline('p', { outputs: { done } }).run({});
    expect(log).toEqual(['done', 'it[1]/each', 'it[0]/each']);
  });
});

test('one of 5,000 asynchronous items that fails stops the others in one go', async () => {
  const { see, clock } = timedStages();
  const items = Array.from({ length: 5_000 }, (_, at) => at);
  const it = map('it', stage('list', { run: () => items }), (item) =>
    stage('each', {
      needs: { item },
      run: async ({ item }, { signal }) => {
        await clock.sleep(item === 2_500 ? 5 : 1_000, signal);
        if (item === 2_500) throw new Error('no');
      },
    }),
  );
  const { run } = await see(pipeline('p', { outputs: { it } }));
  expect(run).toMatchObject({ status: 'failed', elapsedMs: 5, error: { path: 'it[2500]/each' } });
  expect(run.counts).toMatchObject({ cancelled: 4_999, failed: 2 });
  expect(clock.pending).toBe(0);
});

test('tells the same to nobody: without sinks and timings a map ends as it does with them', async () => {
  const it = map('it', listOf(1, -1, 0), double, { onItemError: 'collect' });
  const run = await pipeline('p', { outputs: { it } }).run({}, { timings: false });
  expect(run.outputs.it?.map(({ status }) => status)).toEqual(['completed', 'failed', 'skipped']);
  expect([...run.stages.values()].map(({ path, attempts }) => [path, attempts])).toEqual([
    ['list', 1],
    ['it', 1],
    ['it[0]/double', 1],
    ['it[1]/double', 1],
    ['it[2]/double', 1],
  ]);
});

describe('regions in an item', () => {
  test('map in branch in map: each item takes its own way', async () => {
    const { see } = timedStages();
    const outer = map('outer', listOf([1, 2], []), (group) => {
      const way = route('way', { needs: { group }, run: ({ group }) => (group.length > 0 ? ('many' as const) : ('none' as const)) });
      const inner = map('inner', group as Source<number[]>, double);
      const none = stage('empty', { run: () => 'empty' });
      return branch('chosen', way, { many: inner, none });
    });
    const { run, ends } = await see(pipeline('p', { outputs: { outer } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { outer: [[2, 4], 'empty'] } });
    expect(ends).toMatchObject({
      'outer[0]/inner[1]/double': 'completed',
      'outer[1]/inner': 'skipped',
      'outer[1]/chosen': 'completed',
    });
  });

  test('guarded in map: each item has attempts of its own', async () => {
    const { see } = timedStages();
    const drafts = map('drafts', listOf(1, 2), (item) =>
      guarded(
        'draft',
        (feedback) => {
          const write = stage('write', { needs: { item, feedback }, run: ({ item, feedback }) => item + (feedback?.attempt ?? 0) });
          return guard('even', { subject: write, check: ({ subject }) => (subject % 2 === 0 ? pass() : block('odd')) });
        },
        { attempts: 3 },
      ),
    );
    const { run, ends } = await see(pipeline('p', { outputs: { drafts } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { drafts: [2, 2] } });
    expect(Object.keys(ends)).toEqual([
      'list',
      'drafts',
      'drafts[0]/draft',
      'drafts[0]/draft[1]/write',
      'drafts[0]/draft[1]/even',
      'drafts[0]/draft[2]/write',
      'drafts[0]/draft[2]/even',
      'drafts[1]/draft',
      'drafts[1]/draft[1]/write',
      'drafts[1]/draft[1]/even',
    ]);
  });

  test('a body may read the items of all maps around it, and what is hoisted runs once where it belongs', async () => {
    let sums = 0;
    const outer = map('outer', listOf(10, 20), (tens) => {
      const base = stage('base', {
        needs: { tens },
        run: ({ tens }) => {
          sums++;
          return tens;
        },
      });
      const units = stage('units', { run: () => [1, 2] });
      return map('inner', units, (unit) =>
        stage('sum', { needs: { unit, base, tens }, run: ({ unit, base, tens }) => [base, tens + unit] }),
      );
    });
    const run = await pipeline('p', { outputs: { outer } }).run({});
    expect(run.outputs).toEqual({
      outer: [
        [
          [10, 11],
          [10, 12],
        ],
        [
          [20, 21],
          [20, 22],
        ],
      ],
    });
    expect(sums).toBe(2);
    expect(run.stages.has('units')).toBe(true);
  });

  test('a name with a dot is not taken for a local of another region', async () => {
    const outer = map('a.b', listOf(1, 2), (x) =>
      map('a', stage('three', { run: () => [3] }), (y) =>
        map('c', stage('four', { run: () => [4] }), (z) => stage('sum', { needs: { x, y, z }, run: ({ x, y, z }) => `${x}${y}${z}` })),
      ),
    );
    const run = await pipeline('p', { outputs: { outer } }).run({});
    expect(run.outputs).toEqual({ outer: [[['134']], [['234']]] });
  });
});
