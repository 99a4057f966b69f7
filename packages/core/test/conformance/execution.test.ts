import {
  cancel,
  fail,
  inputs,
  optional,
  pipeline,
  retryLater,
  route,
  type Source,
  type Stage,
  services,
  skip,
  stage,
} from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

/** Stages that do the same and need nothing. */
function alike(count: number, run: (index: number) => unknown) {
  return Array.from({ length: count }, (_, index) => stage(`s${index}`, { run: () => run(index) }));
}

/** A pipeline that wants all of these. */
function all(stages: readonly (Source & { readonly name: string })[]) {
  return pipeline('all', { outputs: Object.fromEntries(stages.map((each) => [each.name, each])) });
}

describe('order', () => {
  test('[98] value and status of one stage stand under its name', async () => {
    const only = stage('only', { run: () => ({ n: 1 }) });
    const run = await pipeline('p', { outputs: { renamed: only } }).run({});

    expect(run.outputs).toEqual({ renamed: { n: 1 } });
    expect(run.stages.get('only')).toMatchObject({ status: 'completed', outcome: { status: 'completed', output: { n: 1 } } });
  });

  test.each([
    [3, 100],
    [50, 10],
  ])('[99] %i independent stages of %i ms take no longer than one', async (count, ms) => {
    const clock = virtualClock();
    const run = await clock.settle(all(alike(count, () => clock.sleep(ms))).run({}, { clock }));

    expect(run).toMatchObject({ status: 'completed', elapsedMs: ms, counts: { completed: count } });
  });

  test('[100] the stages of a chain start in its order', async () => {
    const order: string[] = [];
    const note = (name: string) => async () => void order.push(name);
    const a = stage('a', { run: note('a') });
    const b = stage('b', { needs: { a }, run: note('b') });
    const c = stage('c', { needs: { b }, run: note('c') });
    await pipeline('p', { outputs: { c } }).runOrThrow({});

    expect(order).toEqual(['a', 'b', 'c']);
  });

  test('[101] in a diamond the first stage runs first and the join last', async () => {
    const clock = virtualClock();
    const order: string[] = [];
    const note = (name: string, ms: number) => async () => {
      await clock.sleep(ms);
      order.push(name);
    };
    const top = stage('top', { run: note('top', 5) });
    const left = stage('left', { needs: { top }, run: note('left', 20) });
    const right = stage('right', { needs: { top }, run: note('right', 10) });
    const join = stage('join', { needs: { left, right }, run: note('join', 1) });
    const run = await clock.settle(pipeline('p', { outputs: { join } }).run({}, { clock }));

    expect(order).toEqual(['top', 'right', 'left', 'join']);
    expect(run.elapsedMs).toBe(26);
  });

  test('[121] chains of 20 and 100 and a fan-out of 30 complete with every stage', async () => {
    for (const length of [20, 100]) {
      let last: Stage<number, never, never> = stage('s0', { run: () => 1 });
      for (let index = 1; index < length; index++) last = stage(`s${index}`, { needs: { before: last }, run: ({ before }) => before + 1 });
      const run = await pipeline('chain', { outputs: { last } }).run({});
      expect(run.outputs).toEqual({ last: length });
      expect(run.stages.size).toBe(length);
    }
    const source = stage('source', { run: async () => 1 });
    const fan = Array.from({ length: 30 }, (_, index) => stage(`f${index}`, { needs: { source }, run: ({ source: one }) => one + index }));
    const run = await all(fan).run({});
    expect([run.counts.completed, Object.values(run.outputs)]).toEqual([31, Array.from({ length: 30 }, (_, index) => index + 1)]);
  });

  test('[122] all stages of a run count from the same start', async () => {
    const clock = virtualClock({ now: 7_000 });
    const starts: number[] = [];
    const first = stage('first', {
      run: async (_, context) => {
        await clock.sleep(10);
        starts.push(context.now() - context.elapsedMs);
      },
    });
    const second = stage('second', { needs: { first }, run: (_, context) => void starts.push(context.now() - context.elapsedMs) });
    await clock.settle(pipeline('p', { outputs: { second } }).run({}, { clock }));

    expect(starts).toEqual([7_000, 7_000]);
  });
});

