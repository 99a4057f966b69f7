import {
  createRuntime,
  inputs,
  map,
  type OverloadChange,
  pipeline,
  type RegisteredPipeline,
  type RuntimeLimits,
  type Schema,
  stage,
} from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { memoryRunStore } from '../durable/memory-run-store.ts';

function host(limits: RuntimeLimits, ...others: RegisteredPipeline[]) {
  const clock = virtualClock();
  const began: string[] = [];
  const brief = pipeline('brief', {
    outputs: {
      it: stage('it', {
        run: (_, { runId, signal }) => {
          began.push(runId);
          return clock.sleep(10, signal);
        },
      }),
    },
  });
  const sink = recordingSink();
  const runtime = createRuntime({ pipelines: [brief, ...others], clock, limits, sinks: [sink], store: memoryRunStore() } as never);
  const run = (runId: string, options: object = {}) => runtime.run(brief, {}, { runId, ...options });
  return { clock, began, brief, runtime, run, sink };
}

const naming = (resource: string) => pipeline('naming', { outputs: { ask: stage('ask', { resource, run: () => 1 }) } });

describe('the limit of runs', () => {
  test('lets as many be under way as there are places; the others wait in order, those of a higher priority first', async () => {
    const { clock, began, runtime, run } = host({ runs: { capacity: 2 } });
    const all = Promise.all([run('a'), run('b'), run('c'), run('d', { priority: 1 }), run('e')]);
    await clock.advance(5);
    expect(began).toEqual(['a', 'b']);
    expect(runtime.activeRuns).toBe(5);
    expect(runtime.runs().map(({ state }) => state)).toEqual(['running', 'running', 'queued', 'queued', 'queued']);
    expect(runtime.limits().runs).toMatchObject({ inUse: 2, queued: 3, capacity: 2 });
    const runs = await clock.settle(all);
    expect(began).toEqual(['a', 'b', 'd', 'c', 'e']);
    expect(runs.map(({ status, elapsedMs }) => [status, elapsedMs])).toEqual(Array.from({ length: 5 }, () => ['completed', 10]));
    expect(clock.monotonic()).toBe(30);
    expect(runtime.limits().runs).toMatchObject({ inUse: 0, queued: 0 });
  });

  test('gives each tenant its share', async () => {
    const { clock, began, run } = host({ runs: { capacity: 10, perKey: 1 } });
    const all = [run('a1', { tenantId: 'a' }), run('a2', { tenantId: 'a' }), run('b1', { tenantId: 'b' })];
    await clock.advance(5);
    expect(began).toEqual(['a1', 'b1']);
    await clock.settle(Promise.all(all));
    expect(began).toEqual(['a1', 'b1', 'a2']);
  });

  test('refuses whom the queue does not hold, and who waits too long: run() rejects, and so does the result of start()', async () => {
    const { clock, brief, runtime, run, sink } = host({ runs: { capacity: 1, queue: { limit: 1, timeoutMs: 5 } } });
    const first = run('first');
    const handle = runtime.start(brief, {}, { runId: 'late' });
    const events = (async () => {
      const types: string[] = [];
      for await (const { type } of handle.events()) types.push(type);
      return types;
    })();
    await expect(run('full')).rejects.toMatchObject({
      code: 'SF_RUN_REFUSED',
      retryable: true,
      runId: 'full',
      details: { pipeline: 'brief', why: 'queue_full', limit: 1 },
    });
    const refused = expect(handle.result).rejects.toMatchObject({ code: 'SF_RUN_REFUSED', details: { why: 'queue_timeout', limit: 5 } });
    await clock.advance(5);
    await refused;
    expect(await events).toEqual([]);
    expect(sink.events.map(({ runId }) => runId)).not.toContain('late');
    expect(runtime.activeRuns).toBe(1);
    await clock.settle(first);
  });

  test('lets go of a run that is cancelled or aborted while it waits: it resolves, and nothing of it runs', async () => {
    const { clock, began, brief, runtime, run } = host({ runs: { capacity: 1 } });
    const first = run('first');
    const handle = runtime.start(brief, {}, { runId: 'cancelled' });
    const controller = new AbortController();
    const aborted = run('aborted', { signal: controller.signal });
    const neverWaits = run('never waits', { signal: AbortSignal.abort(new Error('changed my mind')) });
    await clock.advance(1);
    expect(runtime.limits().runs?.queued).toBe(2);
    handle.cancel('not wanted');
    controller.abort(new Error('gone'));
    expect(await handle.result).toMatchObject({ status: 'cancelled', reason: 'not wanted' });
    expect(await aborted).toMatchObject({ status: 'cancelled', reason: 'gone' });
    expect(await neverWaits).toMatchObject({ status: 'cancelled', reason: 'changed my mind' });
    const early = runtime.start(brief, {}, { runId: 'early' });
    early.cancel('at once');
    expect(await early.result).toMatchObject({ status: 'cancelled', reason: 'at once' });
    expect(runtime.limits().runs).toMatchObject({ inUse: 1, queued: 0 });
    await clock.settle(first);
    expect(began).toEqual(['first']);
  });

  test('has its place back however a run ends, also where its input is refused', async () => {
    const { text } = inputs({
      text: { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) } } as Schema<string>,
    });
    const strict = pipeline('strict', { outputs: { it: stage('it', { needs: { text }, run: () => 1 }) } });
    const { clock, runtime, run } = host({ runs: { capacity: 1 } }, strict);
    await expect(runtime.run(strict, { text: 'hi' })).rejects.toMatchObject({ code: 'SF_INPUT_INVALID' });
    expect((await clock.settle(run('after'))).status).toBe('completed');
  });

  test('has it back while a run is suspended; the run takes another when it is resumed', async () => {
    const asking = pipeline('asking', { outputs: { it: stage('it', { run: (_, { waitFor }) => waitFor('go', { schema: anything }) }) } });
    const { clock, runtime, run } = host({ runs: { capacity: 1 } }, asking);
    const suspended = await clock.settle(runtime.run(asking, {}));
    expect([suspended.status, runtime.limits().runs?.inUse]).toEqual(['suspended', 0]);
    await runtime.deliver(suspended.runId, 'go', 'yes');
    const other = run('other');
    const resumed = runtime.resume(suspended.runId);
    await clock.advance(5);
    expect(runtime.limits().runs).toMatchObject({ inUse: 1, queued: 1 });
    expect(await clock.settle(resumed)).toMatchObject({ status: 'completed', outputs: { it: 'yes' } });
    await other;
  });

  test('is taken before a run is taken from the store: one that is refused can be resumed at once, here or elsewhere', async () => {
    const asking = pipeline('asking', { outputs: { it: stage('it', { run: (_, { waitFor }) => waitFor('go', { schema: anything }) }) } });
    const { clock, runtime, run } = host({ runs: { capacity: 1, queue: { limit: 1, timeoutMs: 50 } } }, asking);
    const { runId } = await clock.settle(runtime.run(asking, {}));
    await runtime.deliver(runId, 'go', 'yes');
    const others = [run('first'), run('second')];
    await expect(runtime.resume(runId)).rejects.toMatchObject({ code: 'SF_RUN_REFUSED', details: { why: 'queue_full' } });
    await clock.settle(Promise.all(others));
    await expect(runtime.resume('nobody')).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    expect(runtime.limits().runs).toMatchObject({ inUse: 0, queued: 0 });
    expect(await clock.settle(runtime.resume(runId))).toMatchObject({ status: 'completed', outputs: { it: 'yes' } });
    expect(runtime.limits().runs).toMatchObject({ inUse: 0, queued: 0 });
  });

  test('refuses those that wait when the runtime is closed', async () => {
    const { clock, runtime, run } = host({ runs: { capacity: 1 } });
    const [first, second] = [run('first'), run('second')];
    const refused = expect(second).rejects.toMatchObject({ code: 'SF_RUNTIME_CLOSED' });
    await clock.advance(1);
    await clock.settle(runtime.close());
    await refused;
    expect((await first).status).toBe('completed');
  });

  test('takes no priority that is none', async () => {
    const { run, runtime } = host({});
    await expect(run('a', { priority: Number.NaN })).rejects.toMatchObject({ code: 'SF_OPTION_INVALID', details: { option: 'priority' } });
    expect(runtime.activeRuns).toBe(0);
  });
});

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

