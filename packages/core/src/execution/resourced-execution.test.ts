import {
  createRuntime,
  guard,
  type Interceptor,
  inputs,
  map,
  pass,
  pipeline,
  type RegisteredPipeline,
  type ResourceOption,
  type RuntimeLimits,
  race,
  review,
  type StageContext,
  type StagePolicy,
  stage,
  suspend,
} from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { memoryRunStore } from '../durable/memory-run-store.ts';

type Resources = NonNullable<RuntimeLimits['resources']>;

/** A runtime with these resources, its clock, and a sink that has seen everything. */
function host(resources: Resources, ...pipelines: RegisteredPipeline[]) {
  const clock = virtualClock();
  const sink = recordingSink();
  const runtime = createRuntime({ pipelines, clock, sinks: [sink], limits: { resources } } as never);
  const inUse = () => Object.fromEntries(Object.entries(runtime.limits().resources).map(([name, { inUse }]) => [name, inUse]));
  return { clock, sink, runtime, inUse };
}

/** A stage that holds `resource` for 10 ms; who was at work and when it began is in `log`. */
function work(name: string, resource: ResourceOption, policy: StagePolicy = {}) {
  return stage(name, { ...policy, resource, run: (_, context) => take(10, context) });
}

const no = (): Promise<never> => no();

/** Takes `ms` of the time that the run lives by, unless it is aborted. */
function take(ms: number, { signal, extension }: StageContext): Promise<void> {
  const clock = extension('clock', anything) as { sleep(ms: number, signal: AbortSignal): Promise<void> };
  return clock.sleep(ms, signal);
}

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;

