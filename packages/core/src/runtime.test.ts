import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { definePipeline } from './define.ts';
import { isTerminal, type RunEvent } from './event.ts';
import { inputs, services } from './inputs.ts';
import { pipeline } from './pipeline.ts';
import { createRuntime } from './runtime.ts';
import type { Schema } from './schema.ts';
import { stage } from './stage.ts';
import type { StageContext } from './stage-context.ts';

const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });

/** A pipeline of one stage that ends when it is told to, or aborted. */
function waiting() {
  const ends: ((value: string) => void)[] = [];
  const wait = stage('wait', {
    run: (_, { signal }: StageContext) =>
      new Promise<string>((resolve, reject) => {
        ends.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  });
  return { made: pipeline('waiting', { outputs: { wait } }), ends, end: (value: string) => ends.shift()?.(value) };
}

async function typesOf(events: AsyncIterable<RunEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const event of events) types.push(event.type);
  return types;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const whole = ['run.created', 'run.started', 'stage.started', 'stage.completed', 'run.completed'];

describe('createRuntime()', () => {
  test('knows its pipelines by name, one given twice once, one from data too', () => {
    const defined = definePipeline({ name: 'defined', stages: [{ name: 'a', run: () => 1 }], outputs: { a: 'a' } });
    const runtime = createRuntime({ pipelines: [welcome, welcome, defined] });
    expect([...runtime.pipelines.keys()]).toEqual(['welcome', 'defined']);
    expect(runtime.activeRuns).toBe(0);
  });

  test.each<[string, object]>([
    ['maxConcurrency', { maxConcurrency: 0 }],
    ['capacity', { sinks: [{ sink: recordingSink(), capacity: 0 }] }],
    ['overflow', { sinks: [{ sink: recordingSink(), overflow: 'block' }] }],
  ])('refuses a wrong %s at once', (option, given) => {
    expect(() => createRuntime({ pipelines: [welcome], ...given } as never)).toThrow(
      expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option }) }),
    );
  });

  test('refuses two sinks of one name: their counters could not be told apart', () => {
    const sinks = [recordingSink('log'), { sink: recordingSink('log'), capacity: 5 }];
    expect(() => createRuntime({ pipelines: [welcome], sinks })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });

  test('asks for every service that some pipeline reads, once, and not for one that objects inherit', () => {
    const { model, constructor: inherited } = services<{ model: string; constructor: string }>();
    const reading = (name: string) => pipeline(name, { outputs: { it: stage('it', { needs: { model, inherited }, run: () => 1 }) } });
    const pipelines = [reading('a'), reading('b')] as never;
    expect(() => createRuntime({ pipelines, services: {} })).toThrow(
      expect.objectContaining({ details: { services: ['model', 'constructor'] } }),
    );
    expect(() => createRuntime({ pipelines, services: { model: 'm', constructor: 'c' } })).not.toThrow();
  });
});

describe('run()', () => {
  test('gives runs the services, the configuration, the id maker, the randomness and the service name of the runtime', async () => {
    const { model } = services<{ model: string }>();
    const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
    const look = stage('look', {
      needs: { model },
      run: ({ model }, context) => [model, context.config('key', anything), context.random(), context.identity.service],
    });
    const looking = pipeline('looking', { outputs: { look } });
    const runtime = createRuntime({
      pipelines: [looking],
      services: { model: 'small' },
      config: { get: (key) => `value of ${key}` },
      random: () => 0.25,
      makeId: () => 'made',
      service: 'shop',
    });
    const run = await runtime.run(looking, {});
    expect(run).toMatchObject({ runId: 'made', outputs: { look: ['small', 'value of key', 0.25, 'shop'] } });
    expect((await runtime.run(looking, {}, { runId: 'mine', service: undefined })).identity).toMatchObject({
      runId: 'mine',
      service: 'shop',
    });
  });

  test('takes the policy of the run before that of the pipeline, and that before the runtime’s', async () => {
    const bad = stage('bad', { run: () => Promise.reject(new Error('no')) });
    const first = stage('first', { run: turn });
    const slow = stage('slow', { needs: { first }, run: () => 'done' });
    const tolerant = pipeline('tolerant', { outputs: { slow }, also: { bad }, failureMode: 'continue' });
    const strict = pipeline('strict', { outputs: { slow }, also: { bad } });
    const runtime = createRuntime({ pipelines: [tolerant, strict], failureMode: 'fail-fast' });
    const lenient = createRuntime({ pipelines: [strict], failureMode: 'best-effort' });
    expect((await runtime.run(tolerant, {})).outputs).toEqual({ slow: 'done' });
    expect((await runtime.run(tolerant, {}, { failureMode: 'fail-fast' })).outputs).toEqual({});
    expect((await runtime.run(strict, {})).outputs).toEqual({});
    expect((await lenient.run(strict, {})).outputs).toEqual({ slow: 'done' });
  });

  test('rejects for a wrong input, as the pipeline does', async () => {
    const { text } = inputs({
      text: { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) } } as Schema<string>,
    });
    const asking = pipeline('asking', { outputs: { it: stage('it', { needs: { text }, run: () => 1 }) } });
    const runtime = createRuntime({ pipelines: [asking] });
    await expect(runtime.run(asking, { text: 'x' })).rejects.toMatchObject({ code: 'SF_INPUT_INVALID' });
    expect(runtime.activeRuns).toBe(0);
  });

  test('counts the runs under way', async () => {
    const { made, end } = waiting();
    const runtime = createRuntime({ pipelines: [made] });
    const running = [runtime.run(made, {}), runtime.start(made, {}).result];
    await turn();
    expect(runtime.activeRuns).toBe(2);
    end('one');
    end('two');
    await Promise.all(running);
    await turn();
    expect(runtime.activeRuns).toBe(0);
  });
});

