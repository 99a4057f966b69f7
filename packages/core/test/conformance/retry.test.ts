import { pipeline, type RetryPolicy, stage } from '@stageflow/core';
import { planJson } from '@stageflow/core/plan';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

const always = () => true;

/** Runs a stage that throws `error` at each call; what it waited after each, how often it was called. */
async function failing(
  retry: RetryPolicy,
  { error = new Error('no'), random = () => 0.5 }: { error?: unknown; random?: () => number } = {},
) {
  const clock = virtualClock();
  const sink = recordingSink();
  const broken = stage('broken', { retry, run: () => Promise.reject(error) });
  const run = await clock.settle(pipeline('p', { outputs: { broken } }).run({}, { clock, random, sinks: [sink] }));
  return { run, waits: sink.of('attempt.failed').flatMap(({ retryInMs }) => retryInMs ?? []), calls: run.stages.get('broken')?.attempts };
}

test('[134] a timeout is a policy of the stage, has no default, is overridden by configure(), and leaves no timer behind', async () => {
  const clock = virtualClock();
  const slow = stage('slow', { timeoutMs: 100, graceMs: 0, run: () => clock.sleep(500).then(() => 'done') });
  const unlimited = stage('unlimited', { run: () => clock.sleep(3_600_000).then(() => 'done') });
  const p = pipeline('p', { outputs: { slow } });

  expect(await clock.settle(p.run({}, { clock }))).toMatchObject({
    status: 'failed',
    error: { code: 'SF_STAGE_TIMEOUT', details: { timeoutMs: 100 } },
  });
  await clock.runAll();
  expect(await clock.settle(p.configure({ slow: { timeoutMs: 501 } }).run({}, { clock }))).toMatchObject({ outputs: { slow: 'done' } });
  expect(clock.pending).toBe(0);
  expect(await clock.settle(pipeline('q', { outputs: { unlimited } }).run({}, { clock }))).toMatchObject({
    outputs: { unlimited: 'done' },
  });
  expect(clock.pending).toBe(0);
});

test('[140] by default there are three attempts, 100 ms at first, 30 s at most, exponential, with full jitter', async () => {
  const broken = stage('broken', { retry: {}, run: () => 1 });

  expect(planJson(pipeline('p', { outputs: { broken } }).plan).stages[0]?.retry).toEqual({
    attempts: 3,
    backoff: 'exponential',
    baseMs: 100,
    maxMs: 30_000,
    jitter: 'full',
  });
  expect(await failing({}, { random: () => 0.5 })).toMatchObject({ calls: 3, waits: [50, 100] });
});

describe('waits', () => {
  test.each<[string, RetryPolicy, number[]]>([
    ['exponential', { backoff: 'exponential', baseMs: 1000 }, [1000, 2000, 4000]],
    ['linear', { backoff: 'linear', baseMs: 1000 }, [1000, 2000, 3000]],
    ['constant', { backoff: 'constant', baseMs: 1000 }, [1000, 1000, 1000]],
    ['capped', { baseMs: 10_000, maxMs: 15_000 }, [10_000, 15_000, 15_000]],
  ])('[141] without jitter, %s, are those of the formula', async (_, policy, waits) => {
    const { run, ...told } = await failing({ attempts: 4, jitter: 'none', ...policy });

    expect(told.waits).toEqual(waits);
    expect(run.elapsedMs).toBe(waits.reduce((sum, wait) => sum + wait));
  });

  test('[142] with full jitter lie between nothing and the wait and vary, with equal jitter in its upper half', async () => {
    const drawn = (jitter: 'full' | 'equal', at: number) =>
      failing({ attempts: 2, backoff: 'constant', baseMs: 1000, jitter }, { random: () => at }).then(({ waits }) => waits[0]);
    const at = [0, 0.25, 0.5, 0.999];

    expect(await Promise.all(at.map((random) => drawn('full', random)))).toEqual([0, 250, 500, 999]);
    expect(await Promise.all(at.map((random) => drawn('equal', random)))).toEqual([500, 625, 750, 999.5]);
  });
});

describe('whether to go on', () => {
  test('[143] a failure worth another attempt gets one while attempts are left, and one that is not ends the stage', async () => {
    const policy: RetryPolicy = { attempts: 3, baseMs: 1, jitter: 'none' };

    expect(await failing(policy)).toMatchObject({ calls: 3, waits: [1, 2], run: { status: 'failed' } });
    expect(await failing(policy, { error: Object.assign(new Error('bad request'), { status: 400 }) })).toMatchObject({
      calls: 1,
      waits: [],
    });
    expect(await failing(policy, { error: Object.assign(new Error('never'), { retryable: false }) })).toMatchObject({
      calls: 1,
      waits: [],
    });
    expect(await failing({ attempts: 1 })).toMatchObject({ calls: 1, waits: [] });
  });

  test("[144] a classifier of one's own takes the place of the default", async () => {
    const limited = Object.assign(new Error('slow down'), { status: 429 });
    const refused = Object.assign(new Error('bad request'), { status: 400 });
    const onlyRefused = (error: unknown) => error === refused;
    const policy: RetryPolicy = { attempts: 2, baseMs: 0 };

    expect((await failing(policy, { error: limited })).calls).toBe(2);
    expect((await failing(policy, { error: refused })).calls).toBe(1);
    expect((await failing({ ...policy, when: onlyRefused }, { error: limited })).calls).toBe(1);
    expect((await failing({ ...policy, when: onlyRefused }, { error: refused })).calls).toBe(2);
  });

  test('[145] an error can say how long to wait, up to the cap, and an unavailable service is worth another attempt', async () => {
    const policy: RetryPolicy = { attempts: 2, baseMs: 10, maxMs: 5_000, jitter: 'none' };
    const told = (more: object) => failing(policy, { error: Object.assign(new Error('later'), more) }).then(({ waits }) => waits);

    expect(await told({ status: 503 })).toEqual([10]);
    expect(await told({ status: 429, retryAfter: 2 })).toEqual([2_000]);
    expect(await told({ status: 429, headers: { 'Retry-After': '3' } })).toEqual([3_000]);
    expect(await told({ retryAfterMs: 60_000 })).toEqual([5_000]);
    expect(await told({ retryAfterMs: -1 })).toEqual([10]);
    expect((await failing({ ...policy, when: always }, { error: 'text' })).waits).toEqual([10]);
  });
});
