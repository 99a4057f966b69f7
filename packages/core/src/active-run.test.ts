import {
  block,
  createRuntime,
  guard,
  inputs,
  pipeline,
  type Run,
  type RunEvent,
  type RuntimeLimits,
  type RuntimeRunOptions,
  type Schema,
  stage,
  work,
} from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

/** A runtime whose pipeline `wait` takes as long as its input says. */
function host(limits?: RuntimeLimits) {
  const clock = virtualClock();
  const sink = recordingSink();
  const { ms } = inputs<{ ms: number }>();
  const nap = stage('nap', { needs: { ms }, run: ({ ms }, { signal }) => clock.sleep(ms, signal).then(() => 'rested') });
  const wait = pipeline('wait', { outputs: { nap } });
  const bad = stage('bad', { needs: { ms }, run: ({ ms }) => clock.sleep(ms).then(() => Promise.reject(new Error('disk full'))) });
  const failing = pipeline('failing', { outputs: { bad } });
  const lenient = pipeline('lenient', { outputs: { bad }, also: { nap }, failureMode: 'continue' });
  const no = guard('no', { subject: nap, check: () => block('not today') });
  const blocked = pipeline('blocked', { outputs: { no } });
  const strict = pipeline('strict', { outputs: { it: stage('it', { needs: { it: inputs({ it: refusing }).it }, run: () => 1 }) } });
  const pipelines = [wait, failing, lenient, blocked, strict];
  const runtime = createRuntime({ pipelines, clock, sinks: [sink], limits, service: 'shop' });
  const start = (runId: string, ms: number, options: RuntimeRunOptions = {}) => runtime.start(wait, { ms }, { runId, ...options });
  return { clock, sink, runtime, start, wait, failing, lenient, blocked, strict };
}

const refusing: Schema<string> = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) } };

const reasonOf = (run: Run): string => (run.status === 'cancelled' ? run.reason : run.status);

describe('a run below another', () => {
  test('has the identity of its parent where it is not given its own, and the id of its parent', async () => {
    const { clock, sink, runtime, wait, start } = host();
    const identity = {
      requestId: 'request',
      sessionId: 'session',
      interactionId: 'interaction',
      userId: 'ada',
      tenantId: 'acme',
      correlationId: 'cause',
      traceId: 'trace',
      spanId: 'span',
      mode: 'fast',
      metadata: { plan: 'gold' },
    };
    const parent = start('parent', 50, identity);
    const queued = start('queued', 10, { parent, mode: 'practice' });
    await clock.advance(1);
    const child = runtime.run(wait, { ms: 10 }, { runId: 'child', parent: 'parent', userId: 'eve', tenantId: undefined });
    const [first, second] = await clock.settle(Promise.all([queued.result, child]));
    const given = { ...identity, parentRunId: 'parent', service: 'shop' };
    expect(first.identity).toEqual({ ...given, runId: 'queued', mode: 'practice' });
    expect(second.identity).toEqual({ ...given, runId: 'child', userId: 'eve' });
    expect(sink.events.find(({ runId }) => runId === 'child')).toMatchObject({
      parentRunId: 'parent',
      tenantId: 'acme',
      traceId: 'trace',
      correlationId: 'cause',
    });
    await clock.settle(parent.result);
  });

  test('can be looked up, and so can its parent, its root and its children, until it has ended', async () => {
    const { clock, runtime, start } = host();
    const top = start('top', 30, { tenantId: 'acme' });
    await clock.advance(1);
    const middle = start('middle', 20, { parent: top });
    await clock.advance(1);
    const leaf = start('leaf', 10, { parent: middle });
    start('other', 5);
    await clock.advance(1);
    expect(runtime.runs().map(({ runId }) => runId)).toEqual(['top', 'middle', 'leaf', 'other']);
    expect(runtime.childrenOf('top')).toEqual([
      {
        runId: 'middle',
        pipeline: 'wait',
        state: 'running',
        parentRunId: 'top',
        rootRunId: 'top',
        depth: 1,
        tenantId: 'acme',
      },
    ]);
    expect(runtime.childrenOf('leaf')).toEqual([]);
    expect(runtime.childrenOf('nobody')).toEqual([]);
    expect(['top', 'middle', 'leaf', 'nobody'].map((runId) => runtime.rootOf(runId))).toEqual(['top', 'top', 'top', undefined]);
    await clock.settle(Promise.all([top, middle, leaf].map(({ result }) => result)));
    expect([runtime.runs(), runtime.childrenOf('top'), runtime.rootOf('leaf')]).toEqual([[], [], undefined]);
  });

  test('is found again by the id of the latest, where a host gives one id twice', async () => {
    const { clock, runtime, start } = host();
    const [first, second] = [start('same', 10), start('same', 20)];
    await clock.advance(15);
    expect(runtime.runs().map(({ runId }) => runId)).toEqual(['same']);
    expect(runtime.rootOf('same')).toBe('same');
    await clock.settle(Promise.all([first.result, second.result]));
    expect(runtime.rootOf('same')).toBeUndefined();
  });

  test('goes on after a parent that completed', async () => {
    const { clock, runtime, start } = host();
    const parent = start('parent', 5);
    await clock.advance(1);
    const child = start('child', 20, { parent });
    expect((await clock.settle(parent.result)).status).toBe('completed');
    expect(runtime.childrenOf('parent').map(({ runId }) => runId)).toEqual(['child']);
    expect(runtime.rootOf('child')).toBe('parent');
    expect((await clock.settle(child.result)).status).toBe('completed');
  });
});

