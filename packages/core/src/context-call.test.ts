import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { cancel, skip, suspend } from './control.ts';
import { memoryRunStore } from './durable/memory-run-store.ts';
import { isStageflowError, type StageflowError } from './errors.ts';
import type { RunOptions } from './execution/start-run.ts';
import { block, guard, pass } from './guard.ts';
import { inputs, services } from './inputs.ts';
import type { Interceptor } from './interceptor.ts';
import { loop } from './loop.ts';
import { map } from './map.ts';
import { pipeline } from './pipeline.ts';
import { race } from './race.ts';
import { route } from './route.ts';
import type { Run } from './run.ts';
import { createRuntime } from './runtime.ts';
import type { Schema } from './schema.ts';
import { type Stage, type StagePolicy, stage } from './stage.ts';
import type { StageContext } from './stage-context.ts';

const { city } = inputs<{ city: string }>();
const weather = stage('weather', { needs: { city }, run: ({ city }) => `sun in ${city}` });
const never = (): Promise<never> => new Promise(() => {});
const obedient = ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

type Act = (context: StageContext, clock: VirtualClock) => unknown;

/** Starts a run of one stage named `agent` that calls others, in virtual time. */
function start(act: Act, policy: StagePolicy = {}, options: RunOptions = {}, others: Readonly<Record<string, Stage>> = {}) {
  const clock = (options.clock as VirtualClock | undefined) ?? virtualClock();
  const sink = recordingSink();
  const controller = new AbortController();
  const agent = stage('agent', { ...policy, run: (_, context) => act(context, clock) });
  const settings = { clock, sinks: [sink], signal: controller.signal, graceMs: 100, random: () => 0.5, ...options };
  const started = pipeline('p', { outputs: { agent }, also: others }).run({} as never, settings as never) as Promise<Run>;
  return { clock, sink, controller, started };
}

async function run(act: Act, policy: StagePolicy = {}, options: RunOptions = {}) {
  const { clock, sink, started } = start(act, policy, options);
  const ended = await clock.settle(started);
  const { agent } = ended.outputs as { agent?: unknown };
  return { ended, sink, clock, agent, paths: [...ended.stages.keys()] };
}

/** What the failure of the caller began with. */
async function causeOf(act: Act, policy: StagePolicy = {}, options: RunOptions = {}): Promise<StageflowError> {
  const { ended } = await run(act, policy, options);
  const error = ended.status === 'failed' ? ended.error.cause : undefined;
  return isStageflowError(error) ? error : Promise.reject(new Error(`The run ended ${ended.status}.`));
}

