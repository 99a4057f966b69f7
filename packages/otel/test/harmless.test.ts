import type { Tracer } from '@opentelemetry/api';
import {
  block,
  createRuntime,
  defineEvent,
  guard,
  type Interceptor,
  inputs,
  memoryRunStore,
  pipeline,
  type RunOptions,
  type Schema,
  stage,
  suspend,
} from '@stageflow/core';
import { modelCalled, openTelemetry, type TelemetryOptions } from '@stageflow/otel';
import { virtualClock } from '@stageflow/testing';
import { context, diag, startSdk, trace } from '@stageflow-internal/otel-sdk-3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

let sdk: ReturnType<typeof startSdk>;
const reported = vi.fn();
beforeEach(() => {
  sdk = startSdk();
  reported.mockReset();
  diag.setLogger({ error: reported, warn() {}, info() {}, debug() {}, verbose() {} });
});
afterEach(() => sdk.stop());

const { text } = inputs<{ text: string }>();
const answer = stage('answer', { needs: { text }, retry: { attempts: 2, baseMs: 0 }, run: ({ text }) => `re: ${text}` });
const chat = pipeline('chat', { outputs: { answer } });

const runWith = (options: TelemetryOptions, more: RunOptions = {}) => {
  const telemetry = openTelemetry(options);
  return chat.run({ text: 'hi' }, { interceptors: [telemetry, ...(more.interceptors ?? [])], sinks: [telemetry] });
};

/** Works so many times, then throws. */
function failingAfter<Args extends unknown[], Result>(times: number, work: (...args: Args) => Result): (...args: Args) => Result {
  let calls = 0;
  return (...args) => {
    if (calls++ >= times) throw new Error('the exporter is on fire');
    return work(...args);
  };
}

