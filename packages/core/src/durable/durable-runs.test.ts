import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { faultyRunStore } from '../../test/faulty-run-store.ts';
import { suspend } from '../control.ts';
import { guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { cached, type Interceptor } from '../interceptor.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';
import { memoryRunStore } from './memory-run-store.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const { text } = inputs<{ text: unknown }>();
const ask = stage('ask', { needs: { text }, run: (_, { answer }) => answer(anything) ?? suspend('?') });
const asking = pipeline('asking', { outputs: { ask } });

/** Two runtimes that share a store that can fail. */
function shared(made: RegisteredPipeline, options: object = {}) {
  const faults = faultyRunStore();
  const clock = virtualClock();
  const make = (more: object = {}): Runtime =>
    createRuntime({ pipelines: [made], services: {}, store: faults.store, clock, leaseMs: 300, makeId: () => 'r', ...options, ...more });
  return { ...faults, clock, first: make(), second: make(), make };
}

const refuses = (): never => {
  throw new Error('no connection');
};

describe('a run with a store', () => {
  test('is kept before anything of it starts, with its parsed inputs and its identity', async () => {
    const { first, store, clock } = shared(asking);
    await first.run(asking, { text: new Date(7) }, { tenantId: 't', userId: 'u', metadata: { since: new Date(9), n: 1n } });
    const run = await store.load('r', 't');
    expect(run).toMatchObject({ runId: 'r', pipeline: 'asking', status: 'suspended', epoch: 1, createdAt: clock.now() });
    expect(run?.identity).toMatchObject({ userId: 'u', tenantId: 't' });
    expect(JSON.parse(JSON.stringify(run?.identity.metadata))).toEqual(run?.identity.metadata);
  });

  test('has the same identity and inputs when it is resumed', async () => {
    const seen: unknown[] = [];
    const look = stage('look', {
      needs: { text },
      run: ({ text }, { identity, answer }) => {
        seen.push([text, identity]);
        return answer(anything) ?? suspend('?');
      },
    });
    const made = pipeline('p', { outputs: { look } });
    const { first, second } = shared(made, { service: 'host' });
    const input = { text: new Map([['a', undefined]]) };
    await first.run(made, input, { tenantId: 't', userId: 'u', traceId: 'x', metadata: { since: new Date(9), n: 1n, $sf: 'mine' } });
    await second.decide('r/look#answer', 1, { tenantId: 't' });
    const run = await second.resume('r', { tenantId: 't' });
    expect(run.status).toBe('completed');
    expect(seen[1]).toStrictEqual(seen[0]);
    expect(run.identity).toMatchObject({ userId: 'u', metadata: { since: new Date(9), n: 1n, $sf: 'mine' } });
  });

  test('does not parse its inputs again', async () => {
    let parsed = 0;
    const counting: Schema<string, number> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: String(value).length + parsed++ }) },
    };
    const { size } = inputs({ size: counting });
    const look = stage('look', { needs: { size }, run: ({ size }, { answer }) => (answer(anything) === undefined ? suspend('?') : size) });
    const made = pipeline('p', { outputs: { look } });
    const { first } = shared(made);
    await first.run(made, { size: 'four' });
    await first.decide('r/look#answer', 1);
    expect((await first.resume('r')).outputs).toEqual({ look: 4 });
    expect(parsed).toBe(1);
  });

  test.each<[string, object, object, string]>([
    ['an input', { text: () => 1 }, {}, 'input text'],
    ['metadata', { text: 1 }, { metadata: { client: () => 1 } }, 'metadata'],
  ])('is refused where %s cannot be kept, before anything has run', async (_, input, options, where) => {
    const { first, store } = shared(asking);
    await expect(first.run(asking, input as { text: unknown }, options)).rejects.toMatchObject({
      code: 'SF_NOT_SERIALIZABLE',
      details: { stage: where },
    });
    expect(await store.load('r', undefined)).toBeUndefined();
  });

  test('fails a stage whose output cannot be kept, in place of losing it', async () => {
    const made = pipeline('p', { outputs: { a: stage('a', { run: () => ({ list: [() => 1] }) }) } });
    const { first } = shared(made);
    expect(await first.run(made, {})).toMatchObject({
      status: 'failed',
      error: { code: 'SF_NOT_SERIALIZABLE', path: 'a', details: { stage: 'a', at: 'value.list[0]', received: 'a function' } },
    });
  });

  test('of an id that is taken is refused', async () => {
    const { first, second } = shared(asking);
    await first.run(asking, { text: 1 });
    await expect(second.run(asking, { text: 1 })).rejects.toMatchObject({ code: 'SF_RUN_EXISTS', details: { runId: 'r' } });
  });

  test('that completes is kept as completed, and cannot be resumed', async () => {
    const made = pipeline('p', { outputs: { a: stage('a', { run: () => 1 }) } });
    const { first, store } = shared(made);
    expect((await first.run(made, {})).status).toBe('completed');
    expect((await store.load('r', undefined))?.status).toBe('completed');
    await expect(first.resume('r')).rejects.toMatchObject({ code: 'SF_RUN_NOT_RESUMABLE', details: { why: 'it has ended as completed' } });
  });
});

