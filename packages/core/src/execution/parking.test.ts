import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { branch } from '../branch.ts';
import { suspend } from '../control.ts';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { settled } from '../edge.ts';
import { fallback } from '../fallback.ts';
import { guard, pass, review } from '../guard.ts';
import { guarded } from '../guarded.ts';
import { inputs } from '../inputs.ts';
import { loop } from '../loop.ts';
import { map } from '../map.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import { race } from '../race.ts';
import { route } from '../route.ts';
import type { SuspendedRun } from '../run.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import { subpipeline } from '../subpipeline.ts';
import { Parking } from './parking.ts';
import type { Scope } from './scope.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const number = anything as Schema<unknown, number>;
const { list } = inputs<{ list: readonly number[] }>();

/** A runtime on virtual time, and a log of what was called. */
function host(made: RegisteredPipeline): { readonly runtime: Runtime; readonly clock: ReturnType<typeof virtualClock> } {
  const clock = virtualClock();
  return { clock, runtime: createRuntime({ pipelines: [made], services: {}, store: memoryRunStore(), clock, makeId: () => 'r' }) };
}

async function openPaths(runtime: Runtime): Promise<readonly string[]> {
  return (await runtime.waits()).map(({ path }) => path);
}

describe('a run that waits inside', () => {
  test('items of a map rests once all of them wait or have ended, and yields the results in their order', async () => {
    const called: string[] = [];
    const items = map('items', list, (item) => {
      const before = stage('before', { needs: { item }, run: ({ item }) => called.push(`before ${item}`) });
      return stage('ask', {
        needs: { item, before },
        run: ({ item }, { answer }) => {
          called.push(`ask ${item}`);
          if (item === 2) return 'free';
          return answer(anything) ?? suspend({ item });
        },
      });
    });
    const made = pipeline('p', { outputs: { items } });
    const { runtime, clock } = host(made);
    const run = await clock.settle(runtime.run(made, { list: [1, 2, 3] }));
    expect(run.status).toBe('suspended');
    expect(await openPaths(runtime)).toEqual(['items[0]/ask', 'items[2]/ask']);
    await runtime.decide('r/items[2]/ask#answer', 'third');
    expect((await clock.settle(runtime.resume('r'))).status).toBe('suspended');
    await runtime.decide('r/items[0]/ask#answer', 'first');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { items: ['first', 'free', 'third'] } });
    expect(called.filter((call) => call.startsWith('before')).length).toBe(3);
    expect(called.filter((call) => call === 'ask 2').length).toBe(1);
  });

  test('items of a map with little concurrency rests on those that have begun', async () => {
    const items = map(
      'items',
      list,
      (item) => stage('ask', { needs: { item }, run: (_, { answer }) => answer(anything) ?? suspend('?') }),
      { concurrency: 1 },
    );
    const made = pipeline('p', { outputs: { items } });
    const { runtime, clock } = host(made);
    await clock.settle(runtime.run(made, { list: [1, 2] }));
    expect(await openPaths(runtime)).toEqual(['items[0]/ask']);
    await runtime.decide('r/items[0]/ask#answer', 'a');
    await clock.settle(runtime.resume('r'));
    expect(await openPaths(runtime)).toEqual(['items[1]/ask']);
    await runtime.decide('r/items[1]/ask#answer', 'b');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ outputs: { items: ['a', 'b'] } });
  });

  test('a run with one slot goes on with others while one waits: a wait holds no slot', async () => {
    const ask = stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const made = pipeline('p', { outputs: { ask, other: stage('other', { run: async () => 1 }) }, maxConcurrency: 1 });
    const { runtime, clock } = host(made);
    expect(await clock.settle(runtime.run(made, {}))).toMatchObject({ status: 'suspended', outputs: { other: 1 } });
  });

  test('a nested pipeline', async () => {
    const inner = pipeline('inner', { outputs: { ask: stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('?') }) } });
    const made = pipeline('p', { outputs: { sub: subpipeline('sub', inner, {}) } });
    const { runtime, clock } = host(made);
    await clock.settle(runtime.run(made, {}));
    await runtime.decide('r/sub/ask#answer', 'yes');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { sub: { ask: 'yes' } } });
  });

  test('the guard of a guarded draft: a no sends it back, a yes lets it pass', async () => {
    const drafts: unknown[] = [];
    const made = pipeline('p', {
      outputs: {
        text: guarded(
          'text',
          (feedback) => {
            const draft = stage('draft', {
              needs: { feedback },
              run: ({ feedback }) => {
                drafts.push(feedback?.reason);
                return `draft ${feedback === undefined ? 1 : feedback.attempt + 1}`;
              },
            });
            return guard('check', { subject: draft, check: () => review('good?') });
          },
          { attempts: 3 },
        ),
      },
    });
    const { runtime, clock } = host(made);
    await clock.settle(runtime.run(made, {}));
    const [first] = await runtime.waits();
    await runtime.decide(String(first?.waitId), { approved: false, reason: 'too long' });
    expect((await clock.settle(runtime.resume('r'))).status).toBe('suspended');
    const [second] = await runtime.waits();
    expect(second?.path).not.toBe(first?.path);
    await runtime.decide(String(second?.waitId), { approved: true });
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { text: 'draft 2' } });
    expect(drafts).toEqual([undefined, 'too long']);
  });

  test('turns of a loop', async () => {
    const { start } = inputs<{ start: number }>();
    const made = pipeline('p', {
      outputs: {
        sum: loop(
          'sum',
          start,
          (state) =>
            stage('add', {
              needs: { state },
              run: ({ state }, { answer }) => (answer(number) === undefined ? suspend(state) : state + (answer(number) ?? 0)),
            }),
          {
            until: (state) => state >= 10,
            maxTurns: 5,
          },
        ),
      },
    });
    const { runtime, clock } = host(made);
    await clock.settle(runtime.run(made, { start: 0 }));
    for (let turn = 0; turn < 2; turn++) {
      const [wait] = await runtime.waits();
      await runtime.decide(String(wait?.waitId), 5);
      await clock.settle(runtime.resume('r'));
    }
    expect(await runtime.waits()).toEqual([]);
    await expect(runtime.resume('r')).rejects.toMatchObject({ details: { why: 'it has ended as completed' } });
  });

  test('the arm of a branch', async () => {
    const way = route('way', { run: () => 'left' as 'left' | 'right' });
    const left = stage('left', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const made = pipeline('p', { outputs: { chosen: branch('chosen', way, { left, right: stage('right', { run: () => 'right' }) }) } });
    const { runtime, clock } = host(made);
    await clock.settle(runtime.run(made, {}));
    await runtime.decide('r/left#answer', 'from left');
    const run = await clock.settle(runtime.resume('r'));
    expect(run).toMatchObject({ status: 'completed', outputs: { chosen: 'from left' } });
    expect(run.stages.get('right')?.status).toBe('skipped');
  });

  test('an alternative of a fallback, which a failure leads to', async () => {
    const fails = stage('fails', {
      run: () => {
        throw new Error('no');
      },
    });
    const human = stage('human', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const made = pipeline('p', { outputs: { value: fallback('value', fails, human) } });
    const { runtime, clock } = host(made);
    expect(await clock.settle(runtime.run(made, {}))).toMatchObject({ status: 'suspended', errors: [{ code: 'SF_STAGE_FAILED' }] });
    await runtime.decide('r/human#answer', 'by hand');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({
      status: 'completed',
      outputs: { value: 'by hand' },
      errors: [{ path: 'fails' }],
    });
  });

  test('a racer is withdrawn when another one is first', async () => {
    const ask = stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const made = pipeline('p', {
      outputs: { first: race('first', ask, stage('timer', { run: () => clock.sleep(30).then(() => 'timer') })) },
    });
    const { runtime, clock } = host(made);
    const run = await clock.settle(runtime.run(made, {}));
    expect(run).toMatchObject({ status: 'completed', outputs: { first: 'timer' } });
    expect(run.stages.get('ask')?.status).toBe('skipped');
    expect(run.elapsedMs).toBe(30);
    expect(await runtime.waits()).toEqual([]);
  });

  test('behind a reader that takes whatever comes', async () => {
    const ask = stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
    const made = pipeline('p', { outputs: { said: stage('said', { needs: { ask: settled(ask) }, run: ({ ask }) => ask.status }) } });
    const { runtime, clock } = host(made);
    await clock.settle(runtime.run(made, {}));
    await runtime.decide('r/ask#answer', 1);
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ outputs: { said: 'completed' } });
  });
});