describe('a run goes on, and the API is told,', () => {
  test.each([0, 1, 2])('where its tracer throws after %d spans', async (spans) => {
    const real = trace.getTracer('real');
    const tracer = {
      startSpan: failingAfter(spans, real.startSpan.bind(real)),
      startActiveSpan: () => undefined as never,
    } satisfies Tracer;
    const run = await runWith({ tracer });
    expect([run.status, run.outputs]).toEqual(['completed', { answer: 're: hi' }]);
    expect(reported).toHaveBeenCalledWith('@stageflow/otel', expect.objectContaining({ message: 'the exporter is on fire' }));
    expect(sdk.spans()).toHaveLength(spans);
  });

  test.each(['end', 'setAttribute', 'addEvent', 'spanContext', 'isRecording'] as const)('where its spans throw at %s()', async (method) => {
    const real = trace.getTracer('real');
    const startSpan: Tracer['startSpan'] = (...args) => Object.assign(real.startSpan(...args), { [method]: failingAfter(0, () => {}) });
    const run = await runWith({ tracer: { startSpan, startActiveSpan: () => undefined as never } });
    expect([run.status, run.outputs]).toEqual(['completed', { answer: 're: hi' }]);
    if (method !== 'addEvent') expect(reported).toHaveBeenCalled();
  });

  test('where its meter throws', async () => {
    const run = await runWith({ meter: {} as never });
    expect(run.status).toBe('completed');
    expect(reported).toHaveBeenCalled();
    expect(sdk.spans()).toHaveLength(3);
  });

  test.each(['before', 'after'])('where the context manager throws %s it has called', async (when) => {
    context.disable();
    const manager = {
      active: () => {
        throw new Error('no context');
      },
      with(_: unknown, act: () => unknown) {
        if (when === 'after') act();
        throw new Error('no context');
      },
      bind: (_: unknown, target: unknown) => target,
      enable: () => manager,
      disable: () => manager,
    };
    context.setGlobalContextManager(manager as never);
    const called = vi.fn(() => 1);
    const telemetry = openTelemetry();
    const once = pipeline('once', { outputs: { one: stage('one', { run: called }) } });
    const run = await once.run({}, { interceptors: [telemetry], sinks: [telemetry] });
    expect([run.status, called.mock.calls.length]).toEqual(['completed', 1]);
    expect(telemetry.outgoing()).toEqual({});
    expect(telemetry.incoming({}, (identity) => identity)).toEqual({});
    expect(reported).toHaveBeenCalled();
  });

  test('where the propagator throws', () => {
    const fail = failingAfter(0, () => undefined as never);
    const telemetry = openTelemetry({ propagator: { inject: fail, extract: fail } });
    expect(telemetry.outgoing()).toEqual({});
    expect(telemetry.incoming({}, () => 'started')).toBe('started');
    expect(reported).toHaveBeenCalledTimes(2);
  });

  test('where the logger of diagnostics throws as well', async () => {
    diag.setLogger({ error: failingAfter(0, () => {}), warn() {}, info() {}, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
    expect((await runWith({ tracer: {} as never })).status).toBe('completed');
  });
});

describe('nothing that was said gets into a span or a metric', () => {
  const secret = 'sk-live-0123';

  test('of inputs, outputs, reasons, errors and their causes', async () => {
    const clock = virtualClock();
    const telemetry = openTelemetry();
    const named = Object.assign(new Error(secret), { name: `Key ${secret}` });
    const thrower = stage('thrower', { needs: { text }, retry: { attempts: 2, baseMs: 1 }, run: () => Promise.reject(named) });
    const policy = guard('policy', { subject: text, check: () => block(secret) });
    const chatty = stage('chatty', {
      needs: { text },
      run: ({ text }, { emit }) => {
        emit(modelCalled, { provider: 'p', model: 'm', durationMs: 1, prompt: text } as never);
        return text;
      },
    });
    const all = pipeline('all', { outputs: { thrower, policy, chatty } });
    const options: RunOptions = { clock, failureMode: 'continue', metadata: { key: secret }, userId: secret };
    const run = await clock.settle(all.run({ text: secret }, { ...options, interceptors: [telemetry], sinks: [telemetry] }));
    expect(run.status).toBe('failed');
    const told = sdk.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
    expect(told).toHaveLength(9);
    expect(JSON.stringify(told)).not.toContain(secret);
    expect(JSON.stringify(await sdk.metrics())).not.toContain(secret);
    expect(told.flatMap(({ events }) => events.map(({ attributes }) => attributes?.['exception.type']))).toContain('SF_STAGE_FAILED');
  });

  test('a call of a model that is none makes no span', async () => {
    const any: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
    const theirs = defineEvent('model.called', any);
    const telemetry = openTelemetry();
    const hostile = [undefined, 'x', { provider: 'p', model: 7, durationMs: 1 }, { provider: 'p', model: 'm', durationMs: Number.NaN }];
    const right = { provider: 'p', model: 'm', durationMs: 1, operation: 'embeddings' };
    const one = stage('one', {
      run: (_, { emit }) => {
        for (const payload of [...hostile, right]) emit(theirs, payload);
      },
    });
    await pipeline('p', { outputs: { one } }).run({}, { interceptors: [telemetry], sinks: [telemetry] });
    expect(sdk.spans().map(({ name }) => name)).toEqual(['embeddings m', 'attempt one', 'transform one', 'invoke_workflow p']);
  });

  test('a stage that tells of a wrong call fails with what is wrong', async () => {
    const wrong = { provider: 'p', model: 'm', durationMs: -1, finishReasons: [1], inputTokens: '3' } as never;
    const one = stage('one', { run: (_, { emit }) => emit(modelCalled, wrong) });
    const run = await pipeline('p', { outputs: { one } }).run({});
    expect(run.errors.map(({ code, message }) => [code, message])).toEqual([
      [
        'SF_STAGE_FAILED',
        expect.stringMatching(/durationMs: expected a number >= 0.*finishReasons: expected a list of strings.*inputTokens/),
      ],
    ]);
  });
});

describe('spans end however the run does', () => {
  test('where an interceptor of the run throws', async () => {
    const refuses: Interceptor = { name: 'refuses', run: () => Promise.reject(new Error('no')) };
    await runWith({}, { interceptors: [refuses] });
    expect(sdk.spans().map(({ name, status }) => [name, status.message])).toEqual([['invoke_workflow chat', 'SF_INTERCEPTOR_FAILED']]);
  });

  test('where an interceptor of a stage throws', async () => {
    const refuses: Interceptor = { name: 'refuses', stage: () => Promise.reject(new Error('no')) };
    await runWith({}, { interceptors: [refuses] });
    expect(sdk.spans().map(({ name, status }) => [name, status.message])).toEqual([
      ['transform answer', 'SF_INTERCEPTOR_FAILED'],
      ['invoke_workflow chat', 'SF_INTERCEPTOR_FAILED'],
    ]);
  });

  test('where a stage ignores its signal and is given up', async () => {
    const clock = virtualClock();
    const telemetry = openTelemetry();
    const controller = new AbortController();
    const deaf = stage('deaf', { run: () => clock.sleep(60_000) });
    const made = pipeline('p', { outputs: { deaf } });
    const options = { clock, graceMs: 100, signal: controller.signal, interceptors: [telemetry], sinks: [telemetry] };
    clock.schedule(() => controller.abort(), 50);
    const run = await clock.settle(made.run({}, options));
    expect(run.unsettled).toEqual(['deaf']);
    expect(sdk.spans().map(({ name, attributes }) => [name, attributes['stageflow.status']])).toEqual([
      ['attempt deaf', 'cancelled'],
      ['transform deaf', 'cancelled'],
      ['invoke_workflow p', 'cancelled'],
    ]);
    await clock.advance(120_000);
    expect(sdk.spans()).toHaveLength(3);
  });

  test('where an attempt that ignores its timeout is given up, which is an event', async () => {
    const clock = virtualClock();
    const telemetry = openTelemetry();
    const deaf = stage('deaf', { timeoutMs: 10, graceMs: 5, run: () => clock.sleep(60_000) });
    await clock.settle(pipeline('p', { outputs: { deaf } }).run({}, { clock, interceptors: [telemetry], sinks: [telemetry] }));
    const [attempt, whole] = sdk.spans();
    expect(attempt?.status.message).toBe('SF_STAGE_TIMEOUT');
    expect(whole?.events.map(({ name }) => name)).toEqual(['stageflow.abandoned']);
  });

  test.each([
    ['cancelled', undefined, {}],
    ['failed', 'SF_RUN_DEADLINE', { deadlineMs: 50 }],
  ])('where an interceptor further in hangs beyond the grace of a run that is %s', async (status, code, limits) => {
    const clock = virtualClock();
    const telemetry = openTelemetry();
    const controller = new AbortController();
    const hang = async (): Promise<never> => {
      await clock.sleep(60_000);
      return undefined as never;
    };
    const hangs: Interceptor = { name: 'hangs', run: (_, next) => next().then(hang) };
    const one = pipeline('p', { outputs: { one: stage('one', { run: () => 1 }) } });
    if (code === undefined) clock.schedule(() => controller.abort(), 50);
    const options = { ...limits, clock, graceMs: 100, signal: controller.signal, interceptors: [telemetry, hangs], sinks: [telemetry] };
    const run = await clock.settle(one.run({}, options));
    expect(run.status).toBe(status);
    expect(sdk.spans().map(({ name }) => name)).toEqual(['attempt one', 'transform one', 'invoke_workflow p']);
    const attributes = sdk.spans()[2]?.attributes ?? {};
    expect([attributes['stageflow.status'], attributes['error.type']]).toEqual([status, code]);
    await clock.advance(120_000);
    expect(sdk.spans()).toHaveLength(3);
  });

  test('a guard that fails open says so on its span', async () => {
    const telemetry = openTelemetry();
    const lenient = guard('lenient', { subject: text, failOpen: true, check: () => Promise.reject(new Error('down')) });
    await pipeline('p', { outputs: { lenient } }).run({ text: 'x' }, { interceptors: [telemetry], sinks: [telemetry] });
    expect(
      sdk
        .spans()
        .find(({ name }) => name === 'guard lenient')
        ?.events.map(({ name }) => name),
    ).toEqual(['stageflow.failed_open']);
  });

  test('a stage that waits and is answered while the run lives has one span, with both as events', async () => {
    const clock = virtualClock();
    const telemetry = openTelemetry();
    const any: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
    const pay = stage('pay', { run: (_, { answer }) => answer(any) ?? suspend({ question: 'paid?' }) });
    const other = stage('other', { run: () => clock.sleep(100) });
    const shop = pipeline('shop', { outputs: { pay, other } });
    const runtime = createRuntime({ pipelines: [shop], store: memoryRunStore(), clock, interceptors: [telemetry], sinks: [telemetry] });
    const running = runtime.run(shop, {}, { runId: 'r' });
    await clock.advance(10);
    const [wait] = await clock.settle(runtime.waits());
    await clock.settle(runtime.decide(wait?.waitId ?? '', 7));
    expect((await clock.settle(running)).status).toBe('completed');
    const span = sdk.spans().find(({ name }) => name === 'transform pay');
    expect(span?.events.map(({ name }) => name)).toEqual(['stageflow.suspended', 'stageflow.resumed']);
  });

  test('as an interceptor alone it makes the same spans', async () => {
    await chat.run({ text: 'hi' }, { interceptors: [openTelemetry()] });
    expect(sdk.spans().map(({ name }) => name)).toEqual(['attempt answer', 'transform answer', 'invoke_workflow chat']);
  });
});
