import {
  block,
  cached,
  cancel,
  createRuntime,
  defineError,
  defineEvent,
  guard,
  type Interceptor,
  inputs,
  isTerminal,
  map,
  memoryRunStore,
  optional,
  pipeline,
  type RunEvent,
  StageflowError,
  settled,
  skip,
  stage,
  suspend,
} from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { Counter, type OpenMetricsContentType, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { samplesOf, valuesOf } from '../test/samples.ts';
import { prometheusMetrics } from './prometheus-metrics.ts';

const { text } = inputs<{ text: string }>();
const answer = stage('answer', { kind: 'agent', needs: { text }, run: ({ text }) => `you said ${text}` });
const chat = pipeline('chat', { outputs: { answer } });
const traceId = '0af7651916cd43dd8448eb211c80319c';

describe('the metrics of runs', () => {
  test('count each run by how it ended, and how long it took', async () => {
    const clock = virtualClock();
    const metrics = prometheusMetrics();
    const slow = stage('slow', { run: () => clock.sleep(2_000) });
    const broken = stage('broken', {
      run: () => {
        throw new Error('no');
      },
    });
    const stopped = stage('stopped', { run: () => cancel('enough') });
    const gate = guard('gate', { subject: answer, check: () => block('closed') });
    const options = { clock, sinks: [metrics] };
    await clock.settle(pipeline('slow', { outputs: { slow } }).run({}, options));
    await clock.settle(pipeline('broken', { outputs: { broken } }).run({}, options));
    await clock.settle(pipeline('stopped', { outputs: { stopped } }).run({}, options));
    await clock.settle(pipeline('guarded', { outputs: { gate } }).run({ text: 'hi' }, options));
    expect(await valuesOf(metrics, 'stageflow_runs_total')).toEqual({
      'pipeline=slow,status=completed': 1,
      'pipeline=broken,status=failed': 1,
      'pipeline=stopped,status=cancelled': 1,
      'pipeline=guarded,status=blocked': 1,
    });
    expect(await valuesOf(metrics, 'stageflow_run_failures_total')).toEqual({ 'pipeline=broken,code=SF_STAGE_FAILED': 1 });
    expect(await valuesOf(metrics, 'stageflow_run_duration_seconds_sum')).toMatchObject({ 'pipeline=slow,status=completed': 2 });
    const buckets = await valuesOf(metrics, 'stageflow_run_duration_seconds_bucket');
    expect([buckets['le=1,pipeline=slow,status=completed'], buckets['le=2.5,pipeline=slow,status=completed']]).toEqual([0, 1]);
  });

  test('show the runs under way, and a pipeline without one at 0', async () => {
    const clock = virtualClock();
    const metrics = prometheusMetrics();
    const slow = pipeline('slow', { outputs: { wait: stage('wait', { run: () => clock.sleep(100) }) } });
    const runtime = createRuntime({ pipelines: [slow], sinks: [metrics], clock });
    const runs = [runtime.run(slow, {}), runtime.run(slow, {})];
    await clock.advance(50);
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=slow': 2 });
    metrics.registry.resetMetrics();
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=slow': 2 });
    await clock.settle(Promise.all(runs));
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=slow': 0 });
  });

  test('count an activation that is suspended, and the one that goes on, each as one', async () => {
    const metrics = prometheusMetrics();
    const approved = stage('approved', { run: (_, { answer }) => answer(z.boolean()) ?? suspend({ question: 'Go?' }) });
    const asks = pipeline('asks', { outputs: { approved } });
    const runtime = createRuntime({ pipelines: [asks], sinks: [metrics], store: memoryRunStore() });
    const run = await runtime.run(asks, {});
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=asks': 0 });
    const [wait] = await runtime.waits();
    await runtime.decide(wait?.waitId ?? '', true);
    await runtime.resume(run.runId);
    expect(await valuesOf(metrics, 'stageflow_runs_total')).toEqual({
      'pipeline=asks,status=suspended': 1,
      'pipeline=asks,status=completed': 1,
    });
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=asks': 0 });
    await runtime.close();
  });
});

describe('the metrics of stages', () => {
  test('count each stage by its true status, those that never started, too', async () => {
    const metrics = prometheusMetrics();
    const broken = stage('broken', {
      run: () => {
        throw new Error('no');
      },
    });
    const behind = stage('behind', { needs: { broken }, run: () => 1 });
    const chosen = stage('chosen', { kind: 'enrich', run: () => skip('nothing to give') });
    const reader = stage('reader', { needs: { chosen: optional(chosen) }, run: () => 'read' });
    const gate = guard('gate', { subject: reader, check: () => block('closed') });
    const all = pipeline('all', { outputs: { behind: settled(behind), gate: settled(gate) } });
    await all.run({}, { sinks: [metrics], failureMode: 'continue' });
    expect(await valuesOf(metrics, 'stageflow_stages_total')).toEqual({
      'pipeline=all,stage=broken,kind=transform,status=failed': 1,
      'pipeline=all,stage=behind,kind=transform,status=skipped': 1,
      'pipeline=all,stage=chosen,kind=enrich,status=skipped': 1,
      'pipeline=all,stage=reader,kind=transform,status=completed': 1,
      'pipeline=all,stage=gate,kind=guard,status=blocked': 1,
    });
    expect(await valuesOf(metrics, 'stageflow_stage_failures_total')).toEqual({ 'pipeline=all,stage=broken,code=SF_STAGE_FAILED': 1 });
    expect(Object.keys(await valuesOf(metrics, 'stageflow_stage_duration_seconds_count')).toSorted()).toEqual([
      'pipeline=all,stage=broken,kind=transform,status=failed',
      'pipeline=all,stage=gate,kind=guard,status=blocked',
      'pipeline=all,stage=reader,kind=transform,status=completed',
    ]);
  });

  test('measure how long a stage waited for a slot', async () => {
    const clock = virtualClock();
    const metrics = prometheusMetrics();
    const first = stage('first', { run: () => clock.sleep(3_000) });
    const second = stage('second', { run: () => clock.sleep(1) });
    const narrow = pipeline('narrow', { outputs: { first, second } });
    await clock.settle(narrow.run({}, { clock, maxConcurrency: 1, sinks: [metrics] }));
    expect(await valuesOf(metrics, 'stageflow_stage_queue_seconds_sum')).toEqual({
      'pipeline=narrow,stage=first': 0,
      'pipeline=narrow,stage=second': 3,
    });
  });

  test('count attempts that were followed by another, were given up, or came late', async () => {
    const clock = virtualClock();
    const metrics = prometheusMetrics();
    const flaky = stage('flaky', {
      retry: { attempts: 3, baseMs: 10, jitter: 'none' },
      run: () => {
        throw new Error('not yet');
      },
    });
    const deaf = stage('deaf', { timeoutMs: 10, run: () => clock.sleep(100) });
    const keep = stage('keep', { run: () => clock.sleep(500) });
    const wide = pipeline('wide', { outputs: { flaky: settled(flaky), deaf: settled(deaf), keep } });
    await clock.settle(wide.run({}, { clock, graceMs: 20, failureMode: 'continue', sinks: [metrics] }));
    expect(await valuesOf(metrics, 'stageflow_stage_retries_total')).toEqual({ 'pipeline=wide,stage=flaky': 2 });
    expect(await valuesOf(metrics, 'stageflow_attempts_abandoned_total')).toEqual({ 'pipeline=wide,stage=deaf': 1 });
    expect(await valuesOf(metrics, 'stageflow_attempts_late_total')).toEqual({ 'pipeline=wide,stage=deaf': 1 });
    expect(await valuesOf(metrics, 'stageflow_stage_failures_total')).toMatchObject({
      'pipeline=wide,stage=deaf,code=SF_STAGE_TIMEOUT': 1,
    });
  });

  test('count guards that could not judge and let pass', async () => {
    const metrics = prometheusMetrics();
    const gate = guard('gate', {
      subject: answer,
      failOpen: true,
      check: () => {
        throw new Error('no judge');
      },
    });
    await pipeline('open', { outputs: { gate } }).run({ text: 'hi' }, { sinks: [metrics] });
    expect(await valuesOf(metrics, 'stageflow_guards_failed_open_total')).toEqual({ 'pipeline=open,stage=gate': 1 });
  });

  test('measure no time where an interceptor had the value already', async () => {
    const metrics = prometheusMetrics();
    const memo: Interceptor = { name: 'memo', stage: async () => cached('known') };
    await chat.run({ text: 'hi' }, { sinks: [metrics], interceptors: [memo] });
    expect(await valuesOf(metrics, 'stageflow_stages_total')).toEqual({ 'pipeline=chat,stage=answer,kind=agent,status=completed': 1 });
    expect(await valuesOf(metrics, 'stageflow_stage_duration_seconds_count')).toEqual({});
  });
});

describe('breakers', { timeout: 30_000 }, () => {
  const told = z.object({ breaker: z.string(), key: z.string() });
  const opened = defineEvent('breaker.opened', told);
  const halfOpened = defineEvent('breaker.half_opened', told);
  const closed = defineEvent('breaker.closed', told);
  const nameless = defineEvent('breaker.opened', z.unknown());
  const priced = defineEvent('cart.priced', told);

  test('show how many of their circuits are open or half open, whatever the keys', async () => {
    const metrics = prometheusMetrics();
    const telling = stage('telling', {
      run: (_, { emit }) => {
        for (const key of ['a', 'b', 'c', 'd']) emit(opened, { breaker: 'model', key });
        emit(halfOpened, { breaker: 'model', key: 'a' });
        emit(closed, { breaker: 'model', key: 'b' });
        emit(opened, { breaker: 'search', key: 'a' });
        emit(closed, { breaker: 'search', key: 'a' });
        emit(closed, { breaker: 'mail', key: 'never opened' });
        emit(nameless, 12);
        emit(priced, { breaker: 'none of these', key: 'a' });
      },
    });
    await pipeline('tells', { outputs: { telling } }).run({}, { sinks: [metrics] });
    expect(await valuesOf(metrics, 'stageflow_breaker_circuits')).toEqual({
      'breaker=model,state=open': 2,
      'breaker=model,state=half_open': 1,
      'breaker=search,state=open': 0,
      'breaker=search,state=half_open': 0,
      'breaker=mail,state=open': 0,
      'breaker=mail,state=half_open': 0,
      'breaker=telling,state=open': 1,
      'breaker=telling,state=half_open': 0,
    });
  });

  test('are no more series, and no more memory, for 20,000 keys', async () => {
    const metrics = prometheusMetrics();
    const telling = stage('telling', {
      run: (_, { emit }) => {
        for (let at = 0; at < 20_000; at++) emit(opened, { breaker: 'model', key: `tenant-${at}` });
      },
    });
    await pipeline('tells', { outputs: { telling } }).run({}, { sinks: [metrics] });
    expect(await valuesOf(metrics, 'stageflow_breaker_circuits')).toEqual({
      'breaker=model,state=open': 10_000,
      'breaker=model,state=half_open': 0,
    });
  });
});

describe('labels', { timeout: 30_000 }, () => {
  test('are as many for 10,000 runs, tenants and keys of items as for one', async () => {
    const metrics = prometheusMetrics();
    const { keys } = inputs<{ keys: string[] }>();
    const list = stage('list', { needs: { keys }, run: ({ keys }) => keys });
    const each = map('each', list, (item) => stage('item', { needs: { item }, run: ({ item }) => item.length }), { key: (key) => key });
    const items = pipeline('items', { outputs: { each } });
    const runtime = createRuntime({ pipelines: [items, chat], sinks: [metrics] });
    await runtime.run(items, { keys: ['one'] });
    await runtime.run(chat, { text: 'hi' });
    const before = (await samplesOf(metrics)).length;
    await runtime.run(items, { keys: Array.from({ length: 10_000 }, (_, at) => `key-${at}`) });
    for (let at = 0; at < 10_000; at++) {
      await runtime.run(
        chat,
        { text: 'hi' },
        { runId: `run-${at}`, tenantId: `tenant-${at}`, userId: `user-${at}`, correlationId: `c-${at}` },
      );
    }
    const samples = await samplesOf(metrics);
    expect(samples).toHaveLength(before);
    expect(samples).toContainEqual(
      expect.objectContaining({ name: 'stageflow_runs_total', labels: { pipeline: 'chat', status: 'completed' }, value: 10_001 }),
    );
    await runtime.close();
  });

  test('are bounded where 10,000 pipelines, stages and codes have names of their own', async () => {
    const metrics = prometheusMetrics({ maxPipelines: 10, maxStages: 20 });
    for (let at = 0; at < 10_000; at++) {
      const code = defineError(`E${at}`, { message: () => 'no', hint: () => 'none' });
      const refuse = () => Promise.reject(new StageflowError(code, {}));
      const named = stage(`stage-${at}`, { run: () => 1 });
      const interceptors: Interceptor[] = [{ name: 'refuses', stage: refuse }];
      await pipeline(`pipeline-${at}`, { outputs: { named } }).run({}, { sinks: [metrics], interceptors });
    }
    const samples = await samplesOf(metrics);
    const distinct = (label: string) => new Set(samples.map(({ labels }) => labels[label]).filter((value) => value !== undefined));
    expect(distinct('pipeline').size).toBe(11);
    expect(distinct('stage').size).toBe(11);
    expect(distinct('code').size).toBe(11);
    expect(samples.length).toBeLessThan(1_500);
    expect(await valuesOf(metrics, 'stageflow_runs_total')).toMatchObject({
      'pipeline=pipeline-9,status=failed': 1,
      'pipeline=other,status=failed': 9_990,
    });
  });

  test('are bounded where one pipeline has 10,000 stages, and cut where a name is long', async () => {
    const metrics = prometheusMetrics({ maxStages: 20 });
    const stages = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`s${at}`, stage(`s${at}${'x'.repeat(500)}`, { run: () => at })]),
    );
    await pipeline('wide', { outputs: stages }).run({}, { sinks: [metrics] });
    const values = await valuesOf(metrics, 'stageflow_stages_total');
    expect(Object.keys(values)).toHaveLength(21);
    expect(values['pipeline=wide,stage=other,kind=transform,status=completed']).toBe(9_980);
    expect(Math.max(...Object.keys(values).map((key) => key.length))).toBeLessThan(200);
  });

  test('tell tenants apart where they are listed, and only in metrics about runs', async () => {
    const metrics = prometheusMetrics({ tenants: ['acme', 'globex'] });
    const runtime = createRuntime({ pipelines: [chat], sinks: [metrics] });
    for (const tenantId of ['acme', 'initech', 'umbrella', undefined]) await runtime.run(chat, { text: 'hi' }, { tenantId });
    expect(await valuesOf(metrics, 'stageflow_runs_total')).toEqual({
      'pipeline=chat,tenant=acme,status=completed': 1,
      'pipeline=chat,tenant=other,status=completed': 2,
      'pipeline=chat,tenant=none,status=completed': 1,
    });
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({
      'pipeline=chat,tenant=acme': 0,
      'pipeline=chat,tenant=other': 0,
      'pipeline=chat,tenant=none': 0,
    });
    expect(await valuesOf(metrics, 'stageflow_stages_total')).toEqual({ 'pipeline=chat,stage=answer,kind=agent,status=completed': 4 });
  });
});

