import { virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { settled } from '../edge.ts';
import { pipeline } from '../pipeline.ts';
import { stage } from '../stage.ts';

/** Two attempts that are given up one after the other, and settle when they are told to. */
async function twoAbandoned(settlesAt: readonly [number, number]) {
  const clock = virtualClock();
  const it = stage('it', {
    timeoutMs: 5,
    graceMs: 5,
    retry: { attempts: 2, baseMs: 0, jitter: 'none' },
    run: (_, { attempt }) => clock.sleep((settlesAt[attempt - 1] as number) - clock.monotonic()),
  });
  const last = stage('last', { needs: { it: settled(it) }, run: () => clock.sleep(500) });
  const run = await clock.settle(pipeline('p', { outputs: { last } }).run({}, { clock }));
  return { attempts: run.stages.get('it')?.attempts, unsettled: run.unsettled };
}

test('a stage is unsettled as long as one of its calls is', async () => {
  expect(await twoAbandoned([900, 900])).toEqual({ attempts: 2, unsettled: ['it'] });
  expect(await twoAbandoned([100, 900])).toEqual({ attempts: 2, unsettled: ['it'] });
  expect(await twoAbandoned([900, 100])).toEqual({ attempts: 2, unsettled: ['it'] });
  expect(await twoAbandoned([100, 200])).toEqual({ attempts: 2, unsettled: [] });
});