describe('context.call()', () => {
  test('runs a stage below its caller, with a report, events and a path of its own', async () => {
    const { ended, sink, agent, paths } = await run(({ call }) => call(weather, { city: 'Rome' }));
    expect([agent, paths, ended.counts.completed]).toEqual(['sun in Rome', ['agent', 'agent/weather'], 2]);
    expect(ended.stages.get('agent/weather')).toMatchObject({ stage: 'weather', status: 'completed', attempts: 1, kind: 'transform' });
    expect(sink.events.flatMap((event) => ('path' in event ? [`${event.type} ${event.path}`] : []))).toEqual([
      'stage.started agent',
      'stage.started agent/weather',
      'stage.completed agent/weather',
      'stage.completed agent',
    ]);
  });

  test('gives the stage a context of its own: path, name, idempotency key', async () => {
    const look = stage('look', { run: (_, { path, stage, idempotencyKey, attempt }) => [path, stage, idempotencyKey, attempt] });
    const { agent } = await run(({ call }) => call(look, {}, { key: 'a' }), {}, { runId: 'r' });
    expect(agent).toEqual(['agent[a]/look', 'look', 'r/agent[a]/look', 1]);
  });

  test('tells calls apart by their keys, written so that they end where they seem to', async () => {
    const { paths } = await run(({ call }) => Promise.all(['a', 'b/c', '[x]', '#2'].map((key) => call(weather, { city: key }, { key }))));
    expect(paths).toEqual(['agent', 'agent[a]/weather', 'agent[b/c]/weather', 'agent[%5Bx%5D]/weather', 'agent[%232]/weather']);
  });

  test('counts calls of one stage that follow each other, and no path is given twice', async () => {
    const { paths, agent } = await run(async ({ call }) => {
      const first = await call(weather, { city: 'Rome' });
      const second = await call(weather, { city: 'Oslo' });
      const third = await call(weather, { city: 'Bonn' }, { key: '2' });
      return [first, second, third];
    });
    expect(agent).toEqual(['sun in Rome', 'sun in Oslo', 'sun in Bonn']);
    expect(paths).toEqual(['agent', 'agent/weather', 'agent[#2]/weather', 'agent[2]/weather']);
  });

  test('needs no keys for calls of different stages at once', async () => {
    const other = stage('other', { run: () => 'other' });
    const { agent } = await run(({ call }) => Promise.all([call(weather, { city: 'Rome' }), call(other, {})]));
    expect(agent).toEqual(['sun in Rome', 'other']);
  });

  test('refuses a second call of one stage without a key while the first is under way', async () => {
    const slow = (clock: VirtualClock) => stage('slow', { run: () => clock.sleep(10) });
    const act: Act = ({ call }, clock) => {
      const one = slow(clock);
      return Promise.all([call(one, {}), call(one, {})]);
    };
    const error = await causeOf(act);
    expect(error).toMatchObject({
      code: 'SF_CALL_INVALID',
      path: 'agent',
      details: { callee: 'slow', why: expect.stringContaining('need keys') },
    });
    const sequence: Act = async ({ call }, clock) => {
      const one = slow(clock);
      await call(one, {});
      await call(one, {});
      return 'fine';
    };
    expect((await run(sequence)).agent).toBe('fine');
  });

  test('has everything a stage has: retries, limits, a contract, a condition', async () => {
    let calls = 0;
    const shout: Schema<unknown, string> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: String(value).toUpperCase() }) },
    };
    const retried = stage('retried', {
      retry: { attempts: 3, baseMs: 10, jitter: 'none' },
      output: shout,
      run: () => (++calls < 3 ? Promise.reject(new Error('no')) : 'done'),
    });
    const first = await run(({ call }) => call(retried, {}));
    expect([first.agent, first.ended.stages.get('agent/retried')?.attempts, first.ended.elapsedMs]).toEqual(['DONE', 3, 30]);
    const slow = stage('slow', { timeoutMs: 50, run: (_, context) => obedient(context) });
    expect(await causeOf(({ call }) => call(slow, {}))).toMatchObject({ code: 'SF_STAGE_TIMEOUT', path: 'agent/slow' });
    const off = stage('off', { needs: { city }, when: ({ city }) => city === 'Rome', run: () => 'ran' });
    expect((await run(({ call }) => Promise.all(['Rome', 'Oslo'].map((key) => call(off, { city: key }, { key }))))).agent).toEqual([
      'ran',
      undefined,
    ]);
  });

  test('has interceptors around it as around any stage', async () => {
    const paths: string[] = [];
    const look: Interceptor = {
      name: 'look',
      stage: async ({ path }, next) => {
        paths.push(path);
        return next();
      },
    };
    await run(({ call }) => call(weather, { city: 'Rome' }), {}, { interceptors: [look] });
    expect(paths).toEqual(['agent', 'agent/weather']);
  });

  test('takes services as values, and hands them on as they are', async () => {
    const { model } = services<{ model: { ask(): string } }>();
    class Client {
      ask = () => 'answer';
    }
    const asks = stage('asks', { needs: { model }, run: ({ model }) => model.ask() });
    const agent = stage('agent', { needs: { model }, run: ({ model }, { call }) => call(asks, { model }) });
    const ended = await pipeline('p', { outputs: { agent } }).run({}, { services: { model: new Client() } });
    expect(ended.outputs).toEqual({ agent: 'answer' });
  });

  test('works in items of a map and turns of a loop', async () => {
    const { cities } = inputs<{ cities: string[] }>();
    const each = map('each', cities, (item) =>
      stage('agent', { needs: { item }, run: ({ item }, { call }) => call(weather, { city: item }) }),
    );
    const add = stage('add', { needs: { n: inputs<{ n: number }>().n }, run: ({ n }) => n + 1 });
    const zero = stage('zero', { run: () => 0 });
    const counted = loop('counted', zero, (n) => stage('turn', { needs: { n }, run: ({ n }, { call }) => call(add, { n }) }), {
      until: (n) => n === 2,
      maxTurns: 3,
    });
    const ended = await pipeline('p', { outputs: { each, counted } }).run({ cities: ['Rome', 'Oslo'] });
    expect(ended.outputs).toEqual({ each: ['sun in Rome', 'sun in Oslo'], counted: 2 });
    expect([...ended.stages.keys()].filter((path) => path.includes('/')).sort()).toEqual([
      'counted[1]/turn',
      'counted[1]/turn/add',
      'counted[2]/turn',
      'counted[2]/turn/add',
      'each[0]/agent',
      'each[0]/agent/weather',
      'each[1]/agent',
      'each[1]/agent/weather',
    ]);
  });

  test('runs under the slot of its caller: a limit of one does not lock it out', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { retry: { attempts: 2, baseMs: 5, jitter: 'none' }, run: () => clock.sleep(10).then(() => 'slow') });
    const nested = stage('nested', { run: (_, { call }) => call(slow, {}) });
    const agents = ['a', 'b'].map((name) => stage(name, { run: (_, { call }) => call(nested, {}) }));
    const made = pipeline('p', { outputs: { a: agents[0] as Stage<string>, b: agents[1] as Stage<string> } });
    const ended = await clock.settle(made.run({}, { clock, maxConcurrency: 1 }) as Promise<Run>);
    expect([ended.status, ended.outputs, ended.elapsedMs]).toEqual(['completed', { a: 'slow', b: 'slow' }, 20]);
  });
});