describe('events that are lost', () => {
  test('are counted, and the runs under way are right again at the end of each run', async () => {
    const metrics = prometheusMetrics();
    const held: (() => void)[] = [];
    const slow = { name: 'slow', emit: (event: RunEvent) => new Promise<void>((go) => held.push(() => go(metrics.emit(event)))) };
    const runtime = createRuntime({ pipelines: [chat], sinks: [{ sink: slow, capacity: 1 }] });
    metrics.watch(runtime);
    for (let at = 0; at < 20; at++) await runtime.run(chat, { text: 'hi' });
    const closed = runtime.close();
    let ended = false;
    void closed.then(() => {
      ended = true;
    });
    const seen: number[] = [];
    while (!ended) {
      held.shift()?.();
      await new Promise(setImmediate);
      seen.push((await valuesOf(metrics, 'stageflow_runs_active'))['pipeline=chat'] ?? 0);
    }
    const dropped = runtime.sinks['slow']?.dropped ?? 0;
    expect(dropped).toBeGreaterThan(50);
    expect(await valuesOf(metrics, 'stageflow_events_lost_total')).toEqual({ 'sink=slow': dropped });
    expect(await valuesOf(metrics, 'stageflow_sink_events_total')).toMatchObject({ 'sink=slow,result=dropped': dropped });
    expect(await valuesOf(metrics, 'stageflow_runs_total')).toEqual({ 'pipeline=chat,status=completed': 20 });
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=chat': 0 });
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([0, 1]);
  });

  test('do not hide a run whose first events they were', async () => {
    const clock = virtualClock();
    const metrics = prometheusMetrics();
    const late = { name: 'late', emit: (event: RunEvent) => void (event.seq >= 3 && metrics.emit(event)) };
    const slow = pipeline('slow', { outputs: { wait: stage('wait', { run: () => clock.sleep(100) }) } });
    const run = slow.run({}, { clock, sinks: [late] });
    await clock.advance(50);
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=slow': 1 });
    await clock.settle(run);
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=slow': 0 });
  });

  test('do not come after the last of a run: an attempt that settles later leaves no run under way', async () => {
    const clock = virtualClock();
    const metrics = prometheusMetrics();
    let settled = false;
    const deaf = stage('deaf', {
      timeoutMs: 10,
      run: async () => {
        await clock.sleep(1_000);
        settled = true;
      },
    });
    await clock.settle(pipeline('brief', { outputs: { deaf } }).run({}, { clock, graceMs: 20, sinks: [metrics] }));
    expect(settled).toBe(false);
    await clock.advance(2_000);
    expect(settled).toBe(true);
    expect(await valuesOf(metrics, 'stageflow_attempts_abandoned_total')).toEqual({ 'pipeline=brief,stage=deaf': 1 });
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=brief': 0 });
  });

  test('that come twice, as from a walk that is repeated, count once while the run lasts', async () => {
    const metrics = prometheusMetrics();
    const twice = {
      name: 'twice',
      emit: (event: RunEvent) => {
        metrics.emit(event);
        if (!isTerminal(event)) metrics.emit(event);
      },
    };
    await chat.run({ text: 'hi' }, { sinks: [twice] });
    expect(await valuesOf(metrics, 'stageflow_stages_total')).toEqual({ 'pipeline=chat,stage=answer,kind=agent,status=completed': 1 });
    expect(await valuesOf(metrics, 'stageflow_runs_active')).toEqual({ 'pipeline=chat': 0 });
  });
});

