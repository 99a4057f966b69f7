import { branch, fallback, map, pipeline, race, route, type Stage, settled, skip, stage, subpipeline } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';

const none = stage('none', { run: () => skip('none') });
const broken = stage('broken', {
  run: (): string => {
    throw new Error('broken');
  },
});

describe('a race', () => {
  test('yields what the first in time yields, aborts the others, and lets its readers start at once', async () => {
    const { takes, see, aborted } = timedStages();
    const answer = race('answer', takes('large', 500), takes('small', 100));
    const { run, starts, events } = await see(pipeline('p', { outputs: { mail: takes('mail', 10, { answer }) } }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 110 });
    expect(starts).toEqual({ large: 0, small: 0, answer: 0, mail: 100 });
    expect(aborted).toEqual(['large']);
    expect(run.stages.get('large')).toMatchObject({
      outcome: { status: 'skipped', reason: '"small" was first in "answer"' },
      durationMs: 100,
    });
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.skipped', stage: 'large', attempt: 1 }));
    expect(run.errors).toEqual([]);
  });

  test('aborts what only a loser needs, and does not start what of it is left', async () => {
    const { takes, see, aborted } = timedStages();
    const slow = takes('slow', 10, { before: takes('before', 500) });
    const { ends, run } = await see(pipeline('p', { outputs: { answer: race('answer', slow, takes('quick', 10)) } }));
    expect(aborted).toEqual(['before']);
    expect(ends).toEqual({ before: 'skipped', slow: 'skipped', quick: 'completed', answer: 'completed' });
    expect(run.elapsedMs).toBe(10);
  });

  test('leaves alone what something else wants as well', async () => {
    const { takes, see, aborted } = timedStages();
    const shared = takes('shared', 50);
    const answer = race('answer', takes('slow', 10, { shared }), takes('quick', 10));
    const { run } = await see(pipeline('p', { outputs: { answer, other: takes('other', 10, { shared }) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'quick', other: 'other' } });
    expect(aborted).toEqual([]);
    expect(run.stages.get('slow')?.status).toBe('skipped');
  });

  test('does not hold its readers back for a loser that ignores its signal, and names it', async () => {
    const { takes, hangs, see } = timedStages();
    const answer = race('answer', hangs('deaf'), takes('quick', 10));
    const { run, starts } = await see(pipeline('p', { outputs: { reader: takes('reader', 10, { answer }) } }), {}, { graceMs: 200 });
    expect(starts).toMatchObject({ reader: 10 });
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 210, unsettled: ['deaf'] });
    expect(run.stages.get('deaf')).toMatchObject({ unsettled: true, outcome: { status: 'skipped' } });
  });

  test('frees the slot of a loser', async () => {
    const { takes, hangs, see } = timedStages();
    const answer = race('answer', hangs('deaf'), takes('quick', 10));
    const last = takes('last', 10, { one: takes('one', 10, { answer }), two: takes('two', 10, { answer }) });
    const { run } = await see(pipeline('p', { outputs: { last } }), {}, { graceMs: 200, maxConcurrency: 2 });
    expect(run).toMatchObject({ status: 'completed', outputs: { last: 'last' } });
  });

  test('does not take a failure or a skip for a result', async () => {
    const { takes, fails, see } = timedStages();
    const answer = race('answer', fails('failing', 10), none, takes('slow', 50));
    const { run, events } = await see(pipeline('p', { outputs: { answer } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'slow' } });
    expect(run.errors.map(({ path }) => path)).toEqual(['failing']);
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.failed', stage: 'failing', handled: true }));
  });

  test('is decided by the first as written where all fail, whichever came first', async () => {
    const { fails, see } = timedStages();
    const { run } = await see(pipeline('p', { outputs: { answer: race('answer', fails('late', 50), fails('early', 10)) } }));
    expect(run).toMatchObject({ status: 'failed', error: { path: 'late' } });
    expect(run.errors.map(({ path }) => path)).toEqual(['late', 'early']);
  });

  test('fails rather than be skipped, and is skipped where all are', async () => {
    const run = await pipeline('p', { outputs: { answer: race('answer', none, broken) } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { path: 'broken' } });
    const skipped = await pipeline('p', { outputs: { answer: race('answer', none, stage('empty', { run: () => skip('empty') })) } }).run(
      {},
    );
    expect(skipped).toMatchObject({ status: 'completed', outputs: { answer: undefined } });
    expect(skipped.stages.get('answer')?.outcome).toMatchObject({ status: 'skipped' });
  });

  test('among synchronous alternatives is won by the first as written', async () => {
    let calls = 0;
    const one = stage('one', { run: () => ++calls });
    const two = stage('two', { run: () => ++calls });
    const run = await pipeline('p', { outputs: { answer: race('answer', one, two) } }).run({});
    expect(run.outputs).toEqual({ answer: 1 });
    expect(calls).toBe(1);
    expect(run.stages.get('two')).toMatchObject({ outcome: { status: 'skipped' }, attempts: 0 });
  });

  test('aborts a loser between two of its attempts', async () => {
    const { takes, clock, see } = timedStages();
    let calls = 0;
    const flaky = stage('flaky', {
      retry: { attempts: 9, baseMs: 40, backoff: 'constant', jitter: 'none' },
      run: (): Promise<string> => {
        calls++;
        return Promise.reject(new Error('not yet'));
      },
    });
    const { run, ends } = await see(pipeline('p', { outputs: { answer: race('answer', flaky, takes('quick', 50)) } }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 50 });
    expect(calls).toBe(2);
    expect(ends['flaky']).toBe('skipped');
    expect(clock.pending).toBe(0);
  });

  test('ends with the run: the racers are cancelled, not skipped', async () => {
    const { takes, see, aborted } = timedStages();
    const { ends } = await see(
      pipeline('p', { outputs: { answer: race('answer', takes('one', 500), takes('two', 500)) } }),
      {},
      { deadlineMs: 50 },
    );
    expect(aborted).toEqual(['one', 'two']);
    expect(ends).toEqual({ one: 'cancelled', two: 'cancelled', answer: 'cancelled' });
  });

  test('that failed is handled where a settled reader looks at it', async () => {
    const answer = race('answer', broken, none);
    const report = stage('report', { needs: { answer: settled(answer) }, run: ({ answer }) => answer.status });
    expect(await pipeline('p', { outputs: { report } }).run({})).toMatchObject({ status: 'completed', outputs: { report: 'failed' } });
  });
});

