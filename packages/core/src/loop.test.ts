import { block, cancel, guard, inputs, loop, map, pass, pipeline, type Source, skip, stage, subpipeline } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';

const start = stage('start', { run: () => 1 });
const increment = (state: Source<number>) => stage('increment', { needs: { state }, run: ({ state }) => state + 1 });

describe('loop()', () => {
  test('repeats until its condition holds: what one turn yields is the state of the next', async () => {
    const asked: unknown[] = [];
    const until = (state: number, turn: number) => asked.push([state, turn]) === 3;
    const counted = loop('counted', start, increment, { until, maxTurns: 10 });
    const run = await pipeline('p', { outputs: { counted } }).run({});
    expect(run).toMatchObject({ status: 'completed', outputs: { counted: 4 } });
    expect(asked).toEqual([
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
    expect([...run.stages.keys()]).toEqual(['start', 'counted', 'counted[1]/increment', 'counted[2]/increment', 'counted[3]/increment']);
  });

  test('gives the number of the turn to those who read it', async () => {
    const turns = loop(
      'turns',
      start,
      (state, turn) => stage('each', { needs: { state, turn }, run: ({ state, turn }) => state * 10 + turn }),
      {
        until: (_, turn) => turn === 2,
        maxTurns: 3,
      },
    );
    expect((await pipeline('p', { outputs: { turns } }).run({})).outputs).toEqual({ turns: 112 });
  });

  test('may have a body that reads the number of the turn alone', async () => {
    const it = loop('it', start, (_, turn) => stage('each', { needs: { turn }, run: ({ turn }) => turn }), {
      until: (state) => state === 2,
      maxTurns: 3,
    });
    expect((await pipeline('p', { outputs: { it } }).run({})).outputs).toEqual({ it: 2 });
  });

  test('takes any source as its first state', async () => {
    const { from } = inputs<{ from: number }>();
    const counted = loop('counted', from, increment, { until: (state) => state >= 5, maxTurns: 10 });
    expect((await pipeline('p', { outputs: { counted } }).run({ from: 2 })).outputs).toEqual({ counted: 5 });
  });

  test.each([1, 3])('fails with the last state after %i turns', async (maxTurns) => {
    const run = await pipeline('p', { outputs: { it: loop('it', start, increment, { until: () => false, maxTurns }) } }).run({});
    expect(run).toMatchObject({
      status: 'failed',
      error: { code: 'SF_LOOP_EXHAUSTED', path: 'it', details: { stage: 'it', turns: maxTurns, lastValue: 1 + maxTurns } },
    });
    expect(run.counts.completed).toBe(1 + maxTurns);
  });

  test('keeps the last state where that is wanted', async () => {
    const it = loop('it', start, increment, { until: () => false, maxTurns: 3, onExhausted: 'keep' });
    expect(await pipeline('p', { outputs: { it } }).run({})).toMatchObject({ status: 'completed', outputs: { it: 4 } });
  });

  test('runs what reads no state once, when it starts; a turn waits for it only where it reads it', async () => {
    const { takes, see, clock } = timedStages();
    const slow = takes('slow', 100);
    const it = loop(
      'it',
      stage('begin', { needs: { before: takes('before', 50) }, run: () => 1 }),
      (state) => {
        const first = stage('first', { needs: { state }, run: ({ state }, { signal }) => clock.sleep(10, signal).then(() => state) });
        return stage('second', { needs: { first, slow }, run: ({ first }) => first + 1 });
      },
      { until: (state) => state === 3, maxTurns: 5 },
    );
    const { run, starts } = await see(pipeline('p', { outputs: { it } }));
    expect(run.outputs).toEqual({ it: 3 });
    expect(starts).toEqual({
      before: 0,
      begin: 50,
      it: 50,
      slow: 50,
      'it[1]/first': 50,
      'it[1]/second': 150,
      'it[2]/first': 150,
      'it[2]/second': 160,
    });
  });

  test('goes round 10,000 times without overflow', async () => {
    const it = loop('it', start, increment, { until: (state) => state > 10_000, maxTurns: 20_000 });
    expect((await pipeline('p', { outputs: { it } }).run({}, { timings: false })).outputs).toEqual({ it: 10_001 });
  });
});

describe('a turn that has no value', () => {
  const ending = (body: (state: Source<number>) => ReturnType<typeof increment>, failureMode: 'fail-fast' | 'continue' = 'continue') =>
    pipeline('p', { outputs: { it: loop('it', start, body, { until: () => false, maxTurns: 5 }) }, failureMode }).run({});

  test('by choice ends the loop as skipped', async () => {
    const run = await ending((state) =>
      stage('turn', { needs: { state }, run: ({ state }) => (state === 1 ? 2 : (skip('done with it') as never)) }),
    );
    expect(run).toMatchObject({ status: 'completed', outputs: { it: undefined } });
    expect(run.stages.get('it')?.outcome).toEqual({ status: 'skipped', reason: 'done with it' });
  });

  test.each(['fail-fast', 'continue'] as const)('because it failed ends the loop with that, once, in %s', async (mode) => {
    const run = await ending(
      (state) =>
        stage('turn', {
          needs: { state },
          run: (): number => {
            throw new Error('no');
          },
        }),
      mode,
    );
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', path: 'it[1]/turn' } });
    expect(run.errors).toHaveLength(1);
  });

  test('because it was blocked blocks the run', async () => {
    const run = await ending(
      (state) => guard('low', { subject: increment(state), check: ({ subject }) => (subject > 2 ? block('too high') : pass()) }) as never,
    );
    expect(run).toMatchObject({ status: 'blocked', blockedBy: 'it[2]/low', reason: 'too high' });
  });

  test('because it asked for the end of the run cancels that', async () => {
    const run = await ending((state) => stage('turn', { needs: { state }, run: () => cancel('enough') as never }));
    expect(run).toMatchObject({ status: 'cancelled', cancelledBy: 'it[1]/turn' });
    expect(run.stages.get('it')?.status).toBe('cancelled');
  });
});

describe('the condition of a loop', () => {
  test('that throws fails it with what it threw', async () => {
    const until = (): boolean => {
      throw new Error('no score');
    };
    const run = await pipeline('p', { outputs: { it: loop('it', start, increment, { until, maxTurns: 3 }) } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', path: 'it', cause: { message: 'no score' } } });
  });

  test.each([undefined, 1, 'true', Promise.resolve(true)])('that answers %o fails it', async (answer) => {
    const until = () => answer as unknown as boolean;
    const run = await pipeline('p', { outputs: { it: loop('it', start, increment, { until, maxTurns: 3 }) } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_WHEN_INVALID', path: 'it' } });
  });

  test('and its bound are checked when the pipeline is made', () => {
    const made = (options: object) => () => pipeline('p', { outputs: { it: loop('it', start, increment, options as never) } });
    expect(made({ until: () => true, maxTurns: 1 })).not.toThrow();
    expect(made({ until: () => true })).toThrow(/"maxTurns"/);
    expect(made({ until: () => true, maxTurns: 0 })).toThrow(/"maxTurns"/);
    expect(made({ maxTurns: 1 })).toThrow(/"until"/);
    expect(made({ until: () => true, maxTurns: 1, onExhausted: 'stop' })).toThrow(/"onExhausted"/);
  });
});

test('a turn under way is aborted with its run', async () => {
  const { see, clock } = timedStages();
  const it = loop(
    'it',
    start,
    (state) => stage('turn', { needs: { state }, run: ({ state }, { signal }) => clock.sleep(40, signal).then(() => state) }),
    {
      until: () => false,
      maxTurns: 9,
    },
  );
  const { run, ends } = await see(pipeline('p', { outputs: { it } }), {}, { deadlineMs: 100 });
  expect(run).toMatchObject({ status: 'failed', elapsedMs: 100 });
  expect(ends).toMatchObject({ 'it[2]/turn': 'completed', 'it[3]/turn': 'cancelled', it: 'cancelled' });
});

test('a subpipeline and a map may stand in a turn', async () => {
  const { number } = inputs<{ number: number }>();
  const child = pipeline('child', { outputs: { more: stage('more', { needs: { number }, run: ({ number }) => number + 1 }) } });
  const it = loop(
    'it',
    start,
    (state) => {
      const nested = subpipeline('nested', child, { number: state });
      const pair = stage('pair', { needs: { nested, state }, run: ({ nested, state }) => [nested.more, state] });
      const doubled = map('doubled', pair, (item) => stage('double', { needs: { item }, run: ({ item }) => item * 2 }));
      return stage('sum', { needs: { doubled }, run: ({ doubled }) => doubled.reduce((a, b) => a + b, 0) });
    },
    { until: (state) => state > 10, maxTurns: 5 },
  );
  const run = await pipeline('p', { outputs: { it } }).run({});
  expect(run.outputs).toEqual({ it: 26 });
  expect([...run.stages.keys()].slice(2, 9)).toEqual([
    'it[1]/nested',
    'it[1]/nested/more',
    'it[1]/pair',
    'it[1]/doubled',
    'it[1]/doubled[0]/double',
    'it[1]/doubled[1]/double',
    'it[1]/sum',
  ]);
});
