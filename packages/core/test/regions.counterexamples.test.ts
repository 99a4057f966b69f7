// The smallest cases of what the random regions of regions.properties.test.ts have found.
import {
  block,
  branch,
  cancel,
  fallback,
  firstOf,
  guard,
  guarded,
  inputs,
  loop,
  map,
  pass,
  pipeline,
  type Run,
  race,
  route,
  type Stage,
  settled,
  stage,
  subpipeline,
} from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

const { text } = inputs<{ text: number }>();

function bench() {
  const clock = virtualClock();
  const sink = recordingSink();
  const started = (): readonly string[] => sink.of('stage.started').map(({ path }) => path);
  const run = (outputs: Readonly<Record<string, Stage>>, options: object = {}): Promise<Run> =>
    clock.settle(pipeline('p', { outputs }).run({ text: 1 } as never, { clock, sinks: [sink], ...options })) as Promise<Run>;
  const later = (name: string, ms: number, needs: object = {}) =>
    stage(name, { needs: needs as never, run: (_, { signal }) => clock.sleep(ms, signal).then(() => name) });
  const fails = (name: string, ms: number, needs: object = {}) =>
    stage(name, {
      needs: needs as never,
      run: async (): Promise<string> => {
        await clock.sleep(ms);
        throw new Error(`${name} said no`);
      },
    });
  return { clock, sink, run, started, later, fails };
}

describe('one end that several regions wait for', () => {
  test('is told to all of them before anything that one of them lets go on starts', async () => {
    const { run, later } = bench();
    const first = later('first', 10);
    const second = stage('second', { needs: { first }, run: () => 'second' });
    const preferred = fallback('preferred', first, second);
    const quick = race('quick', first, second);
    expect(await run({ preferred, quick, second })).toMatchObject({ outputs: { preferred: 'first', quick: 'first' } });
  });

  test('starts none of what all of them can do without', async () => {
    const { run, later, started } = bench();
    const first = later('first', 10);
    const loser = stage('loser', { needs: { first }, run: () => 'loser' });
    await run({ one: race('one', first, loser), other: race('other', first, loser) }, { maxConcurrency: 1 });
    expect(started()).toEqual(expect.arrayContaining(['first', 'one', 'other']));
    expect(started()).not.toContain('loser');
  });
});

describe('a stage that stops the run from within a choice', () => {
  test('lets no reader of the choice start', async () => {
    const { clock, run, later, started } = bench();
    const stopper = stage('stopper', { run: () => clock.sleep(10).then(() => cancel('enough')) });
    const choice = fallback('choice', stopper as never as Stage<string>, later('other', 10));
    const reader = stage('reader', { needs: { choice }, run: ({ choice }) => choice.length });
    expect(await run({ reader })).toMatchObject({ status: 'cancelled', cancelledBy: 'stopper' });
    expect(started().toSorted()).toEqual(['choice', 'stopper']);
  });

  test('lets nothing start that its failure makes way for', async () => {
    const { run, fails, later, started } = bench();
    const bad = fails('bad', 10);
    const choice = fallback('choice', later('never', 1, { bad }), bad);
    const notice = stage('notice', { needs: { choice: settled(choice) }, run: ({ choice }) => choice.status });
    expect(await run({ notice, bad })).toMatchObject({ status: 'failed' });
    expect(started()).not.toContain('notice');
  });
});

test('a stage behind one around its scope that was cancelled is cancelled as well, whatever its condition', async () => {
  const { clock, run, later, fails, sink } = bench();
  const way = route('way', { run: () => 'left' as string });
  const items = stage('items', { run: () => [1] });
  // `bad` fails its item; `slow` and the loop of the same item are stopped, the loop last.
  const whole = map('whole', items, (item) => {
    const slow = later('slow', 50, { item });
    const inner = map('inner', items, (each) => later('each', 50, { each, item }));
    const turns = loop('turns', item, (state) => stage('turn', { needs: { state, slow }, when: way.is('right'), run: () => 1 }), {
      until: () => true,
      maxTurns: 1,
    });
    const bad = fails('bad', 10, { item });
    return stage('last', { needs: { inner, turns, bad }, run: () => 1 });
  });
  const started = run({ whole });
  expect(await started).toMatchObject({ status: 'failed' });
  expect(clock.monotonic()).toBe(10);
  expect(sink.of('stage.cancelled').map(({ path }) => path)).toContain('whole[0]/turns[1]/turn');
});