describe('runtime.resume()', () => {
  test('refuses a run that the store does not have, and one of another tenant', async () => {
    const { first } = shared(asking);
    await first.run(asking, { text: 1 }, { tenantId: 't' });
    await expect(first.resume('nowhere')).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN', details: { runId: 'nowhere' } });
    await expect(first.resume('r')).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    await expect(first.resume('r', { tenantId: 'other' })).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    expect((await first.resume('r', { tenantId: 't' })).status).toBe('suspended');
  });

  test('refuses a run of a pipeline that this runtime does not have', async () => {
    const { first, store } = shared(asking);
    await first.run(asking, { text: 1 });
    const other = createRuntime({ pipelines: [], store });
    await expect(other.resume('r')).rejects.toMatchObject({ code: 'SF_PIPELINE_UNKNOWN', details: { pipeline: 'asking' } });
  });

  test('refuses where the plan has changed, says where, and takes the run all the same where that is said to be compatible', async () => {
    const before = pipeline('p', {
      outputs: {
        b: stage('b', {
          needs: { a: stage('a', { needs: { text }, run: () => 'old' }) },
          run: ({ a }, { answer }) => (answer(anything) === undefined ? suspend('?') : a),
        }),
      },
    });
    const changed = pipeline('p', {
      outputs: {
        b: stage('b', {
          needs: { a: stage('a', { needs: { text }, version: '2', run: () => 'new' }) },
          run: ({ a }, { answer }) => (answer(anything) === undefined ? suspend('?') : a),
        }),
      },
    });
    const { first, store, calls } = shared(before);
    await first.run(before, { text: 1 });
    await first.decide('r/b#answer', 1);
    const later = createRuntime({ pipelines: [changed], store });
    calls.length = 0;
    await expect(later.resume('r')).rejects.toMatchObject({
      code: 'SF_PLAN_CHANGED',
      details: { pipeline: 'p', runId: 'r', paths: ['a'] },
    });
    expect(calls).toEqual(['load']);
    expect(await later.resume('r', { compatible: true })).toMatchObject({ status: 'completed', outputs: { b: 'old' } });
  });

  test('refuses a run that lives, in this process and in another', async () => {
    const { first, second, clock } = shared(pipelineOf(() => clock.sleep(1_000)));
    const running = first.run(first.pipelines.get('p') as never, {});
    await clock.advance(500);
    for (const runtime of [first, second]) {
      await expect(runtime.resume('r')).rejects.toMatchObject({
        code: 'SF_RUN_NOT_RESUMABLE',
        details: { why: 'another process holds it until its lease runs out' },
      });
    }
    expect((await clock.settle(running)).status).toBe('completed');
  });

  test('refuses without a store, and on a runtime that is closed', async () => {
    const bare = createRuntime({ pipelines: [asking] });
    for (const call of [bare.resume('r'), bare.decide('w', 1), bare.deliver('r', 't', 1), bare.waits()]) {
      await expect(call).rejects.toMatchObject({ code: 'SF_RUNTIME_REQUIRED' });
    }
    const { first } = shared(asking);
    await first.close();
    await expect(first.resume('r')).rejects.toMatchObject({ code: 'SF_RUNTIME_CLOSED' });
  });

  test('goes on from what was found first where the store cannot be asked twice', async () => {
    const { first, store } = shared(asking);
    await first.run(asking, { text: 1 });
    await first.decide('r/ask#answer', 'yes');
    let loads = 0;
    const forgetful = {
      ...store,
      load: async (...where: Parameters<typeof store.load>) => (loads++ === 1 ? undefined : store.load(...where)),
    };
    const runtime = createRuntime({ pipelines: [asking], store: forgetful });
    expect(await runtime.resume('r')).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
  });

  test('stops the activation when the signal aborts', async () => {
    const { first } = shared(asking);
    await first.run(asking, { text: 1 });
    const run = await first.resume('r', { signal: AbortSignal.abort(new Error('not now')) });
    expect(run.status).toBe('cancelled');
  });

  test('a run that was answered while it came to rest goes on by itself', async () => {
    const faults = faultyRunStore();
    const runtime = createRuntime({ pipelines: [asking], store: faults.store, makeId: () => 'r' });
    const other = createRuntime({ pipelines: [asking], store: faults.store });
    // The answer comes from elsewhere, after the wait is durable and before the run rests.
    let commits = 0;
    faults.before('commit', async () => {
      if (++commits === 2) await other.decide('r/ask#answer', 'yes');
    });
    expect(await runtime.run(asking, { text: 1 })).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
    expect(faults.calls).toContain('acquire');
  });

  test('a run that was answered so, and that another has taken already, is theirs', async () => {
    const faults = faultyRunStore();
    const runtime = createRuntime({ pipelines: [asking], store: faults.store, makeId: () => 'r' });
    let commits = 0;
    faults.before('commit', async () => {
      if (++commits === 2) await faults.store.answer('r/ask#answer', '"yes"' as never, undefined);
    });
    faults.before('acquire', async () => {
      faults.mend('acquire');
      await faults.store.acquire('r', { owner: 'other', until: Number.MAX_SAFE_INTEGER, now: 0 });
    });
    expect(await runtime.run(asking, { text: 1 })).toMatchObject({ status: 'suspended' });
    expect(faults.fired.count).toBeGreaterThan(2);
  });

  test('a run that was answered so rejects where the store is away when it would go on', async () => {
    const faults = faultyRunStore();
    const runtime = createRuntime({ pipelines: [asking], store: faults.store, makeId: () => 'r' });
    let commits = 0;
    faults.before('commit', async () => {
      if (++commits === 2) await faults.store.answer('r/ask#answer', '"yes"' as never, undefined);
    });
    faults.before('acquire', refuses);
    await expect(runtime.run(asking, { text: 1 })).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
  });
});

