import {
  block,
  branch,
  cancel,
  fallback,
  guard,
  pass,
  pipeline,
  type RunOptions,
  route,
  type Stage,
  settled,
  skip,
  stage,
} from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';

const none = stage('none', { run: () => skip('none in stock') });
const broken = stage('broken', {
  run: (): string => {
    throw new Error('broken');
  },
});
const alsoBroken = stage('also broken', {
  run: (): string => {
    throw new Error('also broken');
  },
});
const whole = stage('whole', { run: () => 'whole' });

function endOf(region: Stage, options: RunOptions = {}) {
  return pipeline('p', { outputs: { region } }).run({} as never, options as never);
}

describe('a fallback', () => {
  test('yields what the first alternative yields, and does not start the others', async () => {
    const { takes, see } = timedStages();
    const second = takes('second', 10, { before: takes('before', 10) });
    const price = fallback('price', takes('first', 50), second);
    const { run, starts } = await see(pipeline('p', { outputs: { price } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { price: 'first' }, elapsedMs: 50 });
    expect(starts).toEqual({ first: 0, price: 0 });
    for (const name of ['second', 'before']) {
      expect(run.stages.get(name)?.outcome).toEqual({ status: 'skipped', reason: '"price" did not ask for it' });
    }
  });

  test('starts the next, and what only that needs, when the one before has failed', async () => {
    const { takes, fails, see } = timedStages();
    const second = takes('second', 10, { before: takes('before', 10) });
    const price = fallback('price', fails('first', 50), second);
    const { run, starts, events } = await see(pipeline('p', { outputs: { price } }));
    expect(run).toMatchObject({ status: 'completed', degraded: false, outputs: { price: 'second' }, elapsedMs: 70 });
    expect(starts).toEqual({ first: 0, price: 0, before: 50, second: 60 });
    expect(run.errors.map(({ path }) => path)).toEqual(['first']);
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', stage: 'first', handled: true }));
  });

  test('starts the next when the one before was skipped', async () => {
    expect(await endOf(fallback('f', none, whole))).toMatchObject({ status: 'completed', outputs: { region: 'whole' }, errors: [] });
  });

  test('makes up for what an alternative has behind it', async () => {
    const { takes, fails, see } = timedStages();
    const first = takes('first', 10, { before: fails('before', 10) });
    const { run, starts } = await see(pipeline('p', { outputs: { price: fallback('price', first, takes('second', 10)) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { price: 'second' } });
    expect(run.stages.get('first')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'before' } });
    expect(starts).toMatchObject({ second: 10 });
  });

  test('does not start an alternative early, but reads one at once that something else wanted', async () => {
    const { takes, fails, see } = timedStages();
    const second = takes('second', 10);
    const price = fallback('price', fails('first', 50), second);
    const { run, starts } = await see(pipeline('p', { outputs: { price, other: takes('other', 10, { second }) } }));
    expect(run).toMatchObject({ outputs: { price: 'second', other: 'other' }, elapsedMs: 50 });
    expect(starts).toMatchObject({ second: 0, other: 10 });
  });

  test.each(['fail-fast', 'continue', 'best-effort'] as const)('ends as the last where none has a value, in %s', async (failureMode) => {
    const failed = await endOf(fallback('f', none, broken, alsoBroken), { failureMode });
    expect(failed).toMatchObject({ status: 'failed', error: { path: 'also broken' } });
    expect(failed.stages.get('f')?.outcome).toMatchObject({ status: 'failed', error: { path: 'also broken' } });
    expect(failed.errors.map(({ path }) => path)).toEqual(['broken', 'also broken']);

    const skipped = await endOf(fallback('f', broken, none), { failureMode });
    expect(skipped).toMatchObject({ status: 'completed', outputs: { region: undefined } });
    expect(skipped.stages.get('f')?.outcome).toEqual({ status: 'skipped', reason: 'none in stock' });
  });

  test('fails by what its last alternative had behind it', async () => {
    const last = stage('last', { needs: { broken }, run: () => 'last' });
    const run = await endOf(fallback('f', none, last));
    expect(run).toMatchObject({ status: 'failed', error: { path: 'broken' } });
    expect(run.stages.get('f')?.outcome).toMatchObject({ status: 'failed', error: { path: 'broken' } });
  });

  test('that has failed is the root cause of what reads it', async () => {
    const f = fallback('f', broken, alsoBroken);
    const reader = stage('reader', { needs: { f }, run: () => 1 });
    const run = await pipeline('p', { outputs: { reader }, failureMode: 'continue' }).run({});
    expect(run.stages.get('reader')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'f', status: 'failed' } });
    expect(run.errors).toHaveLength(2);
  });

  test('that has failed is handled where a settled reader looks at it', async () => {
    const { see } = timedStages();
    const f = fallback('f', broken, alsoBroken);
    const report = stage('report', { needs: { f: settled(f) }, run: ({ f }) => f.status });
    const { run, events } = await see(pipeline('p', { outputs: { report } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { report: 'failed' } });
    const failures = events.filter(({ type }) => type === 'stage.failed');
    expect(failures.map((event) => 'stage' in event && [event.stage, 'handled' in event && event.handled])).toEqual([
      ['broken', true],
      ['also broken', true],
      ['f', true],
    ]);
  });

  test('says of its last alternative that the failure is handled, and of itself that it is not', async () => {
    const { see } = timedStages();
    const { events } = await see(pipeline('p', { outputs: { f: fallback('f', broken, alsoBroken) } }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', stage: 'also broken', handled: true }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', stage: 'f', handled: false }));
  });

  test('does not answer a cancel with another alternative', async () => {
    const run = await endOf(fallback('f', stage('first', { run: () => cancel('enough') }), whole));
    expect(run).toMatchObject({ status: 'cancelled', cancelledBy: 'first' });
    expect(run.stages.get('whole')?.status).toBe('cancelled');
  });

  test('fails the run where an alternative is wanted by itself as well', async () => {
    const run = await pipeline('p', { outputs: { f: fallback('f', broken, whole), broken } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { path: 'broken' } });
  });
});