describe('start()', () => {
  test('begins a tick later, so that a reader who asks at once sees the first event', async () => {
    const run = vi.fn(() => 'Hello');
    const made = pipeline('p', { outputs: { it: stage('it', { run }) } });
    const handle = createRuntime({ pipelines: [made] }).start(made, {}, { runId: 'r' });
    expect(run).not.toHaveBeenCalled();
    expect(handle).toMatchObject({ runId: 'r', pipeline: 'p' });
    expect(await typesOf(handle.events())).toEqual(whole);
    expect(await handle.result).toMatchObject({ runId: 'r', status: 'completed', outputs: { it: 'Hello' } });
  });

  test('gives each reader events of its own; one that leaves changes nothing for the others', async () => {
    const handle = createRuntime({ pipelines: [welcome] }).start(welcome, {});
    const leaving = (async () => {
      for await (const event of handle.events()) return event.type;
    })();
    const staying = typesOf(handle.events());
    expect([await leaving, await staying]).toEqual(['run.created', whole]);
  });

  test('gives a late reader a snapshot and what follows', async () => {
    const { made, end } = waiting();
    const handle = createRuntime({ pipelines: [made] }).start(made, {});
    await turn();
    const events: RunEvent[] = [];
    const reading = (async () => {
      for await (const event of handle.events()) events.push(event);
    })();
    end('done');
    await reading;
    expect(events.map(({ type }) => type)).toEqual(['run.snapshotted', 'stage.completed', 'run.completed']);
    expect(events[0]).toMatchObject({ statuses: { wait: 'running' }, seq: 3 });
    expect(events[1]?.seq).toBe(4);
  });

  test('gives a snapshot of where every stage is', async () => {
    const first = stage('first', { run: () => 1 });
    const hold = stage('hold', {
      needs: { first },
      run: (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    });
    const last = stage('last', { needs: { hold }, run: () => 1 });
    const line = pipeline('line', { outputs: { last } });
    const handle = createRuntime({ pipelines: [line] }).start(line, {});
    await turn();
    const reader = handle.events();
    expect((await reader.next()).value).toMatchObject({
      type: 'run.snapshotted',
      statuses: { first: 'completed', hold: 'running', last: 'waiting' },
    });
    handle.cancel();
    await handle.result;
  });

  test('gives who comes after the end a snapshot and the end', async () => {
    const handle = createRuntime({ pipelines: [welcome] }).start(welcome, {});
    await handle.result;
    const events: RunEvent[] = [];
    for await (const event of handle.events()) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(['run.snapshotted', 'run.completed']);
    expect(events[0]).toMatchObject({ statuses: { greet: 'completed' }, seq: 5 });
  });

  test('ends the events of a run that never began, read before or after, although nobody awaits its result', async () => {
    const { text } = inputs({
      text: { '~standard': { version: 1, vendor: 'test', validate: async () => ({ issues: [{ message: 'no' }] }) } } as Schema<string>,
    });
    const asking = pipeline('asking', { outputs: { it: stage('it', { needs: { text }, run: () => 1 }) } });
    const handle = createRuntime({ pipelines: [asking] }).start(asking, { text: 'x' });
    expect(await typesOf(handle.events())).toEqual([]);
    expect(await typesOf(handle.events())).toEqual([]);
    await turn();
    await expect(handle.result).rejects.toMatchObject({ code: 'SF_INPUT_INVALID' });
  });

  test('can be cancelled before it begins: nothing starts', async () => {
    const run = vi.fn(() => 'Hello');
    const made = pipeline('p', { outputs: { it: stage('it', { run }) } });
    const handle = createRuntime({ pipelines: [made] }).start(made, {});
    const types = typesOf(handle.events());
    handle.cancel('changed my mind');
    handle.cancel('again');
    expect(await handle.result).toMatchObject({ status: 'cancelled', reason: 'changed my mind', counts: { cancelled: 1 } });
    expect(run).not.toHaveBeenCalled();
    expect(await types).toEqual(['run.created', 'run.started', 'run.stopping', 'stage.cancelled', 'run.cancelled']);
  });

  test('can be cancelled under way, once, and not after its end', async () => {
    const { made } = waiting();
    const handle = createRuntime({ pipelines: [made] }).start(made, {});
    await turn();
    handle.cancel();
    handle.cancel('again');
    const run = await handle.result;
    expect(run).toMatchObject({ status: 'cancelled', reason: 'the caller asked' });
    handle.cancel('too late');
    expect(run).toMatchObject({ reason: 'the caller asked' });
  });

  test('throws at once for a pipeline that is not registered, and after close()', async () => {
    const runtime = createRuntime({ pipelines: [welcome] });
    expect(() => runtime.start(pipeline('other', { outputs: { greet } }), {})).toThrow(
      expect.objectContaining({ code: 'SF_PIPELINE_UNKNOWN' }),
    );
    await runtime.close();
    expect(() => runtime.start(welcome, {})).toThrow(expect.objectContaining({ code: 'SF_RUNTIME_CLOSED' }));
  });
});

describe('sinks', () => {
  test('get the events of every run, each behind a queue of its own, and are counted by name', async () => {
    const plain = recordingSink('plain');
    const bounded = recordingSink('bounded');
    const broken = { name: 'broken', emit: () => Promise.reject(new Error('disk full')) };
    const runtime = createRuntime({ pipelines: [welcome], sinks: [plain, { sink: bounded, capacity: 100 }, broken] });
    await runtime.run(welcome, {}, { runId: 'a' });
    await runtime.start(welcome, {}, { runId: 'b' }).result;
    await runtime.close();
    for (const sink of [plain, bounded]) {
      expect(sink.events.filter(({ runId }) => runId === 'a').map(({ type }) => type)).toEqual(whole);
      expect(sink.events.filter(({ runId }) => runId === 'b').map(({ type }) => type)).toEqual(whole);
    }
    expect(runtime.sinks).toEqual({
      plain: { delivered: 10, dropped: 0, failed: 0 },
      bounded: { delivered: 10, dropped: 0, failed: 0 },
      broken: { delivered: 0, dropped: 0, failed: 10 },
    });
  });

  test('that never answer change no outcome and keep no run waiting', async () => {
    const hanging = { name: 'hanging', emit: () => new Promise<void>(() => {}) };
    const runtime = createRuntime({ pipelines: [welcome], sinks: [hanging] });
    expect((await runtime.run(welcome, {})).status).toBe('completed');
  });

  test('that are too slow are told what they lost, and always get the last event', async () => {
    const seen: RunEvent[] = [];
    const slow = {
      name: 'slow',
      async emit(event: RunEvent) {
        seen.push(event);
        await turn();
      },
    };
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`s${index}`, stage(`s${index}`, { run: () => index })]));
    const made = pipeline('many', { outputs: many });
    const runtime = createRuntime({ pipelines: [made], sinks: [{ sink: slow, capacity: 4 }] });
    await runtime.run(made, {});
    await runtime.close();
    const counters = runtime.sinks['slow'];
    expect(counters?.dropped).toBeGreaterThan(0);
    expect((counters?.delivered ?? 0) + (counters?.dropped ?? 0)).toBe(103);
    const announced = seen.reduce((sum, event) => sum + (event.type === 'events.dropped' ? event.count : 0), 0);
    expect(announced).toBe(counters?.dropped);
    expect(seen.filter(isTerminal)).toHaveLength(1);
  });
});