describe('how a called stage ends', () => {
  test('a failure is thrown, with its own path, and fails the caller that lets it through; it is listed once', async () => {
    const down = stage('down', { run: () => Promise.reject(new Error('no')) });
    const { ended } = await run(({ call }) => call(down, {}));
    expect(ended.status === 'failed' && ended.error).toMatchObject({
      code: 'SF_STAGE_FAILED',
      path: 'agent',
      cause: { path: 'agent/down' },
    });
    expect(ended.errors.map(({ path }) => path)).toEqual(['agent/down', 'agent']);
  });

  test('a failure that the caller catches fails nothing, and the event says that it is handled', async () => {
    const down = stage('down', { run: () => Promise.reject(new Error('no')) });
    const { ended, sink, agent } = await run(({ call }) => call(down, {}).catch(() => 'made do'));
    expect([ended.status, agent, ended.stages.get('agent/down')?.status]).toEqual(['completed', 'made do', 'failed']);
    expect(sink.last('stage.failed')).toMatchObject({ path: 'agent/down', handled: true });
  });

  test('a skip yields undefined', async () => {
    const off = stage('off', { run: () => skip('nothing to say') });
    const { agent, ended } = await run(async ({ call }) => [await call(off, {})]);
    expect([agent, ended.stages.get('agent/off')?.status]).toEqual([[undefined], 'skipped']);
  });

  test('a block is thrown as such, and lets nothing pass', async () => {
    const safe = guard('safe', { subject: city, check: ({ subject }) => (subject === 'Rome' ? pass() : block('not there')) });
    const passed = await run(({ call }) => call(safe, { subject: 'Rome' }));
    expect(passed.agent).toBe('Rome');
    const error = await causeOf(({ call }) => call(safe, { subject: 'Oslo' }));
    expect(error).toMatchObject({ code: 'SF_RUN_BLOCKED', details: { stage: 'agent/safe', reason: 'not there' } });
  });

  test('one that cancels the run cancels its caller too', async () => {
    const stop = stage('stop', { run: () => cancel('enough') });
    const { ended } = await run(({ call }) => call(stop, {}));
    expect([ended.status, ended.errors, ended.stages.get('agent')?.status]).toEqual(['cancelled', [], 'cancelled']);
  });
});