describe('a race of regions', () => {
  test('aborts the items of a map that lost', async () => {
    const { takes, see, clock } = timedStages();
    const list = stage('list', { run: () => [1, 2, 3] });
    const aborted: number[] = [];
    const many = map('many', list, (item) =>
      stage('each', {
        needs: { item },
        run: async ({ item }, { signal }) => {
          signal.addEventListener('abort', () => aborted.push(item));
          await clock.sleep(100 * item, signal);
          return item;
        },
      }),
    );
    const { run, ends } = await see(pipeline('p', { outputs: { answer: race('answer', many, takes('quick', 150)) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'quick' }, elapsedMs: 150 });
    expect(aborted).toEqual([2, 3]);
    expect(ends).toMatchObject({ 'many[0]/each': 'completed', 'many[1]/each': 'cancelled', 'many[2]/each': 'cancelled', many: 'skipped' });
    expect(run.stages.get('many')?.outcome).toMatchObject({ reason: '"quick" was first in "answer"' });
  });

  test('aborts what a map that lost has captured for itself alone', async () => {
    const { takes, see, aborted } = timedStages();
    const shared = takes('shared', 500, { before: takes('before', 5) });
    const kept = takes('kept', 80);
    const list = stage('list', { run: () => [1] });
    const many = map('many', list, (item) => stage('each', { needs: { item, shared, kept }, run: () => 'many' }));
    const answer = race('answer', many, takes('quick', 50));
    const { run, ends } = await see(pipeline('p', { outputs: { answer, kept } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'quick', kept: 'kept' }, elapsedMs: 80 });
    expect(aborted).toEqual(['shared']);
    expect(ends).toMatchObject({ before: 'completed', shared: 'skipped', 'many[0]/each': 'cancelled' });
  });

  test('of maps takes the whole of the one that is done first', async () => {
    const { clock, see } = timedStages();
    const list = stage('list', { run: () => [1, 2] });
    const waiting = (name: string, ms: number) =>
      map(name, list, (item) =>
        stage(`${name} item`, {
          needs: { item },
          run: ({ item }, { signal }) => clock.sleep(ms * item, signal).then(() => `${name} ${item}`),
        }),
      );
    const { run, ends } = await see(pipeline('p', { outputs: { answer: race('answer', waiting('slow', 60), waiting('quick', 50)) } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: ['quick 1', 'quick 2'] }, elapsedMs: 100 });
    expect(ends).toMatchObject({ slow: 'skipped', 'slow[0]/slow item': 'completed', 'slow[1]/slow item': 'cancelled' });
  });

  test.each(['race', 'fallback', 'branch', 'subpipeline'] as const)('aborts what a %s had asked for that lost', async (kind) => {
    const { takes, fails, see, aborted } = timedStages();
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const child = pipeline('child', { outputs: { deep: takes('deep', 500) } });
    const slow: { readonly [K in typeof kind]: Stage<unknown> } = {
      race: race('slow', takes('deep', 500), takes('deeper', 500)),
      fallback: fallback('slow', fails('at once', 0), takes('deep', 500)),
      branch: branch('slow', way, { a: takes('deep', 500), b: takes('deeper', 500) }),
      subpipeline: subpipeline('slow', child, {}),
    };
    const answer = race('answer', slow[kind] as Stage, takes('quick', 50));
    const { run } = await see(pipeline('p', { outputs: { answer } }));
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'quick' }, elapsedMs: 50 });
    expect(aborted).toEqual(kind === 'race' ? ['deep', 'deeper'] : ['deep']);
    expect(run.stages.get('slow')?.outcome).toEqual({ status: 'skipped', reason: '"quick" was first in "answer"' });
  });

  test('waits no longer than the grace for an item that ignores its signal', async () => {
    const { takes, see } = timedStages();
    const list = stage('list', { run: () => [1] });
    const deaf = map('deaf', list, (item) => stage('each', { needs: { item }, run: () => new Promise<string>(() => {}) }));
    const answer = race('answer', deaf, takes('quick', 10));
    const pipe = pipeline('p', { outputs: { reader: takes('reader', 10, { answer }) } });
    const { run, starts } = await see(pipe, {}, { graceMs: 200 });
    expect(starts).toMatchObject({ reader: 10 });
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 210, unsettled: ['deaf[0]/each'] });
  });
});