describe('the runs below one that stops', () => {
  test('stop with it, down to the last, and are told why', async () => {
    const { clock, runtime, start } = host();
    const parent = start('parent', 100);
    await clock.advance(1);
    const child = start('child', 100, { parent });
    await clock.advance(1);
    const grandchild = start('grandchild', 100, { parent: child });
    await clock.advance(1);
    const asked = clock.monotonic();
    parent.cancel('the user left');
    expect(runtime.runs().map(({ state }) => state)).toEqual(['stopping', 'stopping', 'stopping']);
    const runs = await clock.settle(Promise.all([parent.result, child.result, grandchild.result]));
    expect(clock.monotonic()).toBe(asked);
    expect(runs.map(reasonOf)).toEqual([
      'the user left',
      'its parent run was cancelled: the user left',
      'its parent run was cancelled: its parent run was cancelled: the user left',
    ]);
  });

  test('stop where it fails, at once, or at its end where it goes on after failures; and where it is blocked', async () => {
    const { clock, runtime, start, wait, failing, lenient, blocked } = host();
    const stopped = async (parent: { readonly runId: string; readonly result: Promise<Run> }) => {
      const child = start(`below ${parent.runId}`, 1_000, { parent });
      const [, run] = await clock.settle(Promise.all([parent.result, child.result]));
      return reasonOf(run as Run);
    };
    const failed = 'Stage "bad" failed: disk full.';
    expect(await stopped(runtime.start(failing, { ms: 10 }))).toBe('its parent run failed: stage "bad" failed');
    expect(await stopped(runtime.start(lenient, { ms: 10 }))).toBe(`its parent run failed: ${failed}`);
    expect(await stopped(runtime.start(blocked, { ms: 10 }))).toBe('its parent run was blocked: not today');
    expect(await stopped(runtime.start(wait, { ms: 50 }, { deadlineMs: 20 }))).toBe(
      'its parent run failed: The run did not finish within 20 ms.',
    );
    expect(clock.monotonic()).toBe(50);
  });

  test('keep the reason they were stopped for before', async () => {
    const { clock, start } = host();
    const parent = start('parent', 100);
    await clock.advance(1);
    const child = start('child', 100, { parent });
    await clock.advance(1);
    child.cancel('mine');
    parent.cancel('theirs');
    const runs = await clock.settle(Promise.all([parent.result, child.result]));
    expect(runs.map(reasonOf)).toEqual(['theirs', 'mine']);
  });

  test('stop where it is cancelled before it begins, and where it cannot begin', async () => {
    const { clock, runtime, start, strict } = host();
    const parent = start('parent', 100);
    const child = start('child', 100, { parent });
    parent.cancel('never mind');
    const runs = await clock.settle(Promise.all([parent.result, child.result]));
    expect(runs.map(reasonOf)).toEqual(['never mind', 'its parent run was cancelled: never mind']);
    const refused = runtime.start(strict, { it: 'x' } as never);
    const below = start('below', 100, { parent: refused });
    await expect(refused.result).rejects.toMatchObject({ code: 'SF_INPUT_INVALID' });
    expect(reasonOf(await clock.settle(below.result))).toBe('its parent run was cancelled: it did not begin');
  });

  test('are no more than those that were under way: a child that has ended stays as it is', async () => {
    const { clock, start } = host();
    const parent = start('parent', 100);
    await clock.advance(1);
    const child = start('child', 5, { parent });
    expect((await clock.settle(child.result)).status).toBe('completed');
    parent.cancel();
    expect((await clock.settle(parent.result)).status).toBe('cancelled');
  });
});

