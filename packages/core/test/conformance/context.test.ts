import {
  block,
  createRuntime,
  defineEvent,
  guard,
  inputs,
  pass,
  pipeline,
  route,
  type StageContext,
  services,
  stage,
  topicOf,
  work,
} from '@stageflow/core';
import { planJson } from '@stageflow/core/plan';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { aMap, aString } from './plain-schemas.ts';

const noted = defineEvent('app.noted', aMap);

/** A pipeline of one stage that does this. */
function doing<R>(run: (context: StageContext) => R) {
  return pipeline('doing', { outputs: { it: stage('it', { run: (_, context) => run(context) }) } });
}

test('[15] time since the start is zero at first and grows, and two runs have starts of their own', async () => {
  const clock = virtualClock({ now: 5_000 });
  const readings = doing(async (context) => {
    const first = [context.elapsedMs, context.now()];
    await clock.sleep(30);
    return [first, [context.elapsedMs, context.now()]];
  });
  const one = await clock.settle(readings.runOrThrow({}, { clock }));
  const two = await clock.settle(readings.runOrThrow({}, { clock }));

  expect(one.outputs.it).toEqual([
    [0, 5_000],
    [30, 5_030],
  ]);
  expect(two.outputs.it).toEqual([
    [0, 5_030],
    [30, 5_060],
  ]);
});

test('[16] a stage knows the run id, the request id, the mode and when the run began', async () => {
  const clock = virtualClock({ now: 5_000 });
  const asked = doing((context) => [context.runId, context.identity.requestId, context.identity.mode, context.now() - context.elapsedMs]);
  const run = await clock.settle(asked.runOrThrow({}, { clock, runId: 'r-1', requestId: 'q-1', mode: 'practice' }));

  expect(run.outputs.it).toEqual(['r-1', 'q-1', 'practice', 5_000]);
});

test('[17] identity, pipeline, stage, path and attempt stand beside each other', async () => {
  const seen = await doing(({ identity, pipeline: name, stage: own, path, attempt }) => ({
    runId: identity.runId,
    name,
    own,
    path,
    attempt,
  })).runOrThrow({}, { runId: 'r-1' });
  expect(seen.outputs.it).toEqual({ runId: 'r-1', name: 'doing', own: 'it', path: 'it', attempt: 1 });
});

test('[18] what a stage emits reaches the sink once, with its own keys and those of the run', async () => {
  const sink = recordingSink();
  await doing((context) => context.emit(noted, { a: 1 })).run(
    {},
    { sinks: [sink], runId: 'r-1', tenantId: 't-1', correlationId: 'c-1', requestId: 'q-1', mode: 'fast' },
  );

  expect(sink.of('custom')).toEqual([
    expect.objectContaining({
      name: 'app.noted',
      payload: { a: 1 },
      runId: 'r-1',
      tenantId: 't-1',
      correlationId: 'c-1',
      pipeline: 'doing',
      stage: 'it',
      path: 'it',
      attempt: 1,
    }),
  ]);
  expect(sink.of('run.created')).toMatchObject([{ identity: { runId: 'r-1', requestId: 'q-1', mode: 'fast' } }]);
});

test('[19] emitting and reporting progress without a sink do nothing', async () => {
  const run = await doing((context) => {
    context.emit(noted, { a: 1 });
    context.progress(0.5, 'half');
    context.heartbeat();
    return 'done';
  }).run({});
  expect(run).toMatchObject({ status: 'completed', outputs: { it: 'done' } });
});

test('[20] the run says that a stage started, once, with what kind it is', async () => {
  const sink = recordingSink();
  await doing(() => 1).run({}, { sinks: [sink] });

  expect(sink.of('stage.started')).toMatchObject([{ stage: 'it', kind: 'transform', attempt: 1, queuedMs: 0 }]);
});

test('[21] a stage that asks after a cancel is stopped with the reason given', async () => {
  const clock = virtualClock();
  const caller = new AbortController();
  const reason = new Error('the user left');
  let thrown: unknown;
  const p = doing(async ({ signal }) => {
    await clock.sleep(10);
    try {
      signal.throwIfAborted();
    } catch (error) {
      thrown = error;
      throw error;
    }
  });
  clock.schedule(() => caller.abort(reason), 5);
  const run = await clock.settle(p.run({}, { clock, signal: caller.signal }));

  expect(thrown).toBe(reason);
  expect(run).toMatchObject({ status: 'cancelled', reason: 'the user left', errors: [] });
});

test('[35] a run needs no option, and has no service, mode or parent then', async () => {
  const run = await doing(({ identity, signal }) => [
    identity.service,
    identity.mode,
    identity.parentRunId,
    identity.metadata,
    signal.aborted,
  ]).runOrThrow({});

  expect(run.outputs.it).toEqual([undefined, undefined, undefined, {}, false]);
});

test('[36] metadata of a run is equal to what was given, and not the same object', async () => {
  const metadata = { plan: 'pro' };
  const run = await doing(({ identity }) => identity.metadata).runOrThrow({}, { metadata });

  expect(run.identity.metadata).toEqual({ plan: 'pro' });
  expect(run.identity.metadata).not.toBe(metadata);
  metadata.plan = 'free';
  expect(run.identity.metadata).toEqual({ plan: 'pro' });
});