describe('watch()', () => {
  test('shows what became of the events of all sinks, of several runtimes together, also when one is let go', async () => {
    const metrics = prometheusMetrics();
    const broken = {
      name: 'broken',
      emit: () => {
        throw new Error('no');
      },
    };
    const runtimes = [1, 2].map(() => createRuntime({ pipelines: [chat], sinks: [broken] }));
    const stops = runtimes.map((runtime) => metrics.watch(runtime));
    for (const runtime of runtimes) await runtime.run(chat, { text: 'hi' });
    const expected = { 'sink=broken,result=delivered': 0, 'sink=broken,result=dropped': 0, 'sink=broken,result=failed': 10 };
    expect(await valuesOf(metrics, 'stageflow_sink_events_total')).toEqual(expected);
    for (const stop of [...stops, ...stops]) stop();
    await runtimes[0]?.run(chat, { text: 'not watched' });
    expect(await valuesOf(metrics, 'stageflow_sink_events_total')).toEqual(expected);
  });
});

describe('registries', () => {
  test('are shared by any number of runtimes, whose counts add up', async () => {
    const registry = new Registry();
    const [first, second] = [prometheusMetrics({ registry }), prometheusMetrics({ registry })];
    const runtimes = [first, second].map((metrics) => createRuntime({ pipelines: [chat], sinks: [metrics] }));
    for (const runtime of runtimes) await runtime.run(chat, { text: 'hi' });
    for (const metrics of [first, second]) {
      expect(await valuesOf(metrics, 'stageflow_runs_total')).toEqual({ 'pipeline=chat,status=completed': 2 });
    }
  });

  test('of their own keep instances apart, as do prefixes', async () => {
    const registry = new Registry();
    const [one, two, three] = [
      prometheusMetrics({ registry }),
      prometheusMetrics({ registry, prefix: 'shop_', name: 'shop' }),
      prometheusMetrics({ name: 'own' }),
    ];
    const runtime = createRuntime({ pipelines: [chat], sinks: [one, two] });
    await runtime.run(chat, { text: 'hi' });
    expect(await valuesOf(one, 'stageflow_runs_total')).toEqual({ 'pipeline=chat,status=completed': 1 });
    expect(await valuesOf(one, 'shop_runs_total')).toEqual({ 'pipeline=chat,status=completed': 1 });
    expect(await valuesOf(three, 'stageflow_runs_total')).toEqual({});
  });

  test('may hold metrics of the host', async () => {
    const registry = new Registry();
    new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] }).inc(3);
    const metrics = prometheusMetrics({ registry });
    expect(await valuesOf(metrics, 'orders_total')).toEqual({ '': 3 });
  });

  test('that were cleared get the metrics anew', async () => {
    const registry = new Registry();
    prometheusMetrics({ registry });
    registry.clear();
    const metrics = prometheusMetrics({ registry });
    await chat.run({ text: 'hi' }, { sinks: [metrics] });
    expect(await valuesOf(metrics, 'stageflow_runs_total')).toEqual({ 'pipeline=chat,status=completed': 1 });
  });

  test('refuse the same metrics with other options', () => {
    const registry = new Registry();
    prometheusMetrics({ registry });
    expect(() => prometheusMetrics({ registry, buckets: [1] })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });

  test('are left as they were where a name is taken', () => {
    const registry = new Registry();
    new Counter({ name: 'stageflow_stages_total', help: 'Mine.', registers: [registry] });
    expect(() => prometheusMetrics({ registry })).toThrow(/"stageflow_stages_total" is taken/);
    expect(registry.getMetricsAsArray()).toHaveLength(1);
  });
});