describe('a stage that calls one that waits', () => {
  const ask = stage('ask', { needs: { list }, run: ({ list }, { answer }) => answer(anything) ?? suspend({ list }) });

  test('gets the answer where it comes while the run lives', async () => {
    const made = pipeline('p', {
      outputs: {
        agent: stage('agent', { run: (_, { call }) => call(ask, { list: [1] }) }),
        slow: stage('slow', { run: () => clock.sleep(50) }),
      },
    });
    const { runtime, clock } = host(made);
    const running = runtime.run(made, {});
    await clock.advance(10);
    await runtime.decide('r/agent/ask#answer', 'yes');
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { agent: 'yes' } });
  });

  test('is called again when the run is resumed, and its finished calls are not', async () => {
    const called: string[] = [];
    const tool = stage('tool', { needs: { list }, run: ({ list }) => called.push(`tool ${list}`) });
    const agent = stage('agent', {
      run: async (_, { call }) => {
        called.push('agent');
        const found = await call(tool, { list: [7] }, { key: 'look' });
        const said = await call(ask, { list: [found] }, { key: 'ask' });
        return `${said} after ${found}`;
      },
    });
    const made = pipeline('p', { outputs: { agent } });
    const { runtime, clock } = host(made);
    expect((await clock.settle(runtime.run(made, {}))).status).toBe('suspended');
    expect(await openPaths(runtime)).toEqual(['agent[ask]/ask']);
    await runtime.decide('r/agent[ask]/ask#answer', 'yes');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { agent: 'yes after 2' } });
    expect(called).toEqual(['agent', 'tool 7', 'agent']);
  });

  test('may call several at once: the run rests when all of them wait, and goes on with each answer', async () => {
    const agent = stage('agent', {
      run: (_, { call }) => Promise.all(['a', 'b'].map((key) => call(ask, { list: [] }, { key }))),
    });
    const made = pipeline('p', { outputs: { agent } });
    const { runtime, clock } = host(made);
    await clock.settle(runtime.run(made, {}));
    expect(await openPaths(runtime)).toEqual(['agent[a]/ask', 'agent[b]/ask']);
    await runtime.decide('r/agent[b]/ask#answer', 'B');
    expect((await clock.settle(runtime.resume('r'))).status).toBe('suspended');
    await runtime.decide('r/agent[a]/ask#answer', 'A');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { agent: ['A', 'B'] } });
  });

  test('is taken to do nothing else: what its body does beside does not keep the run from resting', async () => {
    const ends: string[] = [];
    const agent = stage('agent', {
      run: async (_, { call }) => {
        const asked = call(ask, { list: [] });
        await clock.sleep(40);
        ends.push('slept');
        return asked;
      },
    });
    const made = pipeline('p', { outputs: { agent } });
    const { runtime, clock } = host(made);
    const running = runtime.run(made, {});
    await clock.advance(10);
    expect((await running).status).toBe('suspended');
    await runtime.decide('r/agent/ask#answer', 'yes');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { agent: 'yes' } });
    expect(ends).toEqual(['slept', 'slept']);
  });

  test('through another stage rests, too, and waits in its own body beside that', async () => {
    const middle = stage('middle', { needs: { list }, run: (_, { call }) => call(ask, { list: [1] }) });
    const agent = stage('agent', {
      run: async (_, { call, waitFor }) => Promise.all([call(middle, { list: [] }), waitFor('go', { schema: anything })]),
    });
    const made = pipeline('p', { outputs: { agent }, also: { slow: stage('slow', { run: () => clock.sleep(30) }) } });
    const { runtime, clock } = host(made);
    const running = runtime.run(made, {});
    await clock.advance(10);
    await runtime.deliver('r', 'go', 'gone');
    expect(await clock.settle(running)).toMatchObject({ status: 'suspended', waits: [{ path: 'agent/middle/ask' }] });
    await runtime.decide('r/agent/middle/ask#answer', 'yes');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { agent: ['yes', 'gone'] } });
  });

  test('that fails meanwhile leaves nothing that keeps the run from resting later', async () => {
    const fails = stage('fails', {
      needs: { list },
      run: async () => {
        await clock.sleep(5);
        throw new Error('no');
      },
    });
    const agent = stage('agent', {
      onFailure: 'skip',
      run: async (_, { call }) => Promise.all([call(ask, { list: [] }), call(fails, { list: [] })]),
    });
    const after = stage('after', {
      after: [stage('late', { run: () => clock.sleep(20) })],
      run: (_, { answer }) => answer(anything) ?? suspend('?'),
    });
    const made = pipeline('p', { outputs: { after }, also: { agent } });
    const { runtime, clock } = host(made);
    const run = await clock.settle(runtime.run(made, {}));
    expect(run).toMatchObject({ status: 'suspended', stages: expect.anything() });
    expect(run.elapsedMs).toBe(20);
    expect((run as SuspendedRun<unknown>).waits.map(({ path }) => path)).toContain('after');
    await runtime.decide('r/after#answer', 'yes');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { after: 'yes' } });
  });

  test('that times out while it waits is aborted', async () => {
    const agent = stage('agent', { timeoutMs: 20, run: (_, { call }) => call(ask, { list: [] }) });
    const made = pipeline('p', { outputs: { agent }, also: { slow: stage('slow', { run: () => clock.sleep(100) }) } });
    const { runtime, clock } = host(made);
    expect(await clock.settle(runtime.run(made, {}))).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' } });
    expect(await runtime.waits()).toEqual([]);
  });
});

