import {
  block,
  branch,
  cancel,
  firstOf,
  guard,
  type Needs,
  optional,
  pipeline,
  route,
  type Stage,
  settled,
  skip,
  stage,
} from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';

type Way = 'a' | 'b';

/** A route that takes `ms` and then goes `way`. */
function wayOf({ clock }: ReturnType<typeof timedStages>, way: Way, ms = 100) {
  return route('way', { run: async (_, { signal }): Promise<Way> => clock.sleep(ms, signal).then(() => way) });
}

describe('a branch', () => {
  test('starts the arm that the route chose, when it has chosen, and yields what that yields', async () => {
    const timed = timedStages();
    const reply = branch('reply', wayOf(timed, 'b'), { a: timed.takes('left', 10), b: timed.takes('right', 10) });
    const { run, starts } = await timed.see(pipeline('p', { outputs: { reply } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { reply: 'right' }, elapsedMs: 110 });
    expect(starts).toEqual({ way: 0, reply: 100, right: 100 });
  });

  test('skips what is reached only through the other arms, and says why', async () => {
    const timed = timedStages();
    const { takes } = timed;
    const far = takes('far', 10);
    const left = takes('left', 10, { near: takes('near', 10, { far }) });
    const reply = branch('reply', wayOf(timed, 'b'), { a: left, b: takes('right', 10) });
    const { run, ends, events } = await timed.see(pipeline('p', { outputs: { reply } }));
    expect(ends).toMatchObject({ far: 'skipped', near: 'skipped', left: 'skipped' });
    for (const name of ['far', 'near', 'left']) {
      expect(run.stages.get(name)?.outcome).toEqual({ status: 'skipped', reason: '"reply" took "b"' });
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'stage.skipped', stage: name, attempt: 0, reason: '"reply" took "b"' }),
      );
    }
    expect(run.counts).toEqual({ completed: 3, skipped: 3, failed: 0, blocked: 0, cancelled: 0 });
  });

  test('starts what only the chosen arm needs when the branch starts, and once', async () => {
    const timed = timedStages();
    const { takes } = timed;
    const slow = takes('slow', 50);
    const left = takes('left', 10, { one: takes('one', 5, { slow }), two: takes('two', 5, { slow }) });
    const reply = branch('reply', wayOf(timed, 'a'), { a: left, b: takes('right', 10) });
    const { starts, run } = await timed.see(pipeline('p', { outputs: { reply } }));
    expect(starts).toEqual({ way: 0, reply: 100, slow: 100, one: 150, two: 150, left: 155 });
    expect(run.stages.get('slow')?.attempts).toBe(1);
  });

  test.each(['a', 'b'] as const)('starts what both arms need once, when it has chosen %s', async (way) => {
    const timed = timedStages();
    const { takes } = timed;
    const both = takes('both', 20);
    const reply = branch('reply', wayOf(timed, way), { a: takes('left', 10, { both }), b: takes('right', 10, { both }) });
    const { starts, ends } = await timed.see(pipeline('p', { outputs: { reply } }));
    const [chosen, other] = way === 'a' ? ['left', 'right'] : ['right', 'left'];
    expect(starts).toEqual({ way: 0, reply: 100, both: 100, [chosen as string]: 120 });
    expect(ends).toMatchObject({ [other as string]: 'skipped', both: 'completed' });
  });

  test('does not hold back what something else wants as well', async () => {
    const timed = timedStages();
    const { takes } = timed;
    const shared = takes('shared', 20);
    const left = takes('left', 10, { shared });
    const reply = branch('reply', wayOf(timed, 'b'), { a: left, b: takes('right', 10) });
    const { starts, ends } = await timed.see(pipeline('p', { outputs: { reply, other: takes('other', 1, { shared }) } }));
    expect(starts).toMatchObject({ shared: 0, other: 20 });
    expect(ends).toMatchObject({ shared: 'completed', left: 'skipped' });
  });

  test('keeps the path of an arm when something else reads it too, and then does not gate it', async () => {
    const timed = timedStages();
    const { takes } = timed;
    const left = takes('left', 10);
    const reply = branch('reply', wayOf(timed, 'b'), { a: left, b: takes('right', 10) });
    const gated = await timed.see(pipeline('p', { outputs: { reply } }));
    const read = await timed.see(pipeline('p', { outputs: { reply, also: takes('also', 1, { left }) } }));
    expect(gated.ends['left']).toBe('skipped');
    expect(read.ends['left']).toBe('completed');
    expect(read.starts).toMatchObject({ left: 0, also: 10 });
    expect(read.run.outputs).toEqual({ reply: 'right', also: 'also' });
  });

  test('does not gate an arm that something only waits for, or whose outcome it reads', async () => {
    const timed = timedStages();
    const left = timed.takes('left', 10);
    const reply = branch('reply', wayOf(timed, 'b'), { a: left, b: timed.takes('right', 10) });
    for (const reader of [
      stage('reader', { after: [left], run: () => 1 }),
      stage('reader', { needs: { it: settled(left) }, run: () => 1 }),
    ]) {
      const { starts } = await timed.see(pipeline('p', { outputs: { reply, reader } }));
      expect(starts).toMatchObject({ left: 0, reader: 10 });
    }
  });

  test('gates what stands behind a firstOf, an after and a route of its arms as well', async () => {
    const timed = timedStages();
    const { takes } = timed;
    const inner = route('inner', { run: () => 'x' as const });
    const one = takes('one', 10);
    const two = takes('two', 10);
    const left = stage('left', { needs: { it: firstOf(one, two) }, after: [takes('before', 10)], when: inner.is('x'), run: () => 'left' });
    const reply = branch('reply', wayOf(timed, 'a'), { a: left, b: takes('right', 10) });
    const { starts, run } = await timed.see(pipeline('p', { outputs: { reply } }));
    expect(run.outputs).toEqual({ reply: 'left' });
    expect(starts).toMatchObject({ one: 100, two: 100, before: 100, inner: 100, left: 110 });
  });

  test('does not gate what is wanted for its effect, or as one of several outputs', async () => {
    const timed = timedStages();
    const [left, right] = [timed.takes('left', 10), timed.takes('right', 10)];
    const reply = branch('reply', wayOf(timed, 'b'), { a: left, b: right });
    const { starts } = await timed.see(pipeline('p', { outputs: { reply, one: firstOf(left, right) } }));
    expect(starts).toMatchObject({ left: 0, right: 0 });
    expect((await timed.see(pipeline('p', { outputs: { reply }, also: { left } }))).starts).toMatchObject({ left: 0, right: 100 });
  });

  test('may have one stage for several arms', async () => {
    const timed = timedStages();
    const same = timed.takes('same', 10);
    const reply = branch('reply', wayOf(timed, 'b'), { a: same, b: same });
    const { run } = await timed.see(pipeline('p', { outputs: { reply } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { reply: 'same' } });
  });

  test('decides again for each arm that is a branch', async () => {
    const timed = timedStages();
    const { takes } = timed;
    const inner = route('inner', { run: () => 'x' as 'x' | 'y' });
    const nested = branch('nested', inner, { x: takes('deep', 10), y: takes('deeper', 10) });
    const reply = branch('reply', wayOf(timed, 'a'), { a: nested, b: takes('right', 10) });
    const taken = await timed.see(pipeline('p', { outputs: { reply } }));
    expect(taken.run.outputs).toEqual({ reply: 'deep' });
    expect(taken.starts).toEqual({ way: 0, reply: 100, inner: 100, nested: 100, deep: 100 });

    const left = branch('reply', wayOf(timed, 'b'), { a: nested, b: takes('right', 10) });
    const skipped = await timed.see(pipeline('p', { outputs: { left } }));
    expect(skipped.run.outputs).toEqual({ left: 'right' });
    for (const name of ['nested', 'inner']) expect(skipped.run.stages.get(name)?.outcome).toMatchObject({ reason: '"reply" took "b"' });
    for (const name of ['deep', 'deeper']) {
      expect(skipped.run.stages.get(name)?.outcome).toMatchObject({ status: 'skipped', reason: '"nested" did not ask for it' });
    }
  });

  test('waits for its route as any reader does', async () => {
    const outcomeBehind = async (way: Stage): Promise<unknown> => {
      const arms = { a: stage('left', { run: () => 1 }), b: stage('right', { run: () => 2 }) };
      const reply = branch('reply', way as ReturnType<typeof wayOf>, arms);
      const run = await pipeline('p', { outputs: { reply }, failureMode: 'continue' }).run({} as never);
      expect(run.stages.get('left')?.outcome).toMatchObject({ status: 'skipped', reason: '"reply" did not ask for it' });
      return run.stages.get('reply')?.outcome;
    };
    const unsure = route('way', { run: () => skip('unsure') as unknown as Way });
    const broken = route('way', { run: () => Promise.reject<Way>(new Error('no')) });
    expect(await outcomeBehind(unsure)).toEqual({ status: 'skipped', reason: '"way" was skipped', rootCause: undefined });
    expect(await outcomeBehind(broken)).toMatchObject({ status: 'skipped', rootCause: { stage: 'way', status: 'failed' } });
  });

  test('fails where the route chose what it has no arm for, and starts none', async () => {
    const way = route('way', { run: () => 'c' as Way });
    const reply = branch('reply', way, { a: stage('left', { run: () => 1 }), b: stage('right', { run: () => 2 }) });
    const run = await pipeline('p', { outputs: { reply } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_ROUTE_INVALID', path: 'reply' } });
    expect(run.stages.get('left')?.outcome).toMatchObject({ status: 'skipped', reason: '"reply" took "c"' });
  });
});

describe('a branch whose arm has no value', () => {
  const armed = (arm: Stage, more: Needs = {}, failureMode: 'fail-fast' | 'continue' = 'continue') => {
    const way = route('way', { run: () => 'a' as Way });
    const reply = branch('reply', way, { a: arm, b: stage('right', { run: () => 2 }) });
    const reader = stage('reader', { needs: { reply }, run: () => 1 });
    return pipeline('p', { outputs: { reader, ...more }, failureMode }).run({} as never);
  };

  test('is skipped as the arm was', async () => {
    const run = await armed(stage('left', { run: () => skip('nothing to say') }));
    expect(run.stages.get('reply')?.outcome).toEqual({ status: 'skipped', reason: 'nothing to say' });
    expect(run.stages.get('reader')?.outcome).toMatchObject({ status: 'skipped', reason: '"reply" was skipped' });
    expect(run).toMatchObject({ status: 'completed', outputs: { reader: undefined } });
  });

  test.each(['fail-fast', 'continue'] as const)(
    'has the failure of the arm as its root cause, and fails the run once, in %s',
    async (mode) => {
      const run = await armed(stage('left', { run: () => Promise.reject(new Error('no')) }), {}, mode);
      expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', path: 'left' } });
      expect(run.errors).toHaveLength(1);
      for (const name of ['reply', 'reader']) {
        expect(run.stages.get(name)?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'left', status: 'failed' } });
      }
    },
  );

  test.each(['fail-fast', 'continue'] as const)('has the block of a guard as its root cause, and blocks the run, in %s', async (mode) => {
    const subject = stage('subject', { run: () => 'x' });
    const run = await armed(guard('left', { subject, check: () => block('rude') }), {}, mode);
    expect(run).toMatchObject({ status: 'blocked', blockedBy: 'left', reason: 'rude' });
    expect(run.stages.get('reply')?.outcome).toMatchObject({ rootCause: { stage: 'left', status: 'blocked' } });
  });

  test('keeps the root cause of what failed before the arm', async () => {
    const before = stage('before', { run: () => Promise.reject(new Error('no')) });
    const run = await armed(stage('left', { needs: { before }, run: () => 1 }));
    expect(run.stages.get('reply')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'before', status: 'failed' } });
    expect(run).toMatchObject({ status: 'failed', error: { path: 'before' } });
  });

  test('stops the run where the arm asks for it', async () => {
    const run = await armed(stage('left', { run: () => cancel('enough') }));
    expect(run).toMatchObject({ status: 'cancelled', reason: 'enough', cancelledBy: 'left' });
    expect(run.stages.get('reply')?.outcome).toMatchObject({ status: 'cancelled' });
  });

  test('does not fail the run where a settled reader takes it into account, and says so of the arm', async () => {
    const { see } = timedStages();
    const way = route('way', { run: () => 'a' as Way });
    const left = stage('left', {
      run: (): number => {
        throw new Error('no');
      },
    });
    const reply = branch('reply', way, { a: left, b: stage('right', { run: () => 2 }) });
    const report = stage('report', { needs: { reply: settled(reply) }, run: ({ reply }) => reply.status });
    const { run, events } = await see(pipeline('p', { outputs: { report } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { report: 'skipped' } });
    expect(run.errors).toHaveLength(1);
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', stage: 'left', handled: true }));
  });
});