describe('values', () => {
  test('[102] nothing, maps and nested values arrive as they were returned', async () => {
    const nested = { list: [{ deep: new Map([[1, { two: [3n] }]]) }], when: new Date(0) };
    const nothing = stage('nothing', { run: () => undefined });
    const none = stage('none', { run: () => null });
    const map = stage('map', { run: () => ({ a: 1 }) });
    const deep = stage('deep', { run: async () => nested });
    const { outputs } = await pipeline('p', { outputs: { nothing, none, map, deep } }).runOrThrow({});

    expect(outputs).toEqual({ nothing: undefined, none: null, map: { a: 1 }, deep: nested });
    expect(outputs.deep).toBe(nested);
  });

  test('[103] a stage reads the value of the stage it needs', async () => {
    const { name } = inputs<{ name: string }>();
    const greet = stage('greet', { needs: { name }, run: async ({ name: given }) => `Hello, ${given}` });
    const shout = stage('shout', { needs: { greet }, run: ({ greet: given }) => given.toUpperCase() });

    expect((await pipeline('p', { outputs: { shout } }).runOrThrow({ name: 'Ada' })).outputs.shout).toBe('HELLO, ADA');
  });

  test('[106] what the host provides reaches the stage, and is neither copied nor frozen', async () => {
    const store = { rows: [] as string[] };
    const { store: asked } = services<{ store: typeof store }>();
    const save = stage('save', { needs: { store: asked }, run: ({ store: own }) => own.rows.push('row') });
    await pipeline('p', { outputs: { save } }).runOrThrow({}, { services: { store } });

    expect(store.rows).toEqual(['row']);
  });
});

describe('failing', () => {
  const caught = new TypeError('no such row');
  const broken = stage('broken', { run: () => Promise.reject(caught) });

  test('[110] a stage that returns a failure fails the run, which names it', async () => {
    const refuses = stage('refuses', { run: () => fail(caught) });
    const p = pipeline('p', { outputs: { refuses } });

    expect(await p.run({})).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', path: 'refuses', cause: caught } });
    await expect(p.runOrThrow({})).rejects.toMatchObject({ path: 'refuses' });
  });

  test('[111] a stage that throws fails the run, which names it and keeps type and message of what was thrown', async () => {
    const run = await pipeline('p', { outputs: { broken } }).run({});

    expect(run).toMatchObject({ status: 'failed', error: { path: 'broken', message: 'Stage "broken" failed: TypeError: no such row.' } });
    expect(run.errors[0]?.cause).toBe(caught);
  });

  test('[112] if one of two roots throws, the run fails, whichever it is', async () => {
    const fine = stage('fine', { run: async () => 1 });

    expect((await pipeline('p', { outputs: { fine, broken } }).run({})).status).toBe('failed');
    expect((await pipeline('p', { outputs: { broken, fine } }).run({})).status).toBe('failed');
    expect((await pipeline('p', { outputs: { fine } }).run({})).status).toBe('completed');
  });

  test('[120] a stage that asks to be called again fails without a retry policy', async () => {
    const busy = stage('busy', { run: () => retryLater(new Error('busy')) });
    const run = await pipeline('p', { outputs: { busy } }).run({});

    expect(run).toMatchObject({ status: 'failed', error: { path: 'busy', cause: { message: 'busy' } } });
    expect(run.stages.get('busy')).toMatchObject({ status: 'failed', attempts: 1 });
  });
});

describe('cancelling', () => {
  test('[113] a stage that cancels stops the run: reason and canceller are kept, dependents never run, finished outputs stay', async () => {
    const first = stage('first', { run: () => 'kept' });
    const stop = stage('stop', { needs: { first }, run: () => cancel('closed') });
    let ran = false;
    const behind = stage('behind', {
      needs: { stop },
      run: () => {
        ran = true;
      },
    });
    const p = pipeline('p', { outputs: { first, behind } });
    const run = await p.run({});

    expect(run).toMatchObject({ status: 'cancelled', reason: 'closed', outputs: { first: 'kept' }, cancelledBy: 'stop' });
    expect([...run.stages.values()].map(({ status }) => status)).toEqual(['completed', 'cancelled', 'cancelled']);
    expect(ran).toBe(false);
    await expect(p.runOrThrow({})).rejects.toMatchObject({ code: 'SF_RUN_CANCELLED', details: { reason: 'closed' } });
  });

  test('[114] the needs of a stage that cancels have run before it', async () => {
    const clock = virtualClock();
    const order: string[] = [];
    const note = (name: string, ms: number) => async () => {
      await clock.sleep(ms);
      order.push(name);
    };
    const left = stage('left', { run: note('left', 20) });
    const right = stage('right', { run: note('right', 10) });
    const stop = stage('stop', {
      needs: { left, right },
      run: () => {
        order.push('stop');
        return cancel('closed');
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { stop } }).run({}, { clock }));

    expect(order).toEqual(['right', 'left', 'stop']);
    expect(run.counts).toMatchObject({ completed: 2, cancelled: 1 });
  });
});