describe('a run does not rest', () => {
  const ask = stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('?') });

  test('while a stage is between two attempts', async () => {
    const flaky = stage('flaky', {
      retry: { attempts: 2, baseMs: 30, jitter: 'none' },
      run: (_, { attempt }) => {
        if (attempt === 1) throw new Error('once');
        return 'at last';
      },
    });
    const made = pipeline('p', { outputs: { ask, flaky } });
    const { runtime, clock } = host(made);
    expect(await clock.settle(runtime.run(made, {}))).toMatchObject({ status: 'suspended', outputs: { flaky: 'at last' } });
  });

  test('while a guard judges', async () => {
    const check = guard('check', {
      subject: list,
      check: async () => {
        await clock.sleep(30);
        return pass();
      },
    });
    const made = pipeline('p', { outputs: { ask, check } });
    const { runtime, clock } = host(made);
    expect(await clock.settle(runtime.run(made, { list: [1] }))).toMatchObject({ status: 'suspended', outputs: { check: [1] } });
  });

  test('where it is cancelled: it ends, and its waits are withdrawn', async () => {
    const made = pipeline('p', { outputs: { ask }, also: { slow: stage('slow', { run: (_, { signal }) => clock.sleep(100, signal) }) } });
    const { runtime, clock } = host(made);
    const handle = runtime.start(made, {});
    await clock.advance(10);
    handle.cancel('enough');
    expect(await clock.settle(handle.result)).toMatchObject({ status: 'cancelled', reason: 'enough' });
    expect(await runtime.waits()).toEqual([]);
  });
});