describe('a run is not started', () => {
  const ended = (why: string) =>
    expect.objectContaining({ code: 'SF_PARENT_ENDED', details: { pipeline: 'wait', parentRunId: 'parent', why } });

  test('below one that stops, has ended, or is not of this runtime', async () => {
    const { clock, start, wait, runtime } = host();
    const stranger = host();
    expect(() => start('child', 1, { parent: 'parent' })).toThrow(ended('it is not under way in this runtime'));
    const elsewhere = stranger.start('parent', 1);
    expect(() => start('child', 1, { parent: elsewhere })).toThrow(ended('it is not under way in this runtime'));
    const parent = start('parent', 10);
    await clock.advance(1);
    parent.cancel('enough');
    await expect(runtime.run(wait, { ms: 1 }, { parent })).rejects.toEqual(ended('it is stopping: enough'));
    await clock.settle(parent.result);
    expect(() => start('child', 1, { parent })).toThrow(ended('it is not under way in this runtime'));
    expect(runtime.activeRuns).toBe(0);
    await stranger.clock.settle(elsewhere.result);
  });

  test('deeper than runs may nest', async () => {
    const deep = async (limits: RuntimeLimits | undefined) => {
      const { clock, start } = host(limits);
      const handles = [start('0', 10)];
      for (;;) {
        await clock.advance(1);
        try {
          handles.push(start(String(handles.length), 10, { parent: handles.at(-1) as { runId: string } }));
        } catch (error) {
          await clock.settle(Promise.all(handles.map(({ result }) => result)));
          return [handles.length, error];
        }
      }
    };
    const refused = (maxDepth: number) =>
      expect.objectContaining({
        code: 'SF_RUN_DEPTH_EXCEEDED',
        details: { pipeline: 'wait', parentRunId: String(maxDepth), maxDepth },
      });
    expect(await deep(undefined)).toEqual([6, refused(5)]);
    expect(await deep({ maxRunDepth: 2 })).toEqual([3, refused(2)]);
  });
});