describe('exemplars', () => {
  const openMetrics = (): Registry<OpenMetricsContentType> => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    return registry;
  };

  test('name the trace of a run where the format has them', async () => {
    const metrics = prometheusMetrics({ registry: openMetrics() });
    await chat.run({ text: 'hi' }, { sinks: [metrics], traceId });
    const exemplars = (await samplesOf(metrics)).filter(({ exemplar }) => exemplar !== undefined);
    expect(new Set(exemplars.map(({ name }) => name))).toEqual(
      new Set(['stageflow_run_duration_seconds_bucket', 'stageflow_stage_duration_seconds_bucket', 'stageflow_stage_queue_seconds_bucket']),
    );
    expect(exemplars[0]?.exemplar).toMatch(new RegExp(`^\\{trace_id="${traceId}"\\} [\\d.e-]+ [\\d.]+$`));
  });

  test('are left out where the format has none', async () => {
    const metrics = prometheusMetrics({ registry: new Registry() });
    await chat.run({ text: 'hi' }, { sinks: [metrics], traceId });
    const samples = await samplesOf(metrics);
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.filter(({ exemplar }) => exemplar !== undefined)).toEqual([]);
  });

  test.each([undefined, 'x'.repeat(500)])('are left out where the trace id is %s', async (given) => {
    const metrics = prometheusMetrics();
    const runtime = createRuntime({ pipelines: [chat], sinks: [metrics] });
    await runtime.run(chat, { text: 'hi' }, { traceId: given });
    expect((await samplesOf(metrics)).filter(({ exemplar }) => exemplar !== undefined)).toEqual([]);
    expect(runtime.sinks['prometheus']).toMatchObject({ failed: 0 });
  });

  test('survive a trace id of hostile text', async () => {
    const metrics = prometheusMetrics();
    await chat.run({ text: 'hi' }, { sinks: [metrics], traceId: 'a"} 1\n# EOF\\' });
    const [sample] = (await samplesOf(metrics)).filter(({ exemplar }) => exemplar !== undefined);
    expect(sample?.exemplar).toContain('trace_id="a\\"} 1\\n# EOF\\\\"');
  });
});

describe('options', () => {
  test.each([
    { prefix: '' },
    { prefix: '1st_' },
    { prefix: 'with-dash_' },
    { buckets: [] },
    { buckets: [0] },
    { buckets: [1, 1] },
    { buckets: [2, 1] },
    { buckets: [Number.NaN] },
    { maxPipelines: 0 },
    { maxStages: 1.5 },
  ])('that cannot be are refused: %j', (options) => {
    expect(() => prometheusMetrics(options)).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });

  test('set the buckets of the histograms', async () => {
    const metrics = prometheusMetrics({ buckets: [1, 10] });
    await chat.run({ text: 'hi' }, { sinks: [metrics] });
    const bounds = Object.keys(await valuesOf(metrics, 'stageflow_run_duration_seconds_bucket')).map((key) => key.split(',')[0]);
    expect(bounds).toEqual(['le=1', 'le=10', 'le=+Inf']);
  });
});
