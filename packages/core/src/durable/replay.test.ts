import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { fail, skip, suspend } from '../control.ts';
import { block, guard, pass } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { map } from '../map.ts';
import { pipeline } from '../pipeline.ts';
import { race } from '../race.ts';
import { createRuntime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { type Stage, stage } from '../stage.ts';
import { work } from '../work.ts';
import { memoryRunStore } from './memory-run-store.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const { text } = inputs<{ text: string }>();

/** Runs a pipeline, then does it once more with what may be other code. */
async function again(first: Stage, second: Stage = first, between: (host: ReturnType<typeof hostOf>) => Promise<unknown> = async () => {}) {
  const host = hostOf(first);
  await host.clock.settle(host.runtime.run(host.made, { text: 'hi' } as never, { runId: 'r' }));
  await between(host);
  const before = await host.store.load('r', undefined);
  const next = hostOf(second, host);
  const replay = await host.clock.settle(next.runtime.replay('r'));
  expect(await host.store.load('r', undefined)).toEqual(before);
  expect(next.sink.events).toEqual([]);
  return replay;
}

function hostOf(it: Stage, { clock, store } = { clock: virtualClock(), store: memoryRunStore() }) {
  const made = pipeline('p', { outputs: { it }, failureMode: 'continue' });
  const sink = recordingSink();
  return { clock, store, made, sink, runtime: createRuntime({ pipelines: [made], store, clock, sinks: [sink], services: {} }) };
}

const plain = (run: (values: { text: string }) => unknown): Stage => stage('it', { needs: { text }, run });

describe('runtime.replay()', () => {
  test('finds no difference where the code does what it did', async () => {
    const one = stage('one', { needs: { text }, run: ({ text }) => ({ at: new Date(0), text }) });
    const list = map('list', stage('keys', { run: () => ['x', 'y'] }), (item) =>
      stage('each', { needs: { item, one }, run: ({ item }) => item }),
    );
    expect(await again(list)).toEqual({ status: 'completed', sameCount: 4, differences: [] });
  });

  test('shows what a stage yielded, and what it yields now', async () => {
    const replay = await again(
      plain(({ text }) => `${text}!`),
      plain(({ text }) => `${text}?`),
    );
    const end = { status: 'completed', reason: undefined };
    expect(replay).toEqual({
      status: 'completed',
      sameCount: 0,
      differences: [{ path: 'it', recorded: { ...end, output: '"hi!"' }, replayed: { ...end, output: '"hi?"' } }],
    });
  });

  test.each<[string, () => unknown, object]>([
    ['fails', () => fail(new Error('no')), { status: 'failed', reason: 'SF_STAGE_FAILED', output: undefined }],
    ['is skipped', () => skip('nothing'), { status: 'skipped', reason: 'nothing', output: undefined }],
    ['yields what cannot be kept', () => () => 1, { status: 'completed', output: 'a function at value' }],
  ])('shows that a stage %s now', async (_, run, replayed) => {
    const { differences } = await again(
      plain(() => 1),
      plain(run),
    );
    expect(differences).toMatchObject([{ path: 'it', recorded: { status: 'completed', output: '1' }, replayed }]);
  });

  test('compares reasons of blocks and codes of failures', async () => {
    const blocks = (reason: string) => guard('it', { subject: text, check: () => (reason === '' ? pass() : block(reason)) });
    expect((await again(blocks('rude'))).differences).toEqual([]);
    expect((await again(blocks('rude'), blocks('long'))).differences).toMatchObject([
      { recorded: { reason: 'rude' }, replayed: { reason: 'long' } },
    ]);
    expect(
      (
        await again(
          plain(() => fail(new Error('a'))),
          plain(() => fail(new Error('b'))),
        )
      ).differences,
    ).toEqual([]);
  });

  test('shows a stage that had not ended', async () => {
    const extra = stage('extra', { run: () => 1 });
    const behind = stage('it', { needs: { text }, after: [extra], run: ({ text }) => text });
    const { differences } = await again(
      plain(({ text }) => text),
      behind,
    );
    expect(differences).toMatchObject([{ path: 'extra', recorded: undefined, replayed: { status: 'completed', output: '1' } }]);
  });

  test('makes no effect: one that was made ends as it had', async () => {
    let made = 0;
    const pay = work('pay', { needs: { text }, run: () => ++made });
    const replay = await again(stage('it', { needs: { pay }, run: ({ pay }) => pay }));
    expect(replay).toEqual({ status: 'completed', sameCount: 2, differences: [] });
    expect(made).toBe(1);
  });

  test('stops before an effect that was not made then', async () => {
    let made = 0;
    const pay = work('it', { needs: { text }, run: () => ++made });
    const replay = await again(
      plain(() => 1),
      pay as Stage,
    );
    expect(replay).toEqual({ status: 'cancelled', sameCount: 0, differences: [{ path: 'it', recorded: undefined, replayed: undefined }] });
    expect(made).toBe(0);
  });

  test('counts nothing that was cut short by that', async () => {
    const clock = virtualClock();
    const slow = stage('slow', { needs: { text }, run: (_, { signal }) => clock.sleep(50, signal) });
    const pay = work('pay', { needs: { text }, run: () => 1 });
    const both = (behind: Stage) => pipeline('p', { outputs: { slow }, also: { behind } });
    const store = memoryRunStore();
    const quiet = both(stage('quiet', { run: () => 1 }));
    const first = createRuntime({ pipelines: [quiet], store, clock, services: {} });
    await clock.settle(first.run(quiet, { text: 'hi' } as never, { runId: 'r' }));
    const second = createRuntime({ pipelines: [both(pay as Stage)], store, clock, services: {} });
    expect(await clock.settle(second.replay('r'))).toMatchObject({ status: 'cancelled', sameCount: 0, differences: [{ path: 'pay' }] });
  });

  test('has the answers that were given, and sleeps no second time', async () => {
    const asks = stage('it', {
      run: async (_, { answer, sleepUntil, now, waitFor }) => {
        const given = answer(anything);
        if (given === undefined) return suspend('?');
        await sleepUntil(now() + 86_400_000);
        const paid = await waitFor('paid', { schema: anything });
        return [given, paid, await waitFor('late', { schema: anything, timeoutMs: 10 }).catch(({ code }) => code)];
      },
    });
    const replay = await again(asks, asks, async ({ runtime, clock }) => {
      await runtime.decide('r/it#answer', 'yes');
      await clock.settle(runtime.resume('r'));
      await runtime.deliver('r', 'paid', 5);
      await clock.advance(86_400_000);
      await clock.settle(runtime.resume('r'));
      await clock.advance(10);
      expect(await clock.settle(runtime.resume('r'))).toMatchObject({ outputs: { it: ['yes', 5, 'SF_WAIT_EXPIRED'] } });
    });
    expect(replay).toEqual({ status: 'completed', sameCount: 1, differences: [] });
  });

  test('rests where the run rested', async () => {
    expect(await again(stage('it', { run: () => suspend('?') }))).toEqual({ status: 'suspended', sameCount: 0, differences: [] });
  });

  test('lets win what won', async () => {
    const clock = virtualClock();
    let slowMs = 10;
    const quick = stage('quick', { run: (_, { signal }) => clock.sleep(5, signal).then(() => 'quick') });
    const slow = stage('slow', { run: (_, { signal }) => clock.sleep(slowMs, signal).then(() => 'slow') });
    const made = pipeline('p', { outputs: { it: race('it', quick, slow) } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock });
    await clock.settle(runtime.run(made, {}, { runId: 'r' }));
    slowMs = 1;
    expect((await clock.settle(runtime.replay('r'))).differences).toEqual([]);
  });

  test('is refused where it makes no sense', async () => {
    const { runtime, store, clock, made } = hostOf(plain(() => 1));
    await clock.settle(runtime.run(made, { text: '' } as never, { runId: 'r' }));
    await expect(runtime.replay('s')).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    await expect(createRuntime({ pipelines: [], store }).replay('r')).rejects.toMatchObject({ code: 'SF_PIPELINE_UNKNOWN' });
    await expect(createRuntime({ pipelines: [made], services: {} }).replay('r')).rejects.toMatchObject({ code: 'SF_RUNTIME_REQUIRED' });
  });
});