describe('choosing', () => {
  const { text } = inputs<{ text: string }>();
  const intent = route('intent', { needs: { text }, run: ({ text: given }) => (given.startsWith('buy') ? 'order' : 'question') });
  const order = stage('order', { when: intent.is('order'), run: () => 'ordered' });
  const long = stage('long', { needs: { text }, when: ({ text: given }) => given.length > 5, run: ({ text: given }) => given.length });
  const reply = stage('reply', { needs: { order: optional(order), long: optional(long) }, run: ({ order: o, long: l }) => [o, l] });
  const p = pipeline('p', { outputs: { reply } });

  test('[117] a conditional stage runs when its condition holds, by route or by predicate', async () => {
    const run = await p.run({ text: 'buy milk' });

    expect(run.outputs).toEqual({ reply: ['ordered', 8] });
    expect(run.counts).toMatchObject({ completed: 4, skipped: 0 });
  });

  test('[118] a conditional stage whose condition does not hold is skipped with a reason, and the rest goes on', async () => {
    const run = await p.run({ text: 'why?' });

    expect(run).toMatchObject({ status: 'completed', outputs: { reply: [undefined, undefined] } });
    expect(run.stages.get('order')?.outcome).toEqual({ status: 'skipped', reason: '"intent" chose "question"' });
    expect(run.stages.get('long')?.outcome).toEqual({ status: 'skipped', reason: 'its condition was not met' });
    expect([run.stages.get('order')?.attempts, run.stages.get('intent')?.attempts]).toEqual([0, 1]);
  });

  test('[119] a stage that skips has ended skipped, and the run succeeds', async () => {
    const other = stage('other', { run: () => 1 });
    const left = stage('left', { run: () => skip('not today') });
    const run = await pipeline('p', { outputs: { other, left } }).run({});

    expect(run).toMatchObject({ status: 'completed', outputs: { other: 1, left: undefined } });
    expect(run.stages.get('left')).toMatchObject({ status: 'skipped', attempts: 1 });
  });
});

describe('telling', () => {
  test('[104] name and kind of a stage are told before it runs', async () => {
    const sink = recordingSink();
    const heard: string[] = [];
    const ask = stage('ask', {
      kind: 'agent',
      run: async () => {
        await null;
        heard.push(...sink.of('stage.started').map(({ stage: name, kind }) => `${name} ${kind}`));
      },
    });
    await pipeline('p', { outputs: { ask } }).run({}, { sinks: [sink] });

    expect(heard).toEqual(['ask agent']);
    const ofAsk = sink.events.filter((event) => 'stage' in event && event.stage === 'ask').map(({ type }) => type);
    expect(ofAsk).toEqual(['stage.started', 'stage.completed']);
  });

  test('[123] each stage has one last event, and the run exactly one, with name, counts and duration', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const stages = alike(3, (index) => clock.sleep(10 * (index + 1)));
    await clock.settle(all(stages).run({}, { clock, sinks: [sink] }));

    expect(sink.of('stage.completed').map(({ stage: name, durationMs }) => [name, durationMs])).toEqual([
      ['s0', 10],
      ['s1', 20],
      ['s2', 30],
    ]);
    expect(sink.of('run.created')).toMatchObject([{ stageCount: 3 }]);
    expect(sink.of('run.completed')).toMatchObject([
      { pipeline: 'all', durationMs: 30, degraded: false, counts: { completed: 3, skipped: 0, failed: 0, blocked: 0, cancelled: 0 } },
    ]);
  });
});