describe('a lease', () => {
  test('is held as long as the process lives, however long the run takes', async () => {
    const made = pipelineOf(() => clock.sleep(5_000));
    const { first, second, clock, calls } = shared(made);
    const running = first.run(made, {});
    for (let at = 0; at < 10; at++) {
      await clock.advance(400);
      await expect(second.resume('r')).rejects.toMatchObject({ code: 'SF_RUN_NOT_RESUMABLE' });
    }
    expect((await clock.settle(running)).status).toBe('completed');
    expect(calls.filter((call) => call === 'renew').length).toBeGreaterThan(40);
    expect(clock.pending).toBe(0);
  });

  test('is asked for again where the store was away for a moment', async () => {
    const made = pipelineOf(() => clock.sleep(1_000));
    const { first, second, clock, before, mend, fired } = shared(made);
    const running = first.run(made, {});
    before('renew', refuses);
    await clock.advance(150);
    mend('renew');
    expect(fired.count).toBe(1);
    await clock.advance(450);
    await expect(second.resume('r')).rejects.toMatchObject({ code: 'SF_RUN_NOT_RESUMABLE' });
    expect((await clock.settle(running)).status).toBe('completed');
  });

  test('that is refused ends the activation: another has begun', async () => {
    const calls: string[] = [];
    const made = pipelineOf(async () => {
      calls.push('called');
      await clock.sleep(1_000);
      return calls.length;
    });
    const { first, second, clock, before, mend } = shared(made);
    const running = first.run(made, {});
    const outcome = running.catch((error: unknown) => error);
    await clock.advance(50);
    // The process is cut off from the store for longer than its lease.
    before('renew', refuses);
    await clock.advance(400);
    const resumed = second.resume('r');
    await clock.advance(1);
    mend('renew');
    expect(await clock.settle(outcome)).toMatchObject({ code: 'SF_RUN_TAKEN_OVER', details: { runId: 'r', epoch: 1 } });
    expect(await clock.settle(resumed)).toMatchObject({ status: 'completed', outputs: { a: 2 } });
    expect(calls).toEqual(['called', 'called']);
  });

  test('of a process that was taken over while it slept: what it does late is not kept, and its effects do not begin', async () => {
    const sent: string[] = [];
    const sink = recordingSink();
    let slept = 0;
    const slow = stage('slow', {
      run: async () => {
        const mine = `result ${++slept}`;
        await clock.sleep(mine === 'result 1' ? 2_000 : 10);
        return mine;
      },
    });
    const send = work('send', { needs: { slow }, run: ({ slow }) => sent.push(slow) });
    const made = pipeline('p', { outputs: { slow }, also: { send } });
    const { first, second, clock, before, store } = shared(made, { sinks: [sink] });
    const outcome = first.run(made, {}).catch((error: unknown) => error);
    // Nothing of the first process reaches the store, as if it were asleep; its run goes on.
    before('renew', () => new Promise(() => {}));
    await clock.advance(500);
    expect(await clock.settle(second.resume('r'))).toMatchObject({ status: 'completed', outputs: { slow: 'result 2' } });
    expect(await clock.settle(outcome)).toMatchObject({ code: 'SF_RUN_TAKEN_OVER' });
    expect(sent).toEqual(['result 2']);
    const records = (await store.load('r', undefined))?.records ?? [];
    expect(records.filter(({ path, status }) => path === 'slow' && status === 'completed').map(({ output }) => output)).toEqual([
      '"result 2"',
    ]);
  });
});