describe('the events of runs below', () => {
  test('reach the sinks of the runtime, and the readers above that ask for them', async () => {
    const { clock, sink, start } = host();
    const parent = start('parent', 30);
    const read = async (events: AsyncIterable<RunEvent>) => {
      const seen: string[] = [];
      for await (const { runId, type } of events) seen.push(`${runId} ${type}`);
      return seen;
    };
    const [own, all] = [read(parent.events()), read(parent.events({ children: true }))];
    const leaving = parent.events({ children: true });
    await clock.advance(1);
    await leaving.return?.();
    const child = start('child', 20, { parent });
    await clock.advance(1);
    const grandchild = start('grandchild', 10, { parent: child });
    await clock.settle(Promise.all([parent, child, grandchild].map(({ result }) => result)));
    expect(new Set((await own).map((line) => line.split(' ')[0]))).toEqual(new Set(['parent']));
    expect(await all).toEqual(sink.events.map(({ runId, type }) => `${runId} ${type}`));
    expect((await all).at(-1)).toBe('parent run.completed');
    expect(await read(parent.events({ children: true }))).toEqual(['parent run.snapshotted', 'parent run.completed']);
  });

  test('reach readers above through a run that nobody can read', async () => {
    const { clock, runtime, wait, start } = host();
    const parent = start('parent', 30);
    await clock.advance(1);
    const middle = runtime.run(wait, { ms: 20 }, { runId: 'middle', parent });
    const reader = parent.events({ children: true });
    await clock.advance(1);
    const leaf = runtime.run(wait, { ms: 10 }, { runId: 'leaf', parent: 'middle' });
    await clock.settle(Promise.all([parent.result, middle, leaf]));
    const seen = new Set<string>();
    for await (const { runId } of reader) seen.add(runId);
    expect(seen).toEqual(new Set(['parent', 'middle', 'leaf']));
  });
});

describe('a place', () => {
  test('is taken by a run together with those below it, so that waiting for one of these is no deadlock', async () => {
    const clock = virtualClock();
    const inner = pipeline('inner', { outputs: { it: stage('it', { run: () => clock.sleep(10) }) } });
    const outer = pipeline('outer', {
      outputs: { it: work('it', { run: (_, { runId }) => runtime.run(inner, {}, { parent: runId }).then(({ status }) => status) }) },
    });
    const runtime: ReturnType<typeof createRuntime> = createRuntime({
      pipelines: [inner, outer],
      clock,
      limits: { runs: { capacity: 1, queue: { limit: 0 } } },
    });
    expect(await clock.settle(runtime.run(outer, {}))).toMatchObject({ status: 'completed', outputs: { it: 'completed' } });
    expect(runtime.limits().runs).toMatchObject({ inUse: 0, refused: 0 });
  });

  test('is free when the last of them has ended', async () => {
    const { clock, runtime, start } = host({ runs: { capacity: 1 } });
    const parent = start('parent', 5);
    await clock.advance(1);
    const child = start('child', 20, { parent });
    await clock.settle(parent.result);
    expect(runtime.limits().runs?.inUse).toBe(1);
    await clock.settle(child.result);
    expect(runtime.limits().runs?.inUse).toBe(0);
  });

  test('is waited for by all of them, and each can be called off alone', async () => {
    const { clock, runtime, start } = host({ runs: { capacity: 1 } });
    const first = start('first', 10);
    const parent = start('parent', 10, { priority: 3 });
    const children = ['one', 'two'].map((runId) => start(runId, 10, { parent }));
    await clock.advance(5);
    expect(runtime.runs().map(({ runId, state }) => [runId, state])).toEqual([
      ['first', 'running'],
      ['parent', 'queued'],
      ['one', 'queued'],
      ['two', 'queued'],
    ]);
    children[0]?.cancel('not this one');
    const results = [first, parent, ...children].map(({ result }) => result);
    expect((await clock.settle(Promise.all(results))).map(reasonOf)).toEqual(['completed', 'completed', 'not this one', 'completed']);
    expect(clock.monotonic()).toBe(20);
    expect(runtime.limits().runs).toMatchObject({ inUse: 0, queued: 0 });
  });

  test('that is refused is refused to all of them', async () => {
    const { clock, start } = host({ runs: { capacity: 1, queue: { timeoutMs: 5 } } });
    const first = start('first', 10);
    const parent = start('parent', 10);
    const child = start('child', 10, { parent });
    const refused = Promise.all(
      [parent, child].map(({ result }) =>
        expect(result).rejects.toMatchObject({ code: 'SF_RUN_REFUSED', details: { why: 'queue_timeout' } }),
      ),
    );
    await clock.settle(first.result);
    await refused;
  });
});