describe('a condition on a route around the scope', () => {
  test('is named in the reason', async () => {
    const { run } = bench();
    const way = route('way', { run: () => 'left' as 'left' | 'right' });
    const items = stage('items', { run: () => [1] });
    const whole = map('whole', items, (item) => stage('each', { needs: { item }, when: way.is('right'), run: () => 1 }));
    const { stages } = await run({ whole });
    expect(stages.get('whole[0]/each')?.outcome).toEqual({ status: 'skipped', reason: '"way" chose "left"' });
  });
});

describe('two items that fail', () => {
  const twice = (failureMode: string) => {
    const { clock, run } = bench();
    const items = stage('items', { run: () => [30, 10] });
    const whole = map('whole', items, (item) =>
      stage('each', {
        needs: { item },
        run: async ({ item }): Promise<number> => {
          await clock.sleep(item);
          throw new Error(`after ${item}`);
        },
      }),
    );
    return run({ whole }, { failureMode });
  };

  test.each(['continue', 'best-effort'])('are reported by the first in order where nothing is stopped: %s', async (failureMode) => {
    expect(await twice(failureMode)).toMatchObject({ status: 'failed', error: { path: 'whole[0]/each' } });
  });

  test('are reported by the first in time where it stops the other', async () => {
    expect(await twice('fail-fast')).toMatchObject({ status: 'failed', error: { path: 'whole[1]/each' } });
  });
});

describe('a failure in an item whose output has a value without it', () => {
  const spared = (failureMode: string) => {
    const { run, fails } = bench();
    const items = stage('items', { run: () => [1] });
    const whole = map('whole', items, (item) => {
      const good = stage('good', { needs: { item }, run: () => 'good' });
      return stage('last', { needs: { value: firstOf(good, fails('bad', 0, { item })) }, run: ({ value }) => value });
    });
    return run({ whole }, { failureMode });
  };

  test.each(['continue', 'fail-fast'])('is not lost: %s', async (failureMode) => {
    expect(await spared(failureMode)).toMatchObject({ status: 'failed', error: { path: 'whole[0]/bad' } });
  });

  test('is tolerated in best-effort', async () => {
    expect(await spared('best-effort')).toMatchObject({ status: 'completed', outputs: { whole: ['good'] } });
  });
});

test('a guard that cannot judge blocks a draft for good, also within a pipeline within the draft', async () => {
  const { run } = bench();
  const strict = guard('strict', {
    subject: text,
    check: () => {
      throw new Error('no idea');
    },
  });
  const child = pipeline('child', { outputs: { strict } });
  const attempted: unknown[] = [];
  const reply = guarded('reply', (feedback) => {
    const number = stage('number', { needs: { feedback }, run: ({ feedback }) => attempted.push(feedback) });
    const nested = subpipeline('nested', child as never, { text: number } as never) as Stage;
    return guard('tone', { subject: nested, check: () => pass() });
  });
  const finished = await run({ reply }, { failureMode: 'continue' });
  expect(finished).toMatchObject({ status: 'blocked' });
  expect(attempted).toEqual([undefined]);
});

test('of what loses a race, readers go before what they read, so that no loser completes', async () => {
  const { run, later } = bench();
  const base = later('base', 10);
  const winner = stage('winner', { needs: { base }, run: () => 'winner' });
  const slow = later('slow', 50, { base });
  const loser = fallback('loser', slow, winner);
  const { stages, status } = await run({ first: race('first', winner, loser) });
  expect(status).toBe('completed');
  expect([stages.get('loser')?.status, stages.get('slow')?.status]).toEqual(['skipped', 'skipped']);
});