test('a race that starts when one of its alternatives has a value already is over at once', async () => {
  const { takes, see } = timedStages();
  const early = takes('early', 10);
  const late = takes('late', 10, { gate: takes('gate', 100) });
  const way = route('way', { needs: { wait: takes('wait', 50) }, run: () => 'a' as const });
  const answer = branch('answer', way, { a: race('raced', late, early) });
  const { run, starts, ends } = await see(pipeline('p', { outputs: { answer, other: takes('other', 1, { early }) } }));
  expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'early' }, elapsedMs: 50 });
  expect(starts).toMatchObject({ early: 0, other: 10, raced: 50 });
  expect(ends).toMatchObject({ late: 'skipped', gate: 'skipped' });
});

test('a race in an item is one of that item: the others go on', async () => {
  const { see, clock } = timedStages();
  const list = stage('list', { run: () => [10, 60] });
  const it = map('it', list, (ms) => {
    const racer = (name: string, late: number) =>
      stage(name, { needs: { ms }, run: ({ ms }, { signal }) => clock.sleep(Math.abs(ms - late), signal).then(() => name) });
    return race('first', racer('near 0', 0), racer('near 70', 70));
  });
  const { run, ends } = await see(pipeline('p', { outputs: { it } }));
  expect(run).toMatchObject({ status: 'completed', outputs: { it: ['near 0', 'near 70'] }, elapsedMs: 10 });
  expect(ends).toMatchObject({ 'it[0]/near 70': 'skipped', 'it[1]/near 0': 'skipped' });
});

test('a winner may need a loser, and a stage may be several alternatives', async () => {
  const { takes, see } = timedStages();
  const first = takes('first', 10);
  const second = takes('second', 10, { first });
  expect((await see(pipeline('p', { outputs: { answer: race('answer', second, first) } }))).run.outputs).toEqual({ answer: 'first' });
  expect((await see(pipeline('p', { outputs: { answer: race('answer', first, first) } }))).run.outputs).toEqual({ answer: 'first' });
  expect((await see(pipeline('p', { outputs: { answer: fallback('answer', first, first) } }))).run.outputs).toEqual({ answer: 'first' });
});