describe('Parking', () => {
  const scope = (caller?: { scope: Scope; index: number }): Scope => ({ caller }) as unknown as Scope;

  test('counts a call once, however many waits it stands behind, and its callers with it', () => {
    const parking = new Parking();
    const outer = scope();
    const inner = scope({ scope: outer, index: 1 });
    parking.busy = 2;
    parking.park(inner, 0);
    parking.park(inner, 0);
    expect(parking.busy).toBe(0);
    parking.unpark(inner, 0);
    expect(parking.busy).toBe(0);
    parking.unpark(inner, 0);
    expect(parking.busy).toBe(2);
  });

  test('a call that is over counts as it did, and a wait of it that ends later changes nothing', () => {
    const parking = new Parking();
    const outer = scope();
    const inner = scope({ scope: outer, index: 1 });
    parking.busy = 2;
    parking.park(inner, 0);
    parking.leave(inner, 0);
    expect(parking.busy).toBe(2);
    parking.leave(inner, 0);
    parking.unpark(inner, 0);
    parking.leave(outer, 1);
    expect(parking.busy).toBe(2);
  });

  test('a call that stands behind two waits is over at once', () => {
    const parking = new Parking();
    const alone = scope();
    parking.busy = 1;
    parking.park(alone, 3);
    parking.park(alone, 3);
    parking.leave(alone, 3);
    expect(parking.busy).toBe(1);
  });
});