describe('a stage that names a resource', () => {
  test('waits for a slot, and the wait is queue time', async () => {
    const both = pipeline('both', { outputs: { a: work('a', 'model'), b: work('b', 'model') } });
    const { clock, sink, runtime, inUse } = host({ model: { capacity: 1 } }, both);
    const run = await clock.settle(runtime.run(both, {}, { extensions: { clock } }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 20 });
    expect([...run.stages.values()].map(({ startedAfterMs, durationMs, queuedMs }) => [startedAfterMs, durationMs, queuedMs])).toEqual([
      [0, 10, 0],
      [10, 10, 10],
    ]);
    expect(sink.of('stage.started').map(({ queuedMs }) => queuedMs)).toEqual([0, 10]);
    expect(inUse()).toEqual({ model: 0 });
    expect(clock.pending).toBe(0);
  });

  test('shares it with those of other runs, of which the higher priority goes first', async () => {
    const one = pipeline('one', { outputs: { a: work('a', 'model') } });
    const { clock, runtime } = host({ model: { capacity: 1 } }, one);
    const ended: string[] = [];
    const start = (runId: string, priority?: number) =>
      runtime.run(one, {}, { runId, priority, extensions: { clock } }).then(() => ended.push(runId));
    await clock.settle(Promise.all([start('first'), start('low'), start('high', 1)]));
    expect(ended).toEqual(['first', 'high', 'low']);
  });

  test('has its own priority besides that of its run', async () => {
    const made = pipeline('made', {
      outputs: {
        a: work('a', 'model'),
        b: work('b', { name: 'model', priority: -1 }),
        c: work('c', { name: 'model', priority: 1_000_000 }),
      },
    });
    const { clock, runtime } = host({ model: { capacity: 1 } }, made);
    const run = await clock.settle(runtime.run(made, {}, { priority: 1_000_000, extensions: { clock } }));
    expect(Object.fromEntries(Array.from(run.stages, ([name, { queuedMs }]) => [name, queuedMs]))).toEqual({ a: 0, c: 10, b: 20 });
  });

  test('takes the share of its tenant, or of the key that it names', async () => {
    const { model } = inputs<{ model: string }>();
    const byModel = stage('byModel', {
      needs: { model },
      resource: { name: 'llm', key: ({ model }, { userId }) => `${model}/${userId}` },
      run: (_, context) => take(10, context),
    });
    const asking = pipeline('asking', { outputs: { byModel } });
    const plain = pipeline('plain', { outputs: { a: work('a', 'llm') } });
    const { clock, runtime } = host({ llm: { capacity: 10, perKey: 1 } }, asking, plain);
    const extensions = { clock };
    const elapsed = async (...started: Promise<{ readonly elapsedMs: number }>[]) =>
      (await clock.settle(Promise.all(started))).map(({ elapsedMs }) => elapsedMs);
    const ask = (model: string) => runtime.run(asking, { model }, { userId: 'u', extensions });
    const run = (tenantId: string) => runtime.run(plain, {}, { tenantId, extensions });
    expect(await elapsed(ask('small'), ask('large'), ask('small'))).toEqual([10, 10, 20]);
    expect(await elapsed(run('acme'), run('globex'), run('acme'))).toEqual([10, 10, 20]);
  });

  test('counts among the calls of its run while it waits, so that a map does not fill the queue for all others', async () => {
    const { items } = inputs<{ items: number[] }>();
    const mapped = map('mapped', items, (item) =>
      stage('each', { needs: { item }, resource: 'model', run: (_, context) => take(10, context) }),
    );
    const many = pipeline('many', { outputs: { mapped }, maxConcurrency: 2 });
    const { clock, runtime } = host({ model: { capacity: 1, queue: { limit: 1 } } }, many);
    const run = await clock.settle(runtime.run(many, { items: [1, 2, 3, 4] }, { extensions: { clock } }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 40 });
    expect(run.stages.get('mapped[3]/each')?.queuedMs).toBe(30);
  });

  test('fails where the function that names its key throws', async () => {
    const made = pipeline('made', {
      outputs: {
        a: stage('a', {
          resource: {
            name: 'model',
            key: () => {
              throw new TypeError('no key');
            },
          },
          run: () => 1,
        }),
      },
    });
    const { runtime, inUse } = host({ model: { capacity: 1 } }, made);
    const run = await runtime.run(made, {});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', details: { thrown: 'TypeError: no key.' } } });
    expect(inUse()).toEqual({ model: 0 });
  });

  test('of several takes all of them in the order of the runtime, whatever its own', async () => {
    const made = pipeline('made', { outputs: { a: work('a', ['model', 'db']), b: work('b', ['db', 'model']) } });
    const { clock, runtime, inUse } = host({ db: { capacity: 1 }, model: { capacity: 1 } }, made);
    const running = runtime.run(made, {}, { extensions: { clock } });
    await clock.advance(5);
    expect(inUse()).toEqual({ db: 1, model: 1 });
    expect(runtime.limits().resources).toMatchObject({ db: { queued: 1 }, model: { queued: 0 } });
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', elapsedMs: 20 });
  });

  test('of several waits for one after the other, and holds what it has', async () => {
    const both = pipeline('both', { outputs: { it: work('it', ['db', 'model']) } });
    const holding = (name: string, ms: number) =>
      pipeline(name, { outputs: { it: stage('it', { resource: name, run: (_, context) => take(ms, context) }) } });
    const [db, model] = [holding('db', 20), holding('model', 30)];
    const { clock, runtime, inUse } = host({ db: { capacity: 1 }, model: { capacity: 1 } }, both, db, model);
    const extensions = { clock };
    const others = [runtime.run(db, {}, { extensions }), runtime.run(model, {}, { extensions })];
    const running = runtime.run(both, {}, { extensions });
    await clock.advance(25);
    expect([inUse(), runtime.limits().resources['model']?.queued]).toEqual([{ db: 1, model: 1 }, 1]);
    const run = await clock.settle(running);
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 40 });
    expect(run.stages.get('it')?.queuedMs).toBe(30);
    await Promise.all(others);
  });
});

