import { type FailureMode, inputs, pipeline, settled, stage } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

describe('failure modes', () => {
  /** `broken` fails after 10 ms; `behind` needs it, `further` needs that; `aside` needs a slow stage and no broken one. */
  async function run(failureMode: FailureMode, wanted: 'aside' | 'further' = 'further') {
    const clock = virtualClock();
    const started: string[] = [];
    const work =
      (name: string, ms: number) =>
      async (_: unknown, { signal }: { readonly signal: AbortSignal }) => {
        started.push(name);
        await clock.sleep(ms, signal);
        return name;
      };
    const broken = stage('broken', { run: () => clock.sleep(10).then(() => Promise.reject(new Error('no'))) });
    const behind = stage('behind', { needs: { broken }, run: work('behind', 1) });
    const further = stage('further', { needs: { behind }, run: work('further', 1) });
    const slow = stage('slow', { run: work('slow', 30) });
    const aside = stage('aside', { needs: { slow }, run: work('aside', 1) });
    const outputs =
      wanted === 'aside' ? pipeline('p', { outputs: { aside }, also: { further } }) : pipeline('p', { outputs: { aside, further } });
    return { started, result: await clock.settle(outputs.run({}, { clock, failureMode })) };
  }

  test('[162] fail-fast aborts the others and starts nothing new', async () => {
    const { started, result } = await run('fail-fast');

    expect(started).toEqual(['slow']);
    expect(result).toMatchObject({ status: 'failed', elapsedMs: 10, counts: { failed: 1, cancelled: 2, skipped: 2 } });
  });

  test('[162] continue finishes what is not behind the failure, at any distance, and the run has failed', async () => {
    const { started, result } = await run('continue');

    expect(started).toEqual(['slow', 'aside']);
    expect(result).toMatchObject({
      status: 'failed',
      elapsedMs: 31,
      outputs: { aside: 'aside' },
      counts: { completed: 2, failed: 1, skipped: 2 },
    });
    expect(result.stages.get('further')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'broken', status: 'failed' } });
  });

  test('[162] best-effort completes, degraded, where every wanted output exists, and fails where one does not', async () => {
    expect((await run('best-effort', 'aside')).result).toMatchObject({ status: 'completed', degraded: true, outputs: { aside: 'aside' } });
    expect((await run('best-effort', 'further')).result).toMatchObject({ status: 'failed', outputs: { aside: 'aside' } });
  });
});

test('[163] the summary counts how stages ended and lists the failures in the order of the plan', async () => {
  const clock = virtualClock();
  const late = stage('late', { run: () => clock.sleep(20).then(() => Promise.reject(new Error('late'))) });
  const early = stage('early', { run: () => Promise.reject(new Error('early')) });
  const fine = [1, 2, 3, 4].map((index) => stage(`fine-${index}`, { run: () => index }));
  const p = pipeline('p', {
    outputs: { late, early, ...Object.fromEntries(fine.map((each) => [each.name, each])) },
    failureMode: 'continue',
  });
  const run = await clock.settle(p.run({}, { clock }));

  expect(run.counts).toEqual({ completed: 4, skipped: 0, failed: 2, blocked: 0, cancelled: 0 });
  expect(run.counts.completed / run.stages.size).toBeCloseTo(0.667, 3);
  expect(run.errors.map(({ path }) => path)).toEqual(['late', 'early']);
});

describe('conditions', () => {
  const { flag } = inputs<{ flag: unknown }>();

  test.each([
    [true, 'completed'],
    [false, 'skipped'],
  ])('[165] a condition that answers %s leaves its stage %s', async (answer, status) => {
    const it = stage('it', { needs: { flag }, when: (values) => values.flag as boolean, run: () => 1 });
    expect((await pipeline('p', { outputs: { it } }).run({ flag: answer })).stages.get('it')?.status).toBe(status);
  });

  test.each([['yes'], [1], [undefined], [Promise.resolve(true)]])(
    '[165] a condition that answers %s fails its stage, which does not run',
    async (answer) => {
      let ran = false;
      const it = stage('it', {
        needs: { flag },
        when: (values) => values.flag as boolean,
        run: () => {
          ran = true;
        },
      });
      const run = await pipeline('p', { outputs: { it } }).run({ flag: answer });

      expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_WHEN_INVALID', path: 'it' } });
      expect(ran).toBe(false);
    },
  );

  test('[165] a condition that throws fails its stage, and a reader of its outcome knows', async () => {
    const it = stage('it', {
      when: () => {
        throw new Error('no flag');
      },
      run: () => 1,
    });
    const seen = stage('seen', { needs: { it: settled(it) }, run: ({ it: outcome }) => outcome.status });

    expect(await pipeline('p', { outputs: { seen } }).run({})).toMatchObject({ status: 'completed', outputs: { seen: 'failed' } });
  });
});