describe('a caller', () => {
  test('that is aborted aborts what it has called, and both are cancelled', async () => {
    const told: unknown[] = [];
    const slow = stage('slow', { run: (_, context) => obedient(context).catch((reason) => Promise.reject(told.push(reason) && reason)) });
    const { clock, controller, started } = start(({ call }) => call(slow, {}));
    await clock.advance(10);
    const reason = new Error('enough');
    controller.abort(reason);
    const ended = await clock.settle(started);
    expect([ended.status, told, ended.errors, ended.elapsedMs]).toEqual(['cancelled', [reason], [], 10]);
    expect(['agent', 'agent/slow'].map((path) => ended.stages.get(path)?.status)).toEqual(['cancelled', 'cancelled']);
  });

  test('and what it calls that both ignore the signal are given up together, after one grace', async () => {
    const deaf = stage('deaf', { run: never });
    const { clock, controller, started, sink } = start(({ call }) => call(deaf, {}));
    await clock.advance(10);
    controller.abort();
    const ended = await clock.settle(started);
    expect([ended.status, ended.elapsedMs, ended.unsettled, clock.pending]).toEqual(['cancelled', 110, ['agent', 'agent/deaf'], 0]);
    expect(sink.events.map(({ seq }, at) => seq - at)).toEqual(sink.events.map(() => 1));
  });

  test('that ends leaves nothing under way: what it has not waited for is aborted', async () => {
    const slow = stage('slow', { run: (_, context) => obedient(context) });
    const { ended, clock } = await run(({ call }) => {
      void call(slow, {});
      return 'done';
    });
    expect([ended.status, ended.stages.get('agent')?.status, ended.stages.get('agent/slow')?.status]).toEqual([
      'completed',
      'completed',
      'cancelled',
    ]);
    expect(clock.pending).toBe(0);
  });

  test('that fails beside a call under way leaves nothing under way either', async () => {
    const slow = stage('slow', { run: (_, context) => obedient(context) });
    const { ended } = await run(({ call }) => {
      void call(slow, {});
      throw new Error('no');
    });
    expect([ended.status, ended.stages.get('agent/slow')?.status]).toEqual(['failed', 'cancelled']);
  });

  test('that times out aborts what it has called', async () => {
    const slow = stage('slow', { run: (_, context) => obedient(context) });
    const { ended } = await run(({ call }) => call(slow, {}), { timeoutMs: 50 });
    expect([ended.status === 'failed' && ended.error.code, ended.stages.get('agent/slow')?.status, ended.elapsedMs]).toEqual([
      'SF_STAGE_TIMEOUT',
      'cancelled',
      50,
    ]);
  });

  test('that has lost a race aborts what it has called', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { run: (_, context) => obedient(context) });
    const agent = stage('agent', { timeoutMs: 1_000, run: (_, { call }) => call(slow, {}) });
    const fast = stage('fast', { run: () => clock.sleep(20).then(() => 'fast') });
    const made = pipeline('p', { outputs: { first: race('first', agent, fast) } });
    const ended = await clock.settle(made.run({}, { clock }) as Promise<Run>);
    expect([ended.status, ended.outputs, ended.elapsedMs]).toEqual(['completed', { first: 'fast' }, 20]);
    expect(['agent', 'agent/slow'].map((path) => ended.stages.get(path)?.status)).toEqual(['skipped', 'cancelled']);
  });
});