describe('a slot', () => {
  test('is free between two attempts, and during a wait for an answer', async () => {
    const flaky = stage('flaky', {
      resource: 'model',
      retry: { attempts: 2, backoff: 'constant', baseMs: 30, jitter: 'none' },
      run: (_, { attempt }) => (attempt === 1 ? no() : attempt),
    });
    const asking = stage('asking', { resource: 'model', run: () => suspend('may I?') });
    const retrying = pipeline('retrying', { outputs: { flaky } });
    const waiting = pipeline('waiting', { outputs: { asking } });
    const clock = virtualClock();
    const limits = { resources: { model: { capacity: 1 } } };
    const runtime = createRuntime({ pipelines: [retrying, waiting], clock, limits, store: memoryRunStore() });
    const inUse = () => runtime.limits().resources['model']?.inUse;
    const running = runtime.run(retrying, {});
    await clock.advance(5);
    expect(inUse()).toBe(0);
    expect(await clock.settle(running)).toMatchObject({ outputs: { flaky: 2 } });
    expect((await clock.settle(runtime.run(waiting, {}))).status).toBe('suspended');
    expect(inUse()).toBe(0);
  });

  test('is free again where a decision on a review ends the guard without an attempt', async () => {
    const { text } = inputs<{ text: string }>();
    const safe = guard('safe', { subject: text, resource: 'model', check: () => review({ why: 'new customer' }) });
    const made = pipeline('made', { outputs: { safe } });
    const clock = virtualClock();
    const runtime = createRuntime({
      pipelines: [made],
      clock,
      limits: { resources: { model: { capacity: 1 } } },
      store: memoryRunStore(),
    });
    const { runId } = await clock.settle(runtime.run(made, { text: 'hi' }));
    const [wait] = await runtime.waits();
    await runtime.decide(wait?.waitId ?? '', { approved: true });
    expect(await clock.settle(runtime.resume(runId))).toMatchObject({ status: 'completed', outputs: { safe: 'hi' } });
    expect(runtime.limits().resources['model']).toMatchObject({ inUse: 0, refused: 0 });
  });

  test('stays with an attempt that was given up until it settles, or its grace has passed', async () => {
    const deaf = stage('deaf', { resource: 'model', timeoutMs: 10, graceMs: 20, run: () => new Promise(() => {}) });
    const made = pipeline('made', { outputs: { deaf } });
    const { clock, runtime, inUse } = host({ model: { capacity: 1 } }, made);
    const running = runtime.run(made, {});
    await clock.advance(29);
    expect(inUse()).toEqual({ model: 1 });
    await clock.advance(1);
    expect(inUse()).toEqual({ model: 0 });
    expect(await clock.settle(running)).toMatchObject({ status: 'failed', unsettled: ['deaf'] });
  });

  test('is free when the run has given up on a stage that ignores it', async () => {
    const deaf = pipeline('deaf', { outputs: { it: stage('it', { resource: 'model', run: () => new Promise(() => {}) }) } });
    const { clock, runtime, inUse } = host({ model: { capacity: 1 } }, deaf);
    const handle = runtime.start(deaf, {}, { graceMs: 100 });
    await clock.advance(10);
    handle.cancel();
    await clock.advance(99);
    expect(inUse()).toEqual({ model: 1 });
    expect(await clock.settle(handle.result)).toMatchObject({ status: 'cancelled', unsettled: ['it'] });
    expect(inUse()).toEqual({ model: 0 });
  });

  test('is taken inside the interceptors of a stage, and outside those of an attempt', async () => {
    const log: string[] = [];
    const a = stage('a', { resource: 'model', run: () => void log.push('run') });
    const made = pipeline('made', { outputs: { a } });
    const { clock, runtime } = host({ model: { capacity: 1 } }, made);
    const note = (what: string) => log.push(`${what}: ${runtime.limits().resources['model']?.inUse}`);
    const noting: Interceptor = {
      name: 'noting',
      stage: (_, next) => {
        note('stage');
        return next().finally(() => note('stage after'));
      },
      attempt: (_, next) => {
        note('attempt');
        return next();
      },
    };
    await clock.settle(runtime.run(made, {}, { interceptors: [noting] }));
    expect(log).toEqual(['stage: 0', 'attempt: 1', 'run', 'stage after: 0']);
  });
});

