// The smallest cases of what the random graphs of scheduler.properties.test.ts have found.
import { pipeline, stage } from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

describe('a slot that is freed by a failed attempt', () => {
  const clock = virtualClock();
  const failsOnce = (name: string, ms: number) =>
    stage(name, {
      retry: { attempts: 2, baseMs: 1, jitter: 'none' },
      run: async (_, { attempt }) => {
        await clock.sleep(ms);
        if (attempt === 1) throw new Error('not yet');
        return name;
      },
    });

  test('starts what waited for it at that time, by its report, too', async () => {
    const outputs = {
      first: failsOnce('first', 10),
      second: failsOnce('second', 20),
      third: stage('third', { run: () => clock.sleep(5) }),
    };
    const run = await clock.settle(pipeline('p', { outputs, maxConcurrency: 1 }).run({}, { clock }));
    expect(run.stages.get('second')).toMatchObject({ startedAfterMs: 10, durationMs: 55 });
    expect(run.stages.get('third')).toMatchObject({ startedAfterMs: 30, durationMs: 5, queuedMs: 30 });
  });

  test('counts the wait of a second attempt as queue time', async () => {
    const outputs = { first: failsOnce('first', 10), second: failsOnce('second', 20) };
    const run = await clock.settle(pipeline('p', { outputs, maxConcurrency: 1 }).run({}, { clock }));
    // Ready again at 11 ms and 31 ms, called at 30 ms and 40 ms.
    expect(run.stages.get('first')).toMatchObject({ attempts: 2, queuedMs: 19 });
    expect(run.stages.get('second')).toMatchObject({ attempts: 2, queuedMs: 10 + 9 });
  });
});

describe('a stage that aborts the signal of the caller within its call', () => {
  test.each([
    ['without policies', {}],
    ['with a limit', { timeoutMs: 60_000 }],
  ])('%s is given up when the grace has passed', async (_, policies) => {
    const clock = virtualClock();
    const caller = new AbortController();
    const sink = recordingSink();
    const stubborn = stage('stubborn', {
      ...policies,
      run: () => {
        caller.abort('enough');
        return new Promise(() => {});
      },
    });
    const run = await clock.settle(
      pipeline('p', { outputs: { stubborn }, graceMs: 10 }).run({}, { clock, signal: caller.signal, sinks: [sink] }),
    );
    expect(run).toMatchObject({ status: 'cancelled', reason: 'enough', unsettled: ['stubborn'], elapsedMs: 10 });
    expect(sink.last('run.stopping')).toMatchObject({ elapsedMs: 0 });
  });
});

test('a stage is unsettled as long as one of its calls is, also where another that was given up has settled', async () => {
  const clock = virtualClock();
  const sink = recordingSink();
  // Given up at 10 ms and 20 ms; the first settles at 25 ms, the second never.
  const stubborn = stage('stubborn', {
    timeoutMs: 10,
    graceMs: 0,
    retry: { attempts: 2, baseMs: 0 },
    onFailure: 'skip',
    run: (_, { attempt }) => (attempt === 1 ? clock.sleep(25) : new Promise<void>(() => {})),
  });
  const patient = stage('patient', { run: () => clock.sleep(100) });
  const run = await clock.settle(pipeline('p', { outputs: { stubborn, patient } }).run({}, { clock, sinks: [sink] }));
  expect(sink.of('attempt.abandoned').map(({ attempt, elapsedMs }) => [attempt, elapsedMs])).toEqual([
    [1, 10],
    [2, 20],
  ]);
  expect(sink.of('attempt.arrived_late').map(({ attempt, elapsedMs }) => [attempt, elapsedMs])).toEqual([[1, 25]]);
  expect(run).toMatchObject({ status: 'completed', unsettled: ['stubborn'] });
  expect(run.stages.get('stubborn')).toMatchObject({ status: 'skipped', unsettled: true });
});