describe('a caller that is tried again', () => {
  const again: StagePolicy = { retry: { attempts: 3, baseMs: 0, jitter: 'none' } };

  test('gets what it has called already at once: finished calls are not made again', async () => {
    const called = vi.fn((key: string) => key);
    const once = stage('once', { needs: { city }, run: ({ city }) => called(city) });
    let attempts = 0;
    const { agent, paths } = await run(async ({ call, attempt }) => {
      const keyed = await call(once, { city: 'Rome' }, { key: 'a' });
      const plain = await call(once, { city: 'Oslo' });
      const second = await call(once, { city: 'Bonn' });
      if (++attempts < 3) throw new Error('no');
      return [attempt, keyed, plain, second];
    }, again);
    expect([agent, called.mock.calls.length]).toEqual([[3, 'Rome', 'Oslo', 'Bonn'], 3]);
    expect(paths).toEqual(['agent', 'agent[a]/once', 'agent/once', 'agent[#2]/once']);
  });

  test('makes a call that failed anew; what is reported is the last', async () => {
    let calls = 0;
    const flaky = stage('flaky', { run: () => (++calls === 1 ? Promise.reject(new Error('no')) : 'done') });
    const { ended, agent, paths } = await run(({ call }) => call(flaky, {}), again);
    expect([agent, paths, ended.stages.get('agent/flaky')?.status]).toEqual(['done', ['agent', 'agent/flaky'], 'completed']);
    expect([ended.counts.failed, ended.errors]).toEqual([0, []]);
  });

  test('takes over a call that is under way', async () => {
    let calls = 0;
    let attempts = 0;
    const { ended, agent } = await run(({ call }, clock) => {
      slow ??= stage('slow', {
        run: () => {
          calls++;
          return clock.sleep(30).then(() => 'slow');
        },
      });
      const under = call(slow, {});
      if (++attempts === 1) throw new Error('no');
      return under;
    }, again);
    expect([agent, calls, ended.elapsedMs]).toEqual(['slow', 1, 30]);
  });
  let slow: Stage<string, never, never, Record<never, never>> | undefined;

  test('is told of a key that names two calls of one attempt, whatever was remembered', async () => {
    const key = { key: 'k' };
    const error = await causeOf(
      async ({ call, attempt }) => {
        await call(weather, { city: 'Rome' }, key);
        if (attempt === 1) throw new Error('once more');
        return call(weather, { city: 'Oslo' }, key);
      },
      { retry: { attempts: 2, baseMs: 0 } },
    );
    expect(error).toMatchObject({ code: 'SF_CALL_INVALID', details: { why: 'its key names a call of it with other values already' } });
  });

  test('has its calls without keys told apart as before: one that is taken over is under way', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { run: () => clock.sleep(30) });
    const act: Act = ({ call, attempt }) => {
      const under = call(slow, {});
      if (attempt === 1) throw new Error('once more');
      return Promise.all([under, call(slow, {})]);
    };
    const { started } = start(act, { retry: { attempts: 2, baseMs: 0 } }, { clock });
    const ended = await clock.settle(started);
    expect(ended.status === 'failed' && ended.error.cause).toMatchObject({ code: 'SF_CALL_INVALID' });
  });

  /** Its first call ends 80 ms after it began, whatever its signal says; the caller gives it up at 50 ms. */
  const stubborn = (times: number[]) => {
    const clock = virtualClock();
    const callee = stage('stubborn', {
      run: async (_, { signal }) => {
        times.push(clock.monotonic());
        await clock.sleep(times.length === 1 ? 80 : 10);
        signal.throwIfAborted();
        return 'done';
      },
    });
    return start(({ call }) => call(callee, {}), { ...again, timeoutMs: 50, graceMs: 0 }, { clock });
  };

  test('does not take over a call that was aborted with the attempt before: it is made anew when that has settled', async () => {
    const times: number[] = [];
    const { clock, started } = stubborn(times);
    const ended = await clock.settle(started);
    expect([ended.outputs, times, ended.elapsedMs]).toEqual([{ agent: 'done' }, [0, 80], 90]);
    expect(ended.stages.get('agent/stubborn')?.status).toBe('completed');
  });

  test.each<[string | undefined, number[], string]>([
    ['k', [0, 80], 'completed'],
    [undefined, [0], 'SF_CALL_INVALID'],
  ])('makes one call anew where it is asked for twice, with key %s; without one the second is refused', async (key, expected, end) => {
    const clock = virtualClock();
    const times: number[] = [];
    const callee = stage('stubborn', {
      run: async () => {
        times.push(clock.monotonic());
        await clock.sleep(times.length === 1 ? 80 : 10);
      },
    });
    const act: Act = ({ call, attempt }) =>
      attempt === 1 ? call(callee, {}, { key }) : Promise.all([call(callee, {}, { key }), call(callee, {}, { key })]);
    const { started } = start(act, { retry: { attempts: 2, baseMs: 0, jitter: 'none' }, timeoutMs: 50, graceMs: 0 }, { clock });
    const ended = await clock.settle(started);
    expect(times).toEqual(expected);
    expect(ended.status === 'failed' ? (ended.error.cause as StageflowError).code : ended.status).toBe(end);
    expect(ended.stages.size).toBe(2);
  });

  test('makes no call anew when the run was stopped meanwhile', async () => {
    const times: number[] = [];
    const { clock, started, controller } = stubborn(times);
    await clock.advance(60);
    controller.abort(new Error('enough'));
    const ended = await clock.settle(started);
    expect([ended.status, times, ended.elapsedMs]).toEqual(['cancelled', [0], 80]);
  });

  test.each<[string, (attempt: number) => { readonly callee: Stage; readonly city: string }, string, string]>([
    [
      'other values',
      (attempt) => ({ callee: weather, city: `city ${attempt}` }),
      'made with {"city":"city 1"}',
      'made with {"city":"city 2"}',
    ],
    [
      'another stage',
      (attempt) => ({ callee: attempt === 1 ? weather : stage('other', { needs: { city }, run: () => 1 }), city: 'Rome' }),
      'a call of "weather"',
      'a call of "other"',
    ],
  ])('must not repeat a call with %s', async (_, of, expected, received) => {
    const act: Act = async ({ call, attempt }) => {
      const { callee, city } = of(attempt);
      await call(callee as typeof weather, { city }, { key: 'k' });
      throw new Error('once more');
    };
    const { ended } = await run(act, { retry: { attempts: 2, baseMs: 0, jitter: 'none' } });
    expect(ended.status === 'failed' && ended.error.cause).toMatchObject({
      code: 'SF_NONDETERMINISTIC',
      path: 'agent',
      attempt: 2,
      details: { stage: 'agent', call: 'agent[k]', expected, received },
    });
  });

  test('must not call when the attempt was given up: it is told why', async () => {
    const late: Promise<unknown>[] = [];
    const called = vi.fn(() => 1);
    const callee = stage('callee', { run: called });
    const act: Act = ({ call, attempt }, clock) => {
      if (attempt === 2) return clock.sleep(100).then(() => 'done');
      return clock.sleep(60).then(() => {
        late.push(call(callee, {}));
        return 'too late';
      });
    };
    const { ended } = await run(act, { timeoutMs: 50, graceMs: 0, retry: { attempts: 2, baseMs: 0, jitter: 'none' } });
    expect([ended.status, called.mock.calls.length, late.length]).toEqual(['failed', 0, 1]);
    await expect(late[0]).rejects.toMatchObject({ code: 'SF_STAGE_TIMEOUT', attempt: 1 });
  });
});