describe('close()', () => {
  test('waits for the runs under way, then flushes the sinks', async () => {
    const { made, end } = waiting();
    const flush = vi.fn(async () => {});
    const runtime = createRuntime({ pipelines: [made], sinks: [{ ...recordingSink(), flush }] });
    const running = runtime.run(made, {});
    const closed = runtime.close();
    await turn();
    expect(flush).not.toHaveBeenCalled();
    end('done');
    await closed;
    expect(flush).toHaveBeenCalledTimes(1);
    expect(await running).toMatchObject({ status: 'completed' });
  });

  test('cancels what is still under way when its patience ends', async () => {
    const clock = virtualClock();
    const { made } = waiting();
    const runtime = createRuntime({ pipelines: [made], clock });
    const running = runtime.run(made, {});
    await clock.settle(runtime.close({ graceMs: 500 }));
    expect(clock.monotonic()).toBe(500);
    expect(await running).toMatchObject({ status: 'cancelled', reason: 'the runtime is closing' });
    expect(clock.pending).toBe(0);
  });

  test('does not wait for a sink that never flushes, or that rejects, longer than its patience', async () => {
    const clock = virtualClock();
    const flush = (): Promise<void> => new Promise(() => {});
    const broken = { name: 'broken', emit: () => {}, flush: () => Promise.reject(new Error('disk full')) };
    const runtime = createRuntime({ pipelines: [welcome], clock, sinks: [{ name: 'hanging', emit: () => {}, flush }, broken] });
    await clock.settle(runtime.close());
    expect(clock.monotonic()).toBe(10_000);
  });

  test('can be called twice', async () => {
    const runtime = createRuntime({ pipelines: [welcome] });
    await Promise.all([runtime.close(), runtime.close()]);
    await runtime.close();
    await expect(runtime.run(welcome, {})).rejects.toMatchObject({ code: 'SF_RUNTIME_CLOSED' });
  });
});