test('[37] a stage is reported once when it starts and once when it ends, under its own name', async () => {
  const sink = recordingSink();
  const ask = stage('ask', { run: () => 1 });
  const tell = stage('tell', { needs: { ask }, run: () => Promise.reject(new Error('no')) });
  await pipeline('p', { outputs: { tell } }).run({}, { sinks: [sink], runId: 'r-1' });

  expect(sink.events.map(topicOf)).toEqual([
    'pipeline.created',
    'pipeline.started',
    'stage.ask.started',
    'stage.ask.completed',
    'stage.tell.started',
    'stage.tell.failed',
    'pipeline.stopping',
    'pipeline.failed',
  ]);
  expect(new Set(sink.events.map(({ runId }) => runId))).toEqual(new Set(['r-1']));
});

test('[38] tags of a stage are part of the plan', () => {
  const tagged = stage('tagged', { tags: ['cheap', 'team:search'], run: () => 1 });

  expect(planJson(pipeline('p', { outputs: { tagged } }).plan).stages[0]?.tags).toEqual(['cheap', 'team:search']);
});

test('[39] a run names its parent in its identity and in its events, and has none by default', async () => {
  const sink = recordingSink();
  const child = await doing(() => 1).run({}, { parentRunId: 'r-0', sinks: [sink] });
  const root = await doing(() => 1).run({});

  expect([child.identity.parentRunId, root.identity.parentRunId]).toEqual(['r-0', undefined]);
  expect(sink.events.every(({ parentRunId }) => parentRunId === 'r-0')).toBe(true);
});

test('[40] services of a run and of a runtime reach the stages that ask for them, as they are', async () => {
  const model = { ask: (question: string) => `${question}!` };
  const { model: asked } = services<{ model: typeof model }>();
  const answer = stage('answer', { needs: { model: asked }, run: ({ model: own }) => [own === model, own.ask('hi')] });
  const p = pipeline('p', { outputs: { answer } });
  const runtime = createRuntime({ pipelines: [p], services: { model } });

  expect((await p.runOrThrow({}, { services: { model } })).outputs.answer).toEqual([true, 'hi!']);
  expect(await runtime.run(p, {})).toMatchObject({ status: 'completed', outputs: { answer: [true, 'hi!'] } });
  await expect(p.run({}, { services: {} as never })).rejects.toMatchObject({ code: 'SF_SERVICE_MISSING' });
});

test('[46] once the run is cancelled the signal says so, and asking it throws the reason', async () => {
  const clock = virtualClock();
  const caller = new AbortController();
  const reason = new Error('enough');
  const readings: unknown[] = [];
  const p = doing(async ({ signal }) => {
    readings.push(signal.aborted);
    await clock.sleep(10);
    readings.push(signal.aborted, signal.reason);
    expect(() => signal.throwIfAborted()).toThrow(reason);
  });
  clock.schedule(() => caller.abort(reason), 5);
  const run = await clock.settle(p.run({}, { clock, signal: caller.signal }));

  expect(run.status).toBe('cancelled');
  expect(readings).toEqual([false, true, reason]);
});

test('[47] the present time is that of the clock, also when it is set while the run goes on', async () => {
  const clock = virtualClock({ now: 1_000 });
  const run = await clock.settle(
    doing(async (context) => {
      clock.jumpWall(60_000);
      await clock.sleep(10);
      return [context.now(), context.elapsedMs];
    }).runOrThrow({}, { clock }),
  );
  expect(run.outputs.it).toEqual([61_010, 10]);

  const before = Date.now();
  const real = await doing((context) => context.now()).runOrThrow({});
  expect(real.outputs.it).toBeGreaterThanOrEqual(before);
  expect(real.outputs.it).toBeLessThanOrEqual(Date.now());
});

test('[48] an event of the host carries the name of its pipeline, and the mode is in the identity', async () => {
  const sink = recordingSink();
  const run = await doing((context) => context.emit(noted, { mode: context.identity.mode })).run({}, { sinks: [sink], mode: 'fast' });

  expect(sink.of('custom')).toMatchObject([{ pipeline: 'doing', payload: { mode: 'fast' } }]);
  expect(run.identity.mode).toBe('fast');
});

test('[50] the service is what the host calls itself, in the runtime or in the run', async () => {
  const chat = doing(({ identity }) => identity.service);
  const runtime = createRuntime({ pipelines: [chat], service: 'web_chat' });

  expect(await runtime.run(chat, {})).toMatchObject({ outputs: { it: 'web_chat' } });
  expect(await runtime.run(chat, {}, { service: 'voice' })).toMatchObject({ outputs: { it: 'voice' } });
  expect(await chat.run({})).toMatchObject({ outputs: { it: undefined } });
});

test('[49] [51] every constructor hands its function the same context, the only one there is', async () => {
  const { text } = inputs<{ text: string }>();
  const members = (context: StageContext) => {
    context.signal.throwIfAborted();
    return [context.runId, context.pipeline, context.stage, context.path, context.attempt, context.extension('who', aString)];
  };
  const seen: unknown[] = [];
  const made = stage('made', { run: (_, context) => void seen.push(members(context)) });
  const chosen = route('chosen', { run: (_, context) => (seen.push(members(context)) > 0 ? 'a' : 'b') });
  const judged = guard('judged', { subject: text, check: (_, context) => (seen.push(members(context)) > 0 ? pass() : block('never')) });
  const done = work('done', { run: (_, context) => void seen.push(members(context)) });
  await pipeline('p', { outputs: { made, chosen, judged, done } }).runOrThrow({ text: '' }, { runId: 'r-1', extensions: { who: 'me' } });

  expect(seen).toEqual(['made', 'chosen', 'judged', 'done'].map((name) => ['r-1', 'p', name, name, 1, 'me']));
});