test('a loser whose work is done when its signal aborts is skipped all the same, its late value dropped', async () => {
  const { takes, see, clock } = timedStages();
  const stubborn = stage('stubborn', { run: () => clock.sleep(60).then(() => 'late') });
  const { run } = await see(pipeline('p', { outputs: { answer: race('answer', stubborn, takes('quick', 50)) } }));
  expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'quick' }, elapsedMs: 60, unsettled: [] });
  expect(run.stages.get('stubborn')).toMatchObject({ outcome: { status: 'skipped' }, unsettled: false });
});

test('a loser that waits for a slot never starts', async () => {
  const { takes, see } = timedStages();
  const answer = race('answer', takes('one', 10), takes('two', 10));
  const { run, ends, starts } = await see(pipeline('p', { outputs: { answer } }), {}, { maxConcurrency: 1 });
  expect(run.outputs).toEqual({ answer: 'one' });
  expect(ends).toEqual({ one: 'completed', two: 'skipped', answer: 'completed' });
  expect(starts).not.toHaveProperty('two');
});

test('an item that was given up holds no slot', async () => {
  const { takes, see } = timedStages();
  const list = stage('list', { run: () => [1] });
  const deaf = map('deaf', list, (item) => stage('each', { needs: { item }, run: () => new Promise<string>(() => {}) }));
  const pause = takes('pause', 500, { answer: race('answer', deaf, takes('quick', 10)) });
  const last = takes('last', 10, { one: takes('one', 10, { pause }), two: takes('two', 10, { pause }) });
  const { run, starts } = await see(pipeline('p', { outputs: { last } }), {}, { graceMs: 200, maxConcurrency: 2 });
  expect(run).toMatchObject({ status: 'completed', unsettled: ['deaf[0]/each'] });
  expect(starts).toMatchObject({ pause: 10, one: 510, two: 510, last: 520 });
});

test('a race of 2,000 is won by one', async () => {
  const { takes, see } = timedStages();
  const racers = Array.from({ length: 2_000 }, (_, at) => takes(`racer ${at}`, 2_000 - at)) as unknown as [Stage, Stage];
  const { run } = await see(pipeline('p', { outputs: { answer: race('answer', ...racers) } }));
  expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'racer 1999' }, elapsedMs: 1 });
  expect(run.counts).toMatchObject({ completed: 2, skipped: 1_999 });
});

test('2,000 races inside each other are lost without overflow, with what they raced', async () => {
  const { takes, see, aborted } = timedStages();
  let nested: Stage<string, never, never> = takes('innermost', 1_000);
  for (let depth = 1; depth <= 2_000; depth++) nested = race(`race ${depth}`, nested, takes(`other ${depth}`, 1_000));
  const { run } = await see(pipeline('p', { outputs: { answer: race('answer', nested, takes('quick', 10)) } }));
  expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'quick' }, elapsedMs: 10 });
  expect(aborted).toHaveLength(2_001);
  expect(run.counts).toMatchObject({ completed: 2, skipped: 4_001 });
});

test('2,000 races inside each other are won by the innermost', async () => {
  const { takes, see } = timedStages();
  let nested: Stage<string, never, never> = takes('innermost', 10);
  for (let depth = 1; depth <= 2_000; depth++) nested = race(`race ${depth}`, nested, takes(`other ${depth}`, 1_000));
  const { run } = await see(pipeline('p', { outputs: { nested } }));
  expect(run).toMatchObject({ status: 'completed', outputs: { nested: 'innermost' }, elapsedMs: 10 });
});

test('a stage that 5,000 alternatives need starts once, and is aborted when the last of them has lost', async () => {
  const { takes, see, aborted } = timedStages();
  const shared = takes('shared', 1_000);
  let nested: Stage<string, never, never> = takes('last', 10, { shared });
  for (let depth = 1; depth <= 5_000; depth++)
    nested = fallback(`fallback ${depth}`, takes(`first ${depth}`, 500), takes(`next ${depth}`, 10, { shared, nested }));
  const { run } = await see(
    pipeline('p', { outputs: { answer: race('answer', nested, takes('needy', 10, { shared }), takes('quick', 20)) } }),
  );
  expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'quick' }, elapsedMs: 20 });
  expect(aborted.filter((name) => name === 'shared')).toHaveLength(1);
});
