import { createRuntime, inputs, isStageflowError, pipeline, type StageContext, stage } from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

/** A runtime whose pipeline `nap` takes as long as it is told to. */
function host(options: object = {}) {
  const clock = virtualClock();
  const sink = recordingSink();
  const { ms } = inputs<{ ms: number }>();
  const rest = stage('rest', { needs: { ms }, run: ({ ms }, { signal }: StageContext) => clock.sleep(ms, signal).then(() => ms) });
  const nap = pipeline('nap', { outputs: { rest } });
  const runtime = createRuntime({ pipelines: [nap], clock, sinks: [sink], ...options });
  return { clock, sink, runtime, nap };
}

describe('a child run', () => {
  test('[166] [167] runs, gives its outputs and how long it took, in a mode of its own', async () => {
    const { clock, runtime, nap } = host();
    const parent = runtime.start(nap, { ms: 50 }, { mode: 'fast' });
    const child = runtime.start(nap, { ms: 20 }, { parent, mode: 'practice' });
    expect(await clock.settle(child.result)).toMatchObject({ outputs: { rest: 20 }, elapsedMs: 20, identity: { mode: 'practice' } });
    await clock.settle(parent.result);
  });

  test('[41] [42] has ids that tie it to its parent, and keeps user, session and request', async () => {
    const { clock, runtime, nap } = host();
    const parent = runtime.start(nap, { ms: 50 }, { userId: 'u', sessionId: 's', requestId: 'r' });
    const child = runtime.start(nap, { ms: 20 }, { parent });
    const { identity } = await clock.settle(child.result);
    expect(identity).toMatchObject({ userId: 'u', sessionId: 's', requestId: 'r', parentRunId: parent.runId, runId: child.runId });
    await clock.settle(parent.result);
  });

  test('[170] beyond the depth limit is refused, with the limit and the parent', async () => {
    const { clock, runtime, nap } = host({ limits: { maxRunDepth: 1 } });
    const parent = runtime.start(nap, { ms: 50 });
    const child = runtime.start(nap, { ms: 20 }, { parent });
    const refused = await runtime.run(nap, { ms: 1 }, { parent: child }).catch((error: unknown) => error);
    expect(isStageflowError(refused, 'SF_RUN_DEPTH_EXCEEDED') && refused.details).toEqual({
      pipeline: 'nap',
      parentRunId: child.runId,
      maxDepth: 1,
    });
    await clock.settle(Promise.all([parent.result, child.result]));
  });

  test('[171] [172] is known with its parent, its root and its children, until it has ended', async () => {
    const { clock, runtime, nap } = host();
    const top = runtime.start(nap, { ms: 50 }, { runId: 'top' });
    const middle = runtime.start(nap, { ms: 30 }, { runId: 'middle', parent: top });
    const leaf = runtime.start(nap, { ms: 20 }, { runId: 'leaf', parent: middle });
    const idsOf = (runs: readonly { readonly runId: string }[]) => runs.map(({ runId }) => runId);
    expect(idsOf(runtime.childrenOf('top'))).toEqual(['middle']);
    expect(idsOf(runtime.childrenOf('unknown'))).toEqual([]);
    expect(idsOf(runtime.runs().filter(({ rootRunId, depth }) => rootRunId === 'top' && depth > 0))).toEqual(['middle', 'leaf']);
    expect(runtime.runs().map(({ parentRunId }) => parentRunId)).toEqual([undefined, 'top', 'middle']);
    expect(['top', 'middle', 'leaf'].map((runId) => runtime.rootOf(runId))).toEqual(['top', 'top', 'top']);
    await clock.settle(leaf.result);
    expect([idsOf(runtime.childrenOf('middle')), runtime.rootOf('leaf')]).toEqual([[], undefined]);
    await clock.settle(Promise.all([top.result, middle.result]));
    expect(runtime.runs()).toEqual([]);
  });

  test('[44] [D24] [D25] is aborted with its parent, reported as cancelled, and cannot be started below a cancelled one', async () => {
    const { clock, sink, runtime, nap } = host();
    const parent = runtime.start(nap, { ms: 50 }, { runId: 'parent' });
    const child = runtime.start(nap, { ms: 500 }, { runId: 'child', parent });
    await clock.advance(10);
    parent.cancel('the user left');
    expect(() => runtime.start(nap, { ms: 1 }, { parent })).toThrow(expect.objectContaining({ code: 'SF_PARENT_ENDED' }));
    const run = await clock.settle(child.result);
    expect(run).toMatchObject({ status: 'cancelled', reason: 'its parent run was cancelled: the user left', elapsedMs: 10 });
    const events = sink.events.filter(({ runId }) => runId === 'child');
    expect(new Set(events.map(({ parentRunId }) => parentRunId))).toEqual(new Set(['parent']));
    expect(events.at(-1)?.type).toBe('run.cancelled');
    await clock.settle(parent.result);
  });
});

describe('what runs share', () => {
  test('[164] has slots, a utilisation, a queue with a limit, and says when it is overloaded', async () => {
    const changes: boolean[] = [];
    const clock = virtualClock();
    const ask = stage('ask', { resource: 'model', run: (_, { signal }) => clock.sleep(10, signal) });
    const chat = pipeline('chat', { outputs: { ask } });
    const runtime = createRuntime({
      pipelines: [chat],
      clock,
      limits: {
        resources: { model: { capacity: 4, queue: { limit: 0 }, overload: { atUtilization: 1 } } },
        onOverload: ({ overloaded }) => void changes.push(overloaded),
      },
    });
    const model = () => runtime.limits().resources['model'];
    expect(model()).toMatchObject({ utilization: 0, overloaded: false });
    const two = [runtime.run(chat, {}), runtime.run(chat, {})];
    await clock.advance(1);
    expect(model()).toMatchObject({ inUse: 2, utilization: 0.5, overloaded: false });
    const more = [runtime.run(chat, {}), runtime.run(chat, {}), runtime.run(chat, {})];
    await clock.advance(1);
    expect(model()).toMatchObject({ inUse: 4, utilization: 1, overloaded: true, refused: 1 });
    const runs = await clock.settle(Promise.all([...two, ...more]));
    expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'completed', 'failed']);
    expect(model()).toMatchObject({ inUse: 0, utilization: 0, overloaded: false, waitMs: { p95: 0 } });
    expect(changes).toEqual([true, false]);
  });
});