test('an arm that is aborted ends the branch as cancelled', async () => {
  const timed = timedStages();
  const reply = branch('reply', wayOf(timed, 'a', 0), { a: timed.takes('left', 1_000), b: timed.takes('right', 10) });
  const { run, ends } = await timed.see(pipeline('p', { outputs: { reply } }), {}, { deadlineMs: 50 });
  expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' }, elapsedMs: 50 });
  expect(timed.aborted).toEqual(['left']);
  expect(ends).toMatchObject({ left: 'cancelled', reply: 'cancelled', right: 'skipped' });
});

test('an arm that ignores its signal is named when the grace has passed', async () => {
  const timed = timedStages();
  const reply = branch('reply', wayOf(timed, 'a', 0), { a: timed.hangs('left'), b: timed.takes('right', 10) });
  const { run } = await timed.see(pipeline('p', { outputs: { reply } }), {}, { deadlineMs: 50, graceMs: 30 });
  expect(run).toMatchObject({ status: 'failed', elapsedMs: 80, unsettled: ['left'] });
});

test('an optional reader of a branch reads undefined where the arm was skipped', async () => {
  const way = route('way', { run: () => 'a' as Way });
  const reply = branch('reply', way, { a: stage('left', { run: () => skip('none') }), b: stage('right', { run: () => 2 }) });
  const reader = stage('reader', { needs: { reply: optional(reply) }, run: ({ reply }) => reply ?? 'nothing' });
  expect((await pipeline('p', { outputs: { reader } }).run({})).outputs).toEqual({ reader: 'nothing' });
});

test('2,000 branches inside each other neither overflow nor start early, taken or not', async () => {
  for (const way of ['a', 'b'] as const) {
    const choice = route('way', { run: () => way as Way });
    let nested: Stage<unknown> = stage('innermost', { run: () => 'innermost' }) as Stage<unknown>;
    const other = stage('other', { run: () => 'other' });
    for (let depth = 2_000; depth > 0; depth--) nested = branch(`branch ${depth}`, choice, { a: nested, b: other }) as Stage<unknown>;
    const run = await pipeline('p', { outputs: { nested } }).run({} as never);
    expect(run).toMatchObject({ status: 'completed', outputs: { nested: way === 'a' ? 'innermost' : 'other' } });
    expect(run.counts.completed).toBe(way === 'a' ? 2_002 : 3);
  }
});