test('a process that takes over its own run leaves the earlier activation behind, and that ends nothing of the later', async () => {
  const made = pipelineOf(async () => {
    const mine = ++calls;
    await clock.sleep(mine === 1 ? 600 : 1_000);
    return mine;
  });
  let calls = 0;
  const { first, clock, before, mend, store } = shared(made);
  const outcome = first.run(made, {}).catch((error: unknown) => error);
  await clock.advance(50);
  before('renew', refuses);
  await clock.advance(400);
  mend('renew');
  const resumed = first.resume('r');
  await clock.advance(200);
  expect(await outcome).toMatchObject({ code: 'SF_RUN_TAKEN_OVER' });
  expect(await store.load('r', undefined)).toMatchObject({ status: 'running', epoch: 2 });
  expect(await clock.settle(resumed)).toMatchObject({ status: 'completed', outputs: { a: 2 } });
});

test('a renewal that is answered after the run has ended begins no other', async () => {
  const made = pipelineOf(() => clock.sleep(150));
  const { first, clock, before } = shared(made);
  let release: () => void = () => {};
  before('renew', () => new Promise<void>((resolve) => (release = resolve)));
  expect((await clock.settle(first.run(made, {}))).status).toBe('completed');
  release();
  await clock.advance(1_000);
  expect(clock.pending).toBe(0);
});