describe('a guard as an alternative', () => {
  const subject = stage('subject', { run: () => 'x' });

  test('is a plan error: a block is not answered with something else', () => {
    const strict = guard('strict', { subject, check: () => block('no') });
    expect(() => pipeline('p', { outputs: { f: fallback('f', strict, whole) } })).toThrow(/SF_GUARD_TOLERATED|fallback\(\)/);
    expect(() => pipeline('p', { outputs: { f: fallback('f', whole, strict) } })).toThrow(/fallback\(\)/);
  });

  test('is allowed where it is failOpen', async () => {
    const open = guard('open', { subject, failOpen: true, check: () => pass() });
    expect(await endOf(fallback('f', open, whole))).toMatchObject({ status: 'completed', outputs: { region: 'x' } });
  });
});

describe('a fallback around other regions', () => {
  test('takes the next where a branch came to a failing arm', async () => {
    const { takes, fails, see } = timedStages();
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const chosen = branch('chosen', way, { a: fails('left', 20), b: takes('right', 10) });
    const { run, starts, events } = await see(pipeline('p', { outputs: { f: fallback('f', chosen, takes('second', 10)) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { f: 'second' }, elapsedMs: 30 });
    expect(starts).toEqual({ way: 0, chosen: 0, f: 0, left: 0, second: 20 });
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', stage: 'left', handled: true }));
  });

  test('gates a branch that comes second, with its route and its arms', async () => {
    const { takes, fails, see } = timedStages();
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const chosen = branch('chosen', way, { a: takes('left', 20), b: takes('right', 10) });
    const { run, starts } = await see(pipeline('p', { outputs: { f: fallback('f', fails('first', 10), chosen) } }));
    expect(run).toMatchObject({ outputs: { f: 'left' } });
    expect(starts).toEqual({ first: 0, f: 0, way: 10, chosen: 10, left: 10 });
    const spared = await see(pipeline('p', { outputs: { f: fallback('f', takes('first', 10), chosen) } }));
    expect(spared.starts).toEqual({ first: 0, f: 0 });
  });
});

test('what a stopped run had asked for is cancelled, and what it had not is skipped', async () => {
  const { takes, fails, see, aborted } = timedStages();
  const f = fallback('f', fails('first', 10), takes('second', 1_000), takes('third', 10));
  const { ends } = await see(pipeline('p', { outputs: { f } }), {}, { deadlineMs: 50 });
  expect(aborted).toEqual(['second']);
  expect(ends).toEqual({ first: 'failed', second: 'cancelled', third: 'skipped', f: 'cancelled' });
});

test.each([true, false])('2,000 fallbacks inside each other do not overflow; asynchronous: %s', async (later) => {
  const fails = (name: string) => stage(name, { run: () => (later ? Promise.reject<string>(new Error('no')) : fail(name)) });
  const fail = (name: string): string => {
    throw new Error(name);
  };
  let first: Stage<string> = fails('innermost');
  for (let depth = 1; depth <= 2_000; depth++)
    first = fallback(`first ${depth}`, first, depth === 2_000 ? whole : fails(`second ${depth}`));
  const run = await endOf(first);
  expect(run).toMatchObject({ status: 'completed', outputs: { region: 'whole' } });
  expect(run.errors).toHaveLength(2_000);

  let last: Stage<string> = whole;
  for (let depth = 1; depth <= 2_000; depth++) last = fallback(`last ${depth}`, fails(`first ${depth}`), last);
  expect(await endOf(last)).toMatchObject({ status: 'completed', outputs: { region: 'whole' } });
});
