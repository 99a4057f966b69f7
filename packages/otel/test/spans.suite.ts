import {
  block,
  branch,
  cached,
  createRuntime,
  fail,
  fallback,
  guard,
  type Interceptor,
  inputs,
  map,
  memoryRunStore,
  optional,
  pipeline,
  type RunOptions,
  type Runtime,
  route,
  type Stage,
  skip,
  stage,
  suspend,
  work,
} from '@stageflow/core';
import { modelCalled, openTelemetry } from '@stageflow/otel';
import { virtualClock } from '@stageflow/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EndedSpan, treeOf } from './span-tree.ts';

interface Sdk {
  spans(): readonly EndedSpan[];
  stop(): Promise<void>;
}
interface Line {
  startSdk(): Sdk;
  readonly trace: {
    getActiveSpan(): { spanContext(): { spanId: string } } | undefined;
    getTracer(name: string): { startSpan(name: string): { end(): void } };
  };
}

const { text } = inputs<{ text: string }>();

/** The exact trees of spans, with one line of the SDK. */
export function spansSuite({ startSdk, trace }: Line): void {
  let sdk: Sdk;
  beforeEach(() => {
    sdk = startSdk();
  });
  afterEach(() => sdk.stop());

  /** Runs a pipeline in virtual time; gives the lines of its spans. */
  const traced = async (outputs: Readonly<Record<string, Stage>>, options: RunOptions = {}, clock = virtualClock()) => {
    const telemetry = openTelemetry();
    const made = pipeline('chat', { outputs });
    const settings = {
      clock,
      random: () => 0.5,
      ...options,
      interceptors: [telemetry, ...(options.interceptors ?? [])],
      sinks: [telemetry],
    };
    const run = await clock.settle(made.run({ text: 'secret words' } as never, settings));
    return { run, lines: treeOf(sdk.spans()) };
  };

  test('a run is a workflow, with stages below it, attempts below these, and links from joins', async () => {
    const clock = virtualClock();
    const profile = stage('profile', { kind: 'enrich', needs: { text }, run: () => clock.sleep(20) });
    const memory = stage('memory', { kind: 'enrich', needs: { text }, run: () => clock.sleep(10) });
    const answer = stage('answer', {
      kind: 'agent',
      needs: { profile, memory: optional(memory) },
      run: () => clock.sleep(5),
    });
    const { lines } = await traced({ answer }, { tenantId: 'acme', sessionId: 's1' }, clock);
    expect(lines).toEqual([
      'invoke_workflow chat [0-25] gen_ai.operation.name=invoke_workflow session.id=s1 status=completed tenant_id=acme',
      '  enrich memory [0-10] attempts=1 path=memory status=completed',
      '    attempt memory [0-10] attempt=1 path=memory status=completed',
      '  enrich profile [0-20] attempts=1 path=profile status=completed',
      '    attempt profile [0-20] attempt=1 path=profile status=completed',
      '  invoke_agent answer [20-25] attempts=1 gen_ai.operation.name=invoke_agent path=answer status=completed',
      '    ~ enrich profile',
      '    ~ enrich memory',
      '    attempt answer [20-25] attempt=1 path=answer status=completed',
    ]);
  });

  test('a retry is an event of its stage, each attempt a span; the stage that recovers is in no error', async () => {
    const flaky = stage('flaky', {
      retry: { attempts: 3, baseMs: 100, backoff: 'constant', jitter: 'none' },
      run: (_, { attempt }) => {
        if (attempt < 3) throw new TypeError('the key sk-123 is wrong');
        return 'ok';
      },
    });
    const { lines } = await traced({ flaky });
    expect(lines).toEqual([
      'invoke_workflow chat [0-200] gen_ai.operation.name=invoke_workflow status=completed',
      '  transform flaky [0-200] attempts=3 path=flaky status=completed',
      '    ! stageflow.retry [0] attempt=1 error.type=SF_STAGE_FAILED retry_in_ms=100',
      '    ! stageflow.retry [100] attempt=2 error.type=SF_STAGE_FAILED retry_in_ms=100',
      '    attempt flaky [0-0] error(SF_STAGE_FAILED) attempt=1 error.type=SF_STAGE_FAILED path=flaky status=failed',
      '      ! exception [0] exception.type=TypeError',
      '    attempt flaky [100-100] error(SF_STAGE_FAILED) attempt=2 error.type=SF_STAGE_FAILED path=flaky status=failed',
      '      ! exception [100] exception.type=TypeError',
      '    attempt flaky [200-200] attempt=3 path=flaky status=completed',
    ]);
  });

  test('a failure is an error of attempt, stage and run; what never starts behind it is an event with its root cause', async () => {
    const broken = stage('broken', { run: () => Promise.reject(new Error('sk-123')) });
    const after = stage('after', { needs: { broken }, run: () => 1 });
    const { lines } = await traced({ after });
    expect(lines).toEqual([
      'invoke_workflow chat [0-0] error(SF_STAGE_FAILED) error.type=SF_STAGE_FAILED gen_ai.operation.name=invoke_workflow status=failed',
      '  ! stageflow.stage.skipped [0] path=after root_cause=broken',
      '  transform broken [0-0] error(SF_STAGE_FAILED) attempts=1 error.type=SF_STAGE_FAILED path=broken status=failed',
      '    attempt broken [0-0] error(SF_STAGE_FAILED) attempt=1 error.type=SF_STAGE_FAILED path=broken status=failed',
      '      ! exception [0] exception.type=Error',
    ]);
  });

  test('a block by verdict is no error, one without a verdict is', async () => {
    const policy = guard('policy', { subject: text, check: () => block('rude: secret words') });
    const { lines } = await traced({ policy });
    expect(lines).toEqual([
      'invoke_workflow chat [0-0] gen_ai.operation.name=invoke_workflow status=blocked',
      '  guard policy [0-0] attempts=1 path=policy status=blocked',
      '    attempt policy [0-0] attempt=1 path=policy status=blocked',
    ]);
    await sdk.stop();
    sdk = startSdk();
    const mute = guard('mute', { subject: text, check: () => undefined as never });
    expect((await traced({ mute })).lines).toEqual([
      'invoke_workflow chat [0-0] gen_ai.operation.name=invoke_workflow status=blocked',
      '  guard mute [0-0] error(SF_GUARD_FAILED) attempts=1 error.type=SF_GUARD_FAILED path=mute status=blocked',
      '    attempt mute [0-0] error(SF_GUARD_FAILED) attempt=1 error.type=SF_GUARD_FAILED path=mute status=failed',
      '      ! exception [0] exception.type=SF_GUARD_FAILED',
    ]);
  });

  test('skips by choice are no errors; an arm that is not taken is an event', async () => {
    const way = route('way', { needs: { text }, run: () => 'a' as 'a' | 'b' });
    const a = stage('a', { run: () => skip('secret words') });
    const b = stage('b', { run: () => 2 });
    const { lines } = await traced({ taken: branch('taken', way, { a, b }) });
    expect(lines).toEqual([
      'invoke_workflow chat [0-0] gen_ai.operation.name=invoke_workflow status=completed',
      '  ! stageflow.stage.skipped [0] path=b',
      '  route way [0-0] attempts=1 path=way status=completed',
      '    attempt way [0-0] attempt=1 path=way status=completed',
      '  transform a [0-0] attempts=1 path=a status=skipped',
      '    attempt a [0-0] attempt=1 path=a status=skipped',
      '  branch taken [0-0] attempts=0 path=taken status=skipped',
      '    ~ route way',
    ]);
  });

  test('a cancelled run ends its spans as cancelled, in no error', async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const slow = stage('slow', { run: (_, { signal }) => clock.sleep(1000, signal) });
    const late = stage('late', { needs: { slow }, run: () => 1 });
    clock.schedule(() => controller.abort(), 30);
    const { lines } = await traced({ late }, { signal: controller.signal }, clock);
    expect(lines).toEqual([
      'invoke_workflow chat [0-30] gen_ai.operation.name=invoke_workflow status=cancelled',
      '  ! stageflow.stage.cancelled [30] path=late',
      '  transform slow [0-30] attempts=1 path=slow status=cancelled',
      '    attempt slow [0-30] attempt=1 path=slow status=cancelled',
    ]);
  });

  test('items stand below their map, and the stages that an item reads are linked by path', async () => {
    const { items } = inputs<{ items: readonly string[] }>();
    const each = map(
      'each',
      items,
      (item) => {
        const load = stage('load', { needs: { item }, run: ({ item }) => item });
        return stage('shorten', { needs: { load }, run: ({ load }) => (load === 'b' ? fail(new RangeError('no')) : load) });
      },
      { key: (item) => `${item}/x`, onItemError: 'skip' },
    );
    const telemetry = openTelemetry();
    const clock = virtualClock();
    await clock.settle(
      pipeline('chat', { outputs: { each } }).run({ items: ['a', 'b'] }, { clock, interceptors: [telemetry], sinks: [telemetry] }),
    );
    expect(treeOf(sdk.spans())).toEqual([
      'invoke_workflow chat [0-0] gen_ai.operation.name=invoke_workflow status=completed',
      '  map each [0-0] attempts=0 path=each status=completed',
      '    transform load [0-0] attempts=1 path=each[a/x]/load status=completed',
      '      attempt load [0-0] attempt=1 path=each[a/x]/load status=completed',
      '    transform load [0-0] attempts=1 path=each[b/x]/load status=completed',
      '      attempt load [0-0] attempt=1 path=each[b/x]/load status=completed',
      '    transform shorten [0-0] attempts=1 path=each[a/x]/shorten status=completed',
      '      ~ transform load',
      '      attempt shorten [0-0] attempt=1 path=each[a/x]/shorten status=completed',
      '    transform shorten [0-0] error(SF_STAGE_FAILED) attempts=1 error.type=SF_STAGE_FAILED path=each[b/x]/shorten status=failed',
      '      ~ transform load',
      '      attempt shorten [0-0] error(SF_STAGE_FAILED) attempt=1 error.type=SF_STAGE_FAILED path=each[b/x]/shorten status=failed',
      '        ! exception [0] exception.type=RangeError',
    ]);
  });

  test('a tool that an agent calls is a span of the attempt that called it, and so is a call of a model', async () => {
    const clock = virtualClock();
    const { city } = inputs<{ city: string }>();
    const weather = stage('weather', { tags: ['tool'], needs: { city }, run: () => clock.sleep(10) });
    const answer = stage('answer', {
      kind: 'agent',
      needs: { text },
      run: async (_, { call, emit }) => {
        await clock.sleep(30);
        const tokens = { inputTokens: 12, outputTokens: 3, cachedInputTokens: 2, finishReasons: ['tool_calls'] };
        emit(modelCalled, { provider: 'openai', model: 'gpt-x', responseModel: 'gpt-x-1', responseId: 'r1', durationMs: 30, ...tokens });
        await call(weather, { city: 'Bern' }, { key: 'call_1' });
        await clock.sleep(5);
        emit(modelCalled, { provider: 'openai', model: 'gpt-x', durationMs: 5, errorType: 'rate_limited' });
        return 'sunny';
      },
    });
    const { lines } = await traced({ answer }, {}, clock);
    expect(lines).toEqual([
      'invoke_workflow chat [0-45] gen_ai.operation.name=invoke_workflow status=completed',
      '  invoke_agent answer [0-45] attempts=1 gen_ai.operation.name=invoke_agent gen_ai.provider.name=openai gen_ai.request.model=gpt-x path=answer status=completed',
      '    attempt answer [0-45] attempt=1 path=answer status=completed',
      '      chat gpt-x [0-30] client gen_ai.operation.name=chat gen_ai.provider.name=openai gen_ai.request.model=gpt-x gen_ai.response.finish_reasons=tool_calls gen_ai.response.id=r1 gen_ai.response.model=gpt-x-1 gen_ai.usage.cache_read.input_tokens=2 gen_ai.usage.input_tokens=12 gen_ai.usage.output_tokens=3',
      '      execute_tool weather [30-40] attempts=1 gen_ai.operation.name=execute_tool gen_ai.tool.type=function path=answer[call_1]/weather status=completed',
      '        attempt weather [30-40] attempt=1 path=answer[call_1]/weather status=completed',
      '      chat gpt-x [40-45] client error(rate_limited) error.type=rate_limited gen_ai.operation.name=chat gen_ai.provider.name=openai gen_ai.request.model=gpt-x',
    ]);
  });

  test('a suspended run ends its spans, and the resumed one begins with new ones', async () => {
    const clock = virtualClock();
    const telemetry = openTelemetry();
    const ask = work('ask', {
      needs: { text },
      run: (_, { answer }) => answer({ '~standard': { version: 1, vendor: 't', validate: (value) => ({ value }) } }) ?? suspend({}),
    });
    const before = stage('before', { run: () => 1 });
    const news = pipeline('news', { outputs: { ask }, also: { before } });
    const runtime = createRuntime({ pipelines: [news], store: memoryRunStore(), clock, interceptors: [telemetry], sinks: [telemetry] });
    const run = await clock.settle(runtime.run(news, { text: 'x' }));
    expect(treeOf(sdk.spans())).toEqual([
      'invoke_workflow news [0-0] gen_ai.operation.name=invoke_workflow status=suspended',
      '  transform before [0-0] attempts=1 path=before status=completed',
      '    attempt before [0-0] attempt=1 path=before status=completed',
      '  work ask [0-0] attempts=1 path=ask status=suspended',
      '    ! stageflow.suspended [0] wait=answer',
      '    attempt ask [0-0] attempt=1 path=ask status=suspended',
    ]);
    if (run.status !== 'suspended') throw new Error(run.status);
    await clock.settle(runtime.decide(run.waits[0]?.waitId as string, 'yes'));
    await clock.settle(runtime.resume(run.runId));
    const resumed = sdk.spans().slice(5);
    expect(treeOf(resumed)).toEqual([
      'invoke_workflow news [0-0] gen_ai.operation.name=invoke_workflow status=completed',
      '  work ask [0-0] attempts=1 path=ask status=completed',
      '    attempt ask [0-0] attempt=1 path=ask status=completed',
    ]);
    await clock.settle(runtime.close());
  });

  test('what the stage does itself is below its attempt, however it was started', async () => {
    const clock = virtualClock();
    const own = (name: string) => async () => {
      await clock.sleep(1);
      const span = trace.getTracer('http').startSpan(`GET ${name}`);
      span.end();
      return name;
    };
    const one = stage('one', { run: own('one') });
    const two = stage('two', { needs: { one }, run: own('two') });
    const three = stage('three', { needs: { two }, timeoutMs: 100, run: own('three') });
    await traced({ three }, {}, clock);
    const spans = sdk.spans();
    const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
    const parents = spans
      .filter(({ name }) => name.startsWith('GET'))
      .map(({ name, parentSpanContext }) => [name, names.get(parentSpanContext?.spanId ?? '')]);
    expect(parents).toEqual([
      ['GET one', 'attempt one'],
      ['GET two', 'attempt two'],
      ['GET three', 'attempt three'],
    ]);
  });

  test('a stage whose value an interceptor had already has a span without attempts', async () => {
    const memo: Interceptor = { name: 'memo', only: { stages: ['one'] }, stage: async () => cached(7) };
    const one = stage('one', { run: () => 1 });
    const two = fallback('two', one, stage('three', { run: () => 3 }));
    const { lines } = await traced({ two }, { interceptors: [memo] });
    expect(lines).toEqual([
      'invoke_workflow chat [0-0] gen_ai.operation.name=invoke_workflow status=completed',
      '  ! stageflow.stage.skipped [0] path=three',
      '  transform one [0-0] attempts=0 path=one status=completed',
      '  fallback two [0-0] attempts=0 path=two status=completed',
    ]);
  });

  describe('a child run', () => {
    test('is in the trace of its parent, below the stage that started it', async () => {
      const clock = virtualClock();
      const telemetry = openTelemetry();
      const leaf = stage('leaf', { run: () => 1 });
      const child = pipeline('child', { outputs: { leaf } });
      const spawn = stage('spawn', {
        run: async (_, { runId }): Promise<string> => (await runtime.start(child, {}, { parent: runId }).result).status,
      });
      const parent = pipeline('parent', { outputs: { spawn } });
      const runtime: Runtime = createRuntime({ pipelines: [parent, child], clock, interceptors: [telemetry], sinks: [telemetry] });
      await clock.settle(runtime.run(parent, {}, { runId: 'p' }));
      expect(treeOf(sdk.spans())).toEqual([
        'invoke_workflow parent [0-0] gen_ai.operation.name=invoke_workflow status=completed',
        '  transform spawn [0-0] attempts=1 path=spawn status=completed',
        '    attempt spawn [0-0] attempt=1 path=spawn status=completed',
        '      invoke_workflow child [0-0] gen_ai.operation.name=invoke_workflow parent_run_id=p status=completed',
        '        transform leaf [0-0] attempts=1 path=leaf status=completed',
        '          attempt leaf [0-0] attempt=1 path=leaf status=completed',
      ]);
    });

    test('that is started from elsewhere is below the span of its parent run', async () => {
      const clock = virtualClock();
      const telemetry = openTelemetry();
      const wait = stage('wait', { run: () => clock.sleep(20) });
      const leaf = stage('leaf', { run: () => 1 });
      const [parent, child] = [pipeline('parent', { outputs: { wait } }), pipeline('child', { outputs: { leaf } })];
      const runtime = createRuntime({ pipelines: [parent, child], clock, interceptors: [telemetry], sinks: [telemetry] });
      const above = runtime.start(parent, {}, { runId: 'p' });
      await clock.advance(5);
      await clock.settle(runtime.start(child, {}, { parent: above }).result);
      await clock.settle(above.result);
      expect(treeOf(sdk.spans()).map((line) => line.replace(/ \[.*/, ''))).toEqual([
        'invoke_workflow parent',
        '  transform wait',
        '    attempt wait',
        '  invoke_workflow child',
        '    transform leaf',
        '      attempt leaf',
      ]);
    });
  });
}