describe('a store that fails', () => {
  test.each<['create' | 'commit', string]>([
    ['create', 'before anything has run'],
    ['commit', 'when it was to be kept'],
  ])('%s() rejects the run %s', async (method) => {
    let calls = 0;
    const made = pipelineOf(() => calls++);
    const { first, before, fired } = shared(made);
    before(method, refuses);
    await expect(first.run(made, {})).rejects.toMatchObject({
      code: 'SF_STORE_FAILED',
      details: { store: 'faulty', why: 'no connection' },
      retryable: true,
      cause: expect.any(Error),
    });
    expect(calls).toBe(method === 'create' ? 0 : 1);
    expect(fired.count).toBeGreaterThan(0);
    expect(first.activeRuns).toBe(0);
  });

  test('keeps an effect from beginning', async () => {
    const sent: number[] = [];
    const made = pipeline('p', { outputs: {}, also: { send: work('send', { run: () => sent.push(1) }) } });
    const { first, before } = shared(made);
    before('commit', refuses);
    await expect(first.run(made, {})).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
    expect(sent).toEqual([]);
  });

  test('an effect waits for a store that hangs, and for nothing else', async () => {
    const said: string[] = [];
    const made = pipeline('p', {
      outputs: { pure: stage('pure', { run: () => said.push('pure') }) },
      also: { send: work('send', { run: () => said.push('send') }) },
    });
    const { first, before, mend, clock } = shared(made);
    let release: () => void = () => {};
    before('commit', () => new Promise<void>((resolve) => (release = resolve)));
    const running = first.run(made, {});
    await clock.advance(10);
    expect(said).toEqual(['pure']);
    release();
    await clock.advance(10);
    expect(said).toEqual(['pure', 'send']);
    mend('commit');
    release();
    expect(await clock.settle(running)).toMatchObject({ status: 'completed' });
  });

  test.each<[string, (runtime: Runtime) => Promise<unknown>, 'answer' | 'deliver' | 'waits' | 'load' | 'acquire']>([
    ['decide()', (runtime) => runtime.decide('r/ask#answer', 1), 'answer'],
    ['deliver()', (runtime) => runtime.deliver('r', 'go', 1), 'deliver'],
    ['waits()', (runtime) => runtime.waits(), 'waits'],
    ['resume()', (runtime) => runtime.resume('r'), 'load'],
    ['resume()', (runtime) => runtime.resume('r'), 'acquire'],
  ])('%s says so', async (_, call, method) => {
    const { first, before, mend } = shared(asking);
    await first.run(asking, { text: 1 });
    before(method, () => {
      throw 'out of order';
    });
    await expect(call(first)).rejects.toMatchObject({ code: 'SF_STORE_FAILED', details: { why: 'out of order' } });
    mend(method);
    await expect(call(first)).resolves.not.toThrow();
  });

  test('a run that rests while the store fails rejects, and can be resumed from what was kept', async () => {
    const faults = faultyRunStore();
    const clock = virtualClock();
    const runtime = createRuntime({ pipelines: [asking], store: faults.store, clock, leaseMs: 300, makeId: () => 'r' });
    let commits = 0;
    faults.before('commit', () => {
      if (++commits === 2) refuses();
    });
    await expect(runtime.run(asking, { text: 1 })).rejects.toMatchObject({ code: 'SF_STORE_FAILED' });
    faults.mend('commit');
    await clock.advance(300);
    await runtime.decide('r/ask#answer', 'yes');
    expect(await clock.settle(runtime.resume('r'))).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
  });
});