describe('a refusal', () => {
  const crowded = { model: { capacity: 1, queue: { limit: 1, timeoutMs: 50 } } };

  test('fails the attempt, typed and with a reason, once the queue is full or the wait too long', async () => {
    const held = pipeline('held', { outputs: { it: stage('it', { resource: 'model', run: (_, context) => take(100, context) }) } });
    const one = pipeline('one', { outputs: { a: work('a', 'model') } });
    const { clock, sink, runtime } = host(crowded, held, one);
    const extensions = { clock };
    const holding = runtime.run(held, {}, { extensions });
    const [late, full] = await clock.settle(
      Promise.all([
        runtime.run(one, {}, { extensions, runId: 'late', tenantId: 'acme' }),
        runtime.run(one, {}, { extensions, runId: 'full' }),
      ]),
    );
    const details = { stage: 'a', resource: 'model', key: undefined };
    expect(full).toMatchObject({ status: 'failed', error: { code: 'SF_RESOURCE_REFUSED', retryable: true, path: 'a', runId: 'full' } });
    expect(full).toMatchObject({ error: { details: { ...details, why: 'queue_full', limit: 1 } } });
    expect(late).toMatchObject({ error: { details: { ...details, key: 'acme', why: 'queue_timeout', limit: 50 } } });
    expect(late.stages.get('a')).toMatchObject({ attempts: 1, queuedMs: 50 });
    const told = sink.events.filter(({ runId }) => runId === 'late').map(({ type }) => type);
    expect(told).toEqual(['run.created', 'run.started', 'stage.started', 'attempt.failed', 'stage.failed', 'run.stopping', 'run.failed']);
    await clock.settle(holding);
  });

  test('is followed by another attempt where the stage has them', async () => {
    const held = pipeline('held', { outputs: { it: stage('it', { resource: 'model', run: (_, context) => take(70, context) }) } });
    const patient = pipeline('patient', {
      outputs: { a: work('a', 'model', { retry: { attempts: 3, backoff: 'constant', baseMs: 10, jitter: 'none' } }) },
    });
    const { clock, runtime } = host(crowded, held, patient);
    const extensions = { clock };
    const [, run] = await clock.settle(Promise.all([runtime.run(held, {}, { extensions }), runtime.run(patient, {}, { extensions })]));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 80 });
    expect(run.stages.get('a')).toMatchObject({ attempts: 2, queuedMs: 60 });
  });

  test('of a later resource gives back the earlier ones', async () => {
    const held = pipeline('held', { outputs: { it: stage('it', { resource: 'model', run: (_, context) => take(100, context) }) } });
    const made = pipeline('made', { outputs: { a: work('a', ['db', 'model']) } });
    const { clock, runtime, inUse } = host({ db: { capacity: 1 }, model: { capacity: 1, queue: { limit: 0 } } }, held, made);
    const extensions = { clock };
    const holding = runtime.run(held, {}, { extensions });
    expect(await runtime.run(made, {}, { extensions })).toMatchObject({ status: 'failed', error: { details: { resource: 'model' } } });
    expect(inUse()).toEqual({ db: 0, model: 1 });
    await clock.settle(holding);
  });

  test('also comes to who has waited for an earlier resource', async () => {
    const held = pipeline('held', { outputs: { it: stage('it', { resource: 'model', run: (_, context) => take(100, context) }) } });
    const brief = pipeline('brief', { outputs: { it: work('it', 'db') } });
    const made = pipeline('made', { outputs: { a: work('a', ['db', 'model']) } });
    const { clock, runtime, inUse } = host({ db: { capacity: 1 }, model: { capacity: 1, queue: { limit: 0 } } }, held, brief, made);
    const extensions = { clock };
    const others = [runtime.run(held, {}, { extensions }), runtime.run(brief, {}, { extensions })];
    const run = await clock.settle(runtime.run(made, {}, { extensions }));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 10, error: { details: { resource: 'model', why: 'queue_full' } } });
    expect(inUse()).toEqual({ db: 0, model: 1 });
    await clock.settle(Promise.all(others));
  });

  test('blocks a guard, unless it fails open: then the subject passes', async () => {
    const { text } = inputs<{ text: string }>();
    const held = pipeline('held', { outputs: { it: stage('it', { resource: 'model', run: (_, context) => take(100, context) }) } });
    const judging = (name: string, failOpen: boolean) =>
      pipeline(name, { outputs: { safe: guard('safe', { subject: text, resource: 'model', failOpen, check: () => pass() }) } });
    const [strict, open] = [judging('strict', false), judging('open', true)];
    const { clock, runtime } = host({ model: { capacity: 1, queue: { limit: 0 } } }, held, strict, open);
    const holding = runtime.run(held, {}, { extensions: { clock } });
    expect(await runtime.run(strict, { text: 'hi' })).toMatchObject({ status: 'blocked' });
    expect(await runtime.run(open, { text: 'hi' })).toMatchObject({ status: 'completed', outputs: { safe: 'hi' } });
    await clock.settle(holding);
  });
});