describe('limits of a runtime', () => {
  test('are checked when it is made, and named by where they stand', () => {
    const made = (limits: RuntimeLimits) => () => host(limits);
    const refused = (option: string) =>
      expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option }) });
    expect(made({ runs: { capacity: 0 } })).toThrow(refused('limits.runs.capacity'));
    expect(made({ resources: { model: { capacity: 1, queue: { limit: -1 } } } })).toThrow(refused('limits.resources.model.queue.limit'));
    expect(made({ maxRunDepth: 0 })).toThrow(refused('limits.maxRunDepth'));
    expect(made({ runs: { capacity: 1 }, resources: { model: { capacity: 1 } }, maxRunDepth: 1 })).not.toThrow();
  });

  test('must have every resource that a stage names, in a region, too', () => {
    const { items } = inputs<{ items: number[] }>();
    const mapped = map('mapped', items, (item) => stage('each', { needs: { item }, resource: ['db', 'modle'], run: () => 1 }));
    const inRegion = pipeline('in region', { outputs: { mapped } });
    const unknown = (details: object) => expect.objectContaining({ code: 'SF_RESOURCE_UNKNOWN', details });
    expect(() => host({ resources: { model: { capacity: 1 }, db: { capacity: 1 } } }, inRegion)).toThrow(
      unknown({ stage: 'each', resource: 'modle', nearest: 'model' }),
    );
    expect(() => host({}, naming('model'))).toThrow(unknown({ stage: 'ask', resource: 'model', nearest: undefined }));
    expect(() => createRuntime({ pipelines: [naming('model')] })).toThrow(unknown({ stage: 'ask', resource: 'model', nearest: undefined }));
    expect(() => host({ resources: { model: { capacity: 1 } } }, naming('model'))).not.toThrow();
  });

  test('tell when an overload begins and ends, with the numbers of that moment', async () => {
    const changes: OverloadChange[] = [];
    const holding = pipeline('holding', {
      outputs: { ask: stage('ask', { resource: 'model', run: (_, { signal }) => clock.sleep(20, signal) }) },
    });
    const overload = { atUtilization: 1 };
    const { clock, runtime, run } = host(
      {
        runs: { capacity: 2, overload },
        resources: { model: { capacity: 1, overload } },
        onOverload: (change) => changes.push(change),
      },
      holding,
    );
    await clock.settle(Promise.all([runtime.run(holding, {}), run('other')]));
    await clock.advance(0);
    const told = changes.map(({ limit, overloaded, snapshot }) => [limit, overloaded, snapshot.inUse]);
    expect(told).toEqual([
      ['runs', true, 2],
      ['resources.model', true, 1],
      ['runs', false, 1],
      ['resources.model', false, 0],
    ]);
  });

  test('are all there is to see, and there are none unless they are asked for', async () => {
    const { runtime } = host({ resources: { model: { capacity: 3 } } });
    expect(runtime.limits()).toMatchObject({ runs: undefined, resources: { model: { inUse: 0, capacity: 3 } } });
    const plain = createRuntime({ pipelines: [pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) } })] });
    expect(plain.limits()).toEqual({ runs: undefined, resources: {} });
  });
});