describe('runtime.decide() and runtime.deliver()', () => {
  test('refuse what is unknown, answered, of another tenant, or over', async () => {
    const { first } = shared(asking);
    await first.run(asking, { text: 1 }, { tenantId: 't' });
    const closed = (why: string) => ({ code: 'SF_WAIT_CLOSED', details: expect.objectContaining({ why }) });
    await expect(first.decide('nowhere', 1)).rejects.toMatchObject(closed('there is no such wait'));
    await expect(first.decide('r/ask#answer', 1)).rejects.toMatchObject(closed('there is no such wait'));
    await first.decide('r/ask#answer', 1, { tenantId: 't' });
    await expect(first.decide('r/ask#answer', 1, { tenantId: 't' })).rejects.toMatchObject(closed('it has been answered'));
    await expect(first.deliver('r', 'x', 1)).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    expect((await first.resume('r', { tenantId: 't' })).status).toBe('completed');
    await expect(first.deliver('r', 'x', 1, { tenantId: 't' })).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
  });

  test('refuse answers that cannot be kept', async () => {
    const { first } = shared(asking);
    await first.run(asking, { text: 1 });
    const refused = { code: 'SF_NOT_SERIALIZABLE', details: { received: 'a function' } };
    await expect(first.decide('r/ask#answer', () => 1)).rejects.toMatchObject(refused);
    await expect(first.deliver('r', 'x', { call: () => 1 })).rejects.toMatchObject(refused);
  });

  test('refuse more early answers than are kept', async () => {
    const { first } = shared(asking);
    await first.run(asking, { text: 1 });
    for (let at = 0; at < 100; at++) expect(await first.deliver('r', 'x', at)).toBe('kept');
    await expect(first.deliver('r', 'x', 1)).rejects.toMatchObject({ code: 'SF_WAIT_CLOSED', details: { waitId: 'r#x' } });
  });

  test('an answer may be undefined, null, or any plain data', async () => {
    const seen: unknown[] = [];
    const look = stage('look', {
      run: async (_, { waitFor }) => {
        for (const key of ['a', 'b', 'c']) seen.push(await waitFor('x', { schema: anything, key }));
      },
    });
    const made = pipeline('p', { outputs: { look } });
    const { first } = shared(made);
    await first.run(made, {});
    for (const answer of [undefined, null, new Map([[1n, new Date(3)]])]) {
      await first.deliver('r', 'x', answer);
      seen.length = 0;
      await first.resume('r');
    }
    expect(seen).toEqual([undefined, null, new Map([[1n, new Date(3)]])]);
  });
});

test('an answer to one of two runs that live reaches that one', async () => {
  const clock = virtualClock();
  let ids = 0;
  const made = pipeline('p', { outputs: { ask }, also: { slow: stage('slow', { run: () => clock.sleep(50) }) } });
  const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock, makeId: () => `run-${++ids}` });
  const runs = Promise.all([runtime.run(made, { text: 1 }), runtime.run(made, { text: 2 })]);
  await clock.advance(10);
  await runtime.decide('run-1/ask#answer', 'yes');
  expect((await clock.settle(runs)).map(({ status }) => status)).toEqual(['completed', 'suspended']);
});

test('an answer that came early is found where the store could not be asked for it at once', async () => {
  const made = pipeline('p', {
    outputs: {
      ask: stage('ask', {
        after: [stage('slow', { run: () => clock.sleep(50) })],
        run: (_, { waitFor }) => waitFor('go', { schema: anything }),
      }),
    },
  });
  const { first, clock, before, mend, fired, calls } = shared(made);
  const running = first.run(made, {});
  await clock.advance(10);
  expect(await first.deliver('r', 'go', 'early')).toBe('kept');
  before('load', () => {
    mend('load');
    refuses();
  });
  // The run comes to rest, is looked at, found answered, and goes on.
  expect(await clock.settle(running)).toMatchObject({ status: 'completed', outputs: { ask: 'early' } });
  expect(fired.count).toBe(1);
  expect(calls).toContain('acquire');
});

test('an input that the pipeline does not have any more is left where it is', async () => {
  const without = pipeline('asking', { outputs: { ask: stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('?') }) } });
  const { first, store } = shared(asking);
  await first.run(asking, { text: 1 });
  await first.decide('r/ask#answer', 'yes');
  const later = createRuntime({ pipelines: [without], store });
  expect(await later.resume('r', { compatible: true })).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
});