describe('a wait', () => {
  const holding = () => stage('holding', { resource: 'model', run: (_, context) => take(100, context) });

  test('ends when the run stops, before the first attempt and between two', async () => {
    const flaky = stage('flaky', {
      resource: 'model',
      retry: { attempts: 2, backoff: 'constant', baseMs: 10, jitter: 'none' },
      run: no,
    });
    const first = pipeline('first', { outputs: { a: work('a', 'model') } });
    const again = pipeline('again', { outputs: { flaky } });
    const held = pipeline('held', { outputs: { holding: holding() } });
    const { clock, runtime } = host({ model: { capacity: 1 } }, first, again, held);
    const extensions = { clock };
    const retrying = runtime.start(again, {});
    await clock.advance(1);
    const others: Promise<unknown>[] = [runtime.run(held, {}, { extensions })];
    const waiting = runtime.start(first, {}, { extensions });
    await clock.advance(20);
    expect(runtime.limits().resources['model']?.queued).toBe(2);
    waiting.cancel('enough');
    retrying.cancel('enough');
    expect(runtime.limits().resources['model']?.queued).toBe(0);
    const [neverBegan, between] = await Promise.all([waiting.result, retrying.result]);
    expect(neverBegan).toMatchObject({ status: 'cancelled', unsettled: [] });
    expect(neverBegan.stages.get('a')).toMatchObject({ status: 'cancelled', attempts: 0 });
    expect(between).toMatchObject({ status: 'cancelled', unsettled: [] });
    expect(between.stages.get('flaky')).toMatchObject({ status: 'cancelled', attempts: 1 });
    await clock.settle(Promise.all(others));
  });

  test('of one that loses a race ends, before the first attempt and between two', async () => {
    const quick = stage('quick', { run: (_, context) => take(30, context) });
    const flaky = stage('flaky', {
      resource: 'other',
      retry: { attempts: 2, backoff: 'constant', baseMs: 10, jitter: 'none' },
      run: (_, { attempt }) => (attempt === 1 ? no() : attempt),
    });
    const made = pipeline('made', {
      outputs: { won: race('won', quick, work('waiting', 'model'), flaky) },
    });
    const held = pipeline('held', { outputs: { holding: holding() } });
    const late = pipeline('late', { outputs: { it: stage('it', { resource: 'other', run: (_, context) => take(100, context) }) } });
    const { clock, runtime } = host({ model: { capacity: 1 }, other: { capacity: 1 } }, made, held, late);
    const extensions = { clock };
    const others: Promise<unknown>[] = [runtime.run(held, {}, { extensions })];
    const running = runtime.run(made, {}, { extensions });
    await clock.advance(1);
    others.push(runtime.run(late, {}, { extensions }));
    await clock.advance(20);
    const queued = () => Object.values(runtime.limits().resources).map(({ queued }) => queued);
    expect(queued()).toEqual([1, 1]);
    await clock.advance(20);
    expect(queued()).toEqual([0, 0]);
    const run = await running;
    expect([...run.stages.values()].map(({ stage, status }) => [stage, status])).toEqual([
      ['quick', 'completed'],
      ['waiting', 'skipped'],
      ['flaky', 'skipped'],
      ['won', 'completed'],
    ]);
    await clock.settle(Promise.all(others));
  });

  test('is over for one that has its slot and loses a race: then it is at work, and is aborted', async () => {
    const made = pipeline('made', {
      outputs: { won: race('won', stage('quick', { run: (_, context) => take(5, context) }), work('slow', 'model')) },
    });
    const { clock, runtime, inUse } = host({ model: { capacity: 1 } }, made);
    const run = await clock.settle(runtime.run(made, {}, { extensions: { clock } }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 5 });
    expect(inUse()).toEqual({ model: 0 });
  });

  test('of an item of a map ends with the map', async () => {
    const { items } = inputs<{ items: number[] }>();
    const mapped = map('mapped', items, (item) => {
      const bad = stage('bad', { needs: { item }, run: (_, context) => take(10, context).then(no) });
      return stage('each', { needs: { item, slow: work('slow', 'model') }, after: [bad], run: () => 1 });
    });
    const made = pipeline('made', { outputs: { mapped } });
    const held = pipeline('held', { outputs: { holding: holding() } });
    const { clock, runtime, inUse } = host({ model: { capacity: 1 } }, made, held);
    const extensions = { clock };
    const others = runtime.run(held, {}, { extensions });
    const run = await clock.settle(runtime.run(made, { items: [1, 2] }, { extensions }));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 10 });
    expect(runtime.limits().resources['model']?.queued).toBe(0);
    expect(inUse()).toEqual({ model: 1 });
    await clock.settle(others);
  });
});