describe('the guard that blocked', () => {
  test.each(['continue', 'fail-fast'])('is named through a choice: %s', async (failureMode) => {
    const { run, later } = bench();
    const strict = guard('strict', { subject: text, check: () => block('no') });
    const one = later('one', 1, { strict });
    const choice = fallback('choice', later('two', 1, { one }), one);
    expect(await run({ choice }, { failureMode })).toMatchObject({ status: 'blocked', blockedBy: 'strict' });
  });

  test('is not one of an earlier draft', async () => {
    const { run } = bench();
    const reply = guarded('reply', (feedback) => {
      const draft = stage('draft', { needs: { feedback }, run: ({ feedback }) => feedback?.attempt ?? 0 });
      return guard('tone', {
        subject: draft,
        check: ({ subject }) => {
          if (subject === 0) return block('another, please');
          throw new Error('no idea');
        },
      });
    });
    expect(await run({ reply }, { failureMode: 'continue' })).toMatchObject({ status: 'blocked', blockedBy: 'reply[2]/tone' });
  });
});

test('what a region has asked for does not start while the region is taken back', async () => {
  const { run, later, started } = bench();
  const quick = later('quick', 5);
  const items = stage('items', { run: () => [1] });
  const main = map('main', items, (item) => later('each', 20, { item }));
  // Asked for by the race, and kept by the fallback until that has its value; by then it has asked for `needed`, which waits for a slot.
  const needed = later('needed', 10, { quick });
  const draft = guarded('draft', (feedback) => guard('tone', { needs: { feedback }, subject: needed, check: () => pass() }));
  const outputs = { hog: later('hog', 100, { quick }), first: race('first', quick, draft), either: fallback('either', main, draft) };
  expect(await run(outputs, { maxConcurrency: 2 })).toMatchObject({ status: 'completed' });
  expect(started()).toContain('draft');
  expect(started()).not.toContain('needed');
});

test.each(['collect', 'skip'] as const)('an item that was given up makes way for the next: %s', async (onItemError) => {
  const { run, fails } = bench();
  const items = stage('items', { run: () => [1, 2] });
  const whole = map(
    'whole',
    items,
    (item) => {
      const bad = fails('bad', 1, { item });
      const deaf = stage('deaf', { needs: { item }, run: () => new Promise<number>(() => {}) });
      return stage('last', { needs: { bad, deaf }, run: () => 1 });
    },
    { concurrency: 1, onItemError },
  );
  const finished = await run({ whole }, { graceMs: 10 });
  expect(finished).toMatchObject({ status: 'completed', elapsedMs: 22, unsettled: ['whole[0]/deaf', 'whole[1]/deaf'] });
});

test('a stage is wanted by what asks for it, not by what asks for what it needs', async () => {
  const { run, started, later } = bench();
  const way = route('way', { run: () => 'left' as 'left' | 'right' });
  const base = later('base', 1);
  // Wanted by two arms that are not taken, so its tokens are a set of their own, which is handed on to `base`.
  const unwanted = later('unwanted', 1, { base });
  const wanted = later('wanted', 1, { base });
  const one = branch('one', way, { left: wanted, right: unwanted });
  const two = branch('two', way, { left: later('else', 1), right: unwanted });
  expect(await run({ one, two })).toMatchObject({ status: 'completed' });
  expect(started()).toContain('wanted');
  expect(started()).not.toContain('unwanted');
});

test('a stage between two attempts ends once, also where a region beside it closes their scope', async () => {
  const { run, later, sink } = bench();
  const items = stage('items', { run: () => [1] });
  const first = { attempts: 2, baseMs: 100, jitter: 'none' } as const;
  const whole = map('whole', items, (item) => {
    const flaky = stage('flaky', {
      needs: { item },
      retry: first,
      run: (): number => {
        throw new Error('not yet');
      },
    });
    // Asks for `flaky`, so it is stopped before that, and closes its turn and with it their scope.
    const turns = loop('turns', item, (state) => stage('turn', { needs: { state, flaky }, run: ({ flaky }) => flaky }), {
      until: () => true,
      maxTurns: 1,
    });
    return stage('last', { needs: { item, turns }, run: () => 1 });
  });
  const bad = stage('bad', {
    needs: { late: later('late', 10) },
    run: (): number => {
      throw new Error('no');
    },
  });
  expect(await run({ whole, bad })).toMatchObject({ status: 'failed', counts: { cancelled: 5 } });
  expect(sink.of('stage.cancelled').filter(({ path }) => path === 'whole[0]/flaky')).toHaveLength(1);
});