test('what an interceptor had already is kept as what the stage yields', async () => {
  const clock = virtualClock();
  const cache: Interceptor = { name: 'cache', only: { stages: ['a'] }, stage: async () => cached('from the cache') };
  const a = stage('a', { run: () => 'made' });
  const made = pipeline('p', {
    outputs: { a, last: stage('last', { needs: { a }, run: ({ a }, { answer }) => (answer(anything) === undefined ? suspend('?') : a) }) },
  });
  const store = memoryRunStore();
  const runtime = createRuntime({ pipelines: [made], store, clock, interceptors: [cache], makeId: () => 'r' });
  await clock.settle(runtime.run(made, {}));
  await runtime.decide('r/last#answer', 1);
  const later = createRuntime({ pipelines: [made], store, clock });
  expect(await clock.settle(later.resume('r'))).toMatchObject({
    status: 'completed',
    outputs: { a: 'from the cache', last: 'from the cache' },
  });
});

test('what an interceptor had already and cannot be kept is asked for again', async () => {
  const asked: string[] = [];
  const cache: Interceptor = {
    name: 'cache',
    only: { stages: ['a'] },
    stage: async () => {
      asked.push('cache');
      return cached({ call: () => 1 });
    },
  };
  const a = stage('a', { run: () => ({ call: () => 2 }) });
  const last = stage('last', { needs: { a }, run: ({ a }, { answer }) => (answer(anything) === undefined ? suspend('?') : a.call()) });
  const made = pipeline('p', { outputs: { last } });
  const { first } = shared(made, { interceptors: [cache] });
  await first.run(made, {});
  await first.decide('r/last#answer', 1);
  expect(await first.resume('r')).toMatchObject({ status: 'completed', outputs: { last: 1 } });
  expect(asked.length).toBe(2);
});

test('what a guard that fails open let pass is kept', async () => {
  const open = guard('open', {
    subject: text,
    failOpen: true,
    check: () => {
      throw new Error('no verdict');
    },
  });
  const made = pipeline('p', {
    outputs: {
      last: stage('last', { needs: { open }, run: ({ open }, { answer }) => (answer(anything) === undefined ? suspend('?') : open) }),
    },
  });
  const { first } = shared(made);
  await first.run(made, { text: 'hi' });
  await first.decide('r/last#answer', 1);
  expect(await first.resume('r')).toMatchObject({ status: 'completed', outputs: { last: 'hi' } });
});

test('outputs that cannot be kept leave a completed run completed', async () => {
  const cache: Interceptor = { name: 'cache', stage: async () => cached({ call: () => 1 }) };
  const made = pipelineOf(() => 1);
  const { first, store } = shared(made, { interceptors: [cache] });
  expect((await first.run(made, {})).status).toBe('completed');
  expect((await store.load('r', undefined))?.status).toBe('completed');
});

test('runs of one runtime do not disturb each other: each has its waits', async () => {
  let ids = 0;
  const { first } = shared(asking, { makeId: () => `run-${++ids}` });
  await Promise.all([first.run(asking, { text: 1 }), first.run(asking, { text: 2 })]);
  expect((await first.waits()).map(({ runId }) => runId).sort()).toEqual(['run-1', 'run-2']);
  expect((await first.waits({ runId: 'run-2' })).length).toBe(1);
  await first.decide('run-2/ask#answer', 'yes');
  expect((await first.resume('run-1')).status).toBe('suspended');
  expect((await first.resume('run-2')).status).toBe('completed');
});

test('ids that hold the signs that wait ids are made of are told apart', async () => {
  const store = memoryRunStore();
  const nested = pipeline('p', { outputs: { ask } });
  const runtime = createRuntime({ pipelines: [nested], store });
  for (const runId of ['a', 'a/b', 'a%2Fb', 'a#b']) await runtime.run(nested, { text: 1 }, { runId });
  const waits = await runtime.waits();
  expect(new Set(waits.map(({ waitId }) => waitId)).size).toBe(4);
});

function pipelineOf(run: () => unknown): RegisteredPipeline {
  return pipeline('p', { outputs: { a: stage('a', { run }) } });
}