describe('a stage that is called', () => {
  const outer = (resource: ResourceOption | undefined, callee: ReturnType<typeof work>) =>
    stage('outer', { resource, run: (_, { call }) => call(callee, {}) });

  test('uses the slot of its caller where that holds the resource, at any depth', async () => {
    const inner = work('inner', 'model');
    const middle = stage('middle', { run: (_, { call }) => call(inner, {}) });
    const made = pipeline('made', {
      outputs: { outer: stage('outer', { resource: 'model', run: (_, { call }) => call(middle, {}) }) },
    });
    const { clock, runtime, inUse } = host({ model: { capacity: 1 } }, made);
    const running = runtime.run(made, {}, { extensions: { clock } });
    await clock.advance(5);
    expect(inUse()).toEqual({ model: 1 });
    expect(await clock.settle(running)).toMatchObject({ status: 'completed', elapsedMs: 10 });
    expect(inUse()).toEqual({ model: 0 });
  });

  test('waits for a slot of its own where its caller holds none', async () => {
    const made = pipeline('made', { outputs: { outer: outer(undefined, work('inner', 'model')), other: work('other', 'model') } });
    const { clock, runtime } = host({ model: { capacity: 1 } }, made);
    const run = await clock.settle(runtime.run(made, {}, { extensions: { clock }, maxConcurrency: 2 }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 20 });
    expect(run.stages.get('other')?.queuedMs).toBe(10);
    expect(run.stages.get('outer/inner')?.queuedMs).toBe(0);
    const later = stage('later', { run: (_, context) => take(5, context).then(() => context.call(work('inner', 'model'), {})) });
    const calling = pipeline('calling', { outputs: { later } });
    const second = host({ model: { capacity: 1 } }, calling);
    const called = await second.clock.settle(second.runtime.run(calling, {}, { extensions: { clock: second.clock }, maxConcurrency: 2 }));
    expect(called.stages.get('later/inner')).toMatchObject({ startedAfterMs: 5, queuedMs: 0 });
  });

  test('cannot take a resource that stands before one its caller holds: two such could wait for each other', async () => {
    const made = pipeline('made', { outputs: { outer: outer('model', work('inner', 'db')) } });
    const { clock, runtime, inUse } = host({ db: { capacity: 1 }, model: { capacity: 1 } }, made);
    const run = await runtime.run(made, {}, { extensions: { clock } });
    expect(run.errors.map(({ code, path }) => [code, path])).toContainEqual(['SF_RESOURCE_ORDER', 'outer/inner']);
    expect(inUse()).toEqual({ db: 0, model: 0 });
    const sound = host({ model: { capacity: 1 }, db: { capacity: 1 } }, made);
    expect(await sound.clock.settle(sound.runtime.run(made, {}, { extensions: { clock: sound.clock } }))).toMatchObject({
      status: 'completed',
    });
  });

  test('fails where it names a resource that the runtime does not have', async () => {
    const made = pipeline('made', { outputs: { outer: outer(undefined, work('inner', 'modle')) } });
    const { runtime } = host({ model: { capacity: 1 } }, made);
    const run = await runtime.run(made, {});
    expect(run.errors).toContainEqual(expect.objectContaining({ code: 'SF_RESOURCE_UNKNOWN', hint: 'Did you mean "model"?' }));
  });
});

describe('without a runtime that has resources', () => {
  test('a stage that names one fails, whatever its policy of retries, and is not called', async () => {
    const a = work('a', 'model', { retry: { attempts: 5, when: () => true } });
    const run = await pipeline('made', { outputs: { a } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUNTIME_REQUIRED' } });
    expect(run.stages.get('a')?.attempts).toBe(1);
  });
});