test('a caller that has waited for an answer is called again within its attempt: its calls are the same ones', async () => {
  const clock = virtualClock();
  const sink = recordingSink();
  const called = vi.fn(() => 'once');
  const once = stage('once', { run: called });
  const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const asks = stage('asks', {
    run: async (_, { call, answer }) => {
      await call(once, {});
      return answer(anything) ?? suspend('go on?');
    },
  });
  const other = stage('other', { run: () => clock.sleep(500) });
  const made = pipeline('p', { outputs: { asks, other } });
  const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, sinks: [sink] });
  const { result } = runtime.start(made, {});
  await clock.advance(10);
  await runtime.decide(String(sink.last('stage.suspended')?.waitId), 'yes');
  const ended = await clock.settle(result);
  expect([ended.status, called.mock.calls.length, [...ended.stages.keys()]]).toEqual(['completed', 1, ['asks', 'asks/once', 'other']]);
});

describe('a call is refused', () => {
  const way = route('way', { run: () => 'a' as const });
  test.each<[string, unknown, RegExp]>([
    ['of what is no stage', { name: 'weather' }, /it is no stage/],
    [
      'of a region',
      map('each', stage('items', { run: () => [1] }), (item) => stage('x', { needs: { item }, run: () => 1 })),
      /is a region \("map"\)/,
    ],
    ['of a stage that runs where a route says so', stage('off', { when: way.is('a'), run: () => 1 }), /routes stand in a pipeline/],
    ['of a stage whose name makes no path', stage('a/b', { run: () => 1 }), /"a\/b": it contains/],
    ['of a stage with a limit that is none', stage('off', { timeoutMs: -1, run: () => 1 }), /timeoutMs/],
  ])('%s', async (_, callee, message) => {
    const error = await causeOf(({ call }) => call(callee as typeof weather, { city: 'Rome' }));
    expect([error.code, error.path]).toEqual(['SF_CALL_INVALID', 'agent']);
    expect(error.message).toMatch(message);
  });

  test('without values', async () => {
    const error = await causeOf(({ call }) => call(weather, undefined as never));
    expect(error).toMatchObject({ code: 'SF_CALL_INVALID', details: { why: 'its values are undefined' } });
  });

  test('where its key names another call of the same attempt; the very same call is one call', async () => {
    const key = { key: 'k' };
    const values = await causeOf(({ call }) => Promise.all([call(weather, { city: 'Rome' }, key), call(weather, { city: 'Oslo' }, key)]));
    expect(values).toMatchObject({ code: 'SF_CALL_INVALID', details: { why: 'its key names a call of it with other values already' } });
    const other = stage('other', { run: () => 1 });
    const stages = await causeOf(({ call }) => Promise.all([call(weather, { city: 'Rome' }, key), call(other, {}, key)]));
    expect(stages).toMatchObject({ code: 'SF_CALL_INVALID', details: { why: 'its key names a call of "weather" already' } });
    const same = await run(({ call }) => Promise.all([call(weather, { city: 'Rome' }, key), call(weather, { city: 'Rome' }, key)]));
    expect([same.agent, same.paths]).toEqual([
      ['sun in Rome', 'sun in Rome'],
      ['agent', 'agent[k]/weather'],
    ]);
  });

  test.each([
    [undefined, 5],
    [2, 2],
  ])('below a depth of %s: a stage that calls itself ends there, after %i', async (maxCallDepth, depth) => {
    let calls = 0;
    const again: Stage<number, never, never, Record<never, never>> = stage('again', {
      run: (_, { call }): Promise<number> => {
        calls++;
        return call(again, {});
      },
    });
    const { ended } = await run(({ call }) => call(again, {}), {}, { maxCallDepth });
    const innermost = ended.errors.find(({ path }) => path === `agent${'/again'.repeat(depth)}`);
    expect([calls, innermost?.cause]).toMatchObject([depth, { code: 'SF_DEPTH_EXCEEDED', details: { maxDepth: depth, callee: 'again' } }]);
  });

  test('when the run is stopping: nothing new begins, and the caller counts as one that obeyed', async () => {
    const called = vi.fn(() => 1);
    const callee = stage('callee', { run: called });
    const { clock, controller, started } = start((context) => obedient(context).catch(() => context.call(callee, {})));
    await clock.advance(10);
    controller.abort(new Error('enough'));
    const ended = await clock.settle(started);
    expect([ended.status, ended.stages.get('agent')?.status, ended.errors, called.mock.calls.length]).toEqual([
      'cancelled',
      'cancelled',
      [],
      0,
    ]);
  });

  test('when its caller has ended and the run goes on', async () => {
    const called = vi.fn(() => 1);
    const callee = stage('callee', { run: called });
    let late: Promise<unknown> | undefined;
    let sleep!: VirtualClock['sleep'];
    const other = stage('other', { run: () => sleep(100) });
    const act: Act = ({ call }, clock) => {
      sleep = clock.sleep.bind(clock);
      late = clock.sleep(50).then(() => call(callee, {}));
      late.catch(() => {});
      return 'done';
    };
    const { clock, started } = start(act, {}, {}, { other });
    expect((await clock.settle(started)).status).toBe('completed');
    await expect(late).rejects.toMatchObject({ code: 'SF_CALL_INVALID', details: { why: 'the attempt that calls it has ended' } });
    expect(called).not.toHaveBeenCalled();
  });

  test('late or while stopping without ending the process: whoever dropped the call is told nothing', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const { clock, controller, started } = start((context) => obedient(context).catch(() => void context.call(weather, { city: 'Rome' })));
    controller.abort();
    await clock.settle(started);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('when the run has ended', async () => {
    let kept: StageContext | undefined;
    await run((context) => {
      kept = context;
      return 'done';
    });
    await expect(kept?.call(weather, { city: 'Rome' })).rejects.toMatchObject({
      code: 'SF_RUN_ENDED',
      details: { call: 'context.call()' },
    });
  });
});
