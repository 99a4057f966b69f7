import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { faultyRunStore } from '../../test/faulty-run-store.ts';
import { branch } from '../branch.ts';
import { skip } from '../control.ts';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { optional, settled } from '../edge.ts';
import { isStageflowError } from '../errors.ts';
import { fallback } from '../fallback.ts';
import { block, guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import type { Interceptor } from '../interceptor.ts';
import { loop } from '../loop.ts';
import { map } from '../map.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import { race } from '../race.ts';
import { route } from '../route.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';

const { list, start } = inputs<{ list: readonly number[]; start: number }>();

/** A process that dies at some moment of its clock, and another that goes on with its run; both call the same stages. */
function crashing(options: object = {}) {
  const store = memoryRunStore();
  const faults = faultyRunStore(store);
  const clocks = [virtualClock(), virtualClock({ now: Date.UTC(2026, 0, 1) })] as const;
  const called: string[] = [];
  let alive = 0;
  const clock = () => clocks[alive as 0 | 1];
  const never = () => new Promise<never>(() => {});
  return {
    store,
    called,
    /** For the functions of stages: the clock of the process that runs. */
    sleep: (ms: number) => clock().sleep(ms),
    says: (what: string) => called.push(what),
    /** Runs it for so long, and dies. */
    async dieAfter(made: RegisteredPipeline, input: object, ms: number): Promise<void> {
      const runtime = createRuntime({
        pipelines: [made],
        services: {},
        store: faults.store,
        clock: clocks[0],
        leaseMs: 300,
        makeId: () => 'r',
        ...options,
      });
      void runtime.run(made, input as never).catch(() => {});
      await clocks[0].advance(ms);
      for (const method of ['commit', 'renew', 'load'] as const) faults.before(method, never);
      called.push('†');
      alive = 1;
    },
    goOn: (made: RegisteredPipeline) => {
      const runtime = createRuntime({ pipelines: [made], services: {}, store, clock: clocks[1], leaseMs: 300, ...options });
      return clocks[1].settle(runtime.resume('r'));
    },
    after: () => called.slice(called.indexOf('†') + 1),
  };
}

describe('a run whose process died', () => {
  test('is kept as running, calls again what had not ended, and nothing that had', async () => {
    const { dieAfter, goOn, sleep, says, after, store } = crashing();
    const first = stage('first', { run: () => says('first') });
    const second = stage('second', {
      needs: { first },
      run: async ({ first }) => {
        says('second');
        await sleep(100);
        return first + 10;
      },
    });
    const third = stage('third', { needs: { second }, run: ({ second }) => says('third') + second * 100 });
    const made = pipeline('p', { outputs: { third } });
    await dieAfter(made, {}, 50);
    expect(await store.load('r', undefined)).toMatchObject({ status: 'running', records: [{ path: 'first', status: 'completed' }] });
    expect(await goOn(made)).toMatchObject({ status: 'completed', outputs: { third: 1105 } });
    expect(after()).toEqual(['second', 'third']);
  });

  test('has an effect begun at most when everything before it is durable, and begins it again with the same key', async () => {
    const { dieAfter, goOn, sleep, says, after, called, store } = crashing();
    const before = stage('before', { run: () => 'b' });
    const send = work('send', {
      needs: { before },
      run: async (_, { idempotencyKey }) => {
        says(idempotencyKey);
        await sleep(100);
      },
    });
    const made = pipeline('p', { outputs: {}, also: { send } });
    await dieAfter(made, {}, 50);
    expect((await store.load('r', undefined))?.records.map(({ path, status }) => `${path} ${status}`)).toEqual([
      'before completed',
      'send intent',
    ]);
    expect((await goOn(made)).status).toBe('completed');
    expect(called).toEqual(['r/send', '†', 'r/send']);
    expect(after()).toEqual(['r/send']);
  });

  test('keeps skips, handled failures and blocks as they were, with attempts, reasons and causes', async () => {
    const { dieAfter, goOn, sleep, says, after } = crashing({ failureMode: 'continue' });
    const skips = stage('skips', {
      run: () => {
        says('skips');
        return skip('nothing to do') as never;
      },
    });
    const fails = stage('fails', {
      retry: { attempts: 2, baseMs: 1, jitter: 'none' },
      run: () => {
        says('fails');
        throw new TypeError('no');
      },
    });
    const blocks = guard('blocks', {
      subject: list,
      check: () => {
        says('blocks');
        return block('not these');
      },
    });
    const slow = stage('slow', { run: () => sleep(100) });
    const all = stage('all', {
      needs: { skips: settled(skips), fails: settled(fails), blocks: settled(blocks), maybe: optional(skips), slow },
      run: ({ skips, fails, blocks, maybe }) => ({ skips, blocks, maybe, code: fails.status === 'failed' ? fails.error.code : '' }),
    });
    const made = pipeline('p', { outputs: { all } });
    await dieAfter(made, { list: [1] }, 50);
    const run = await goOn(made);
    expect(run).toMatchObject({
      status: 'completed',
      outputs: {
        all: {
          skips: { status: 'skipped', reason: 'nothing to do' },
          blocks: { status: 'blocked', reason: 'not these' },
          maybe: undefined,
          code: 'SF_STAGE_FAILED',
        },
      },
      errors: [{ code: 'SF_STAGE_FAILED', path: 'fails', cause: { name: 'TypeError', message: 'no' } }],
    });
    expect(run.errors.every((error) => isStageflowError(error))).toBe(true);
    expect(run.stages.get('fails')?.attempts).toBe(2);
    expect(after()).toEqual([]);
  });

  test('keeps the failure that was turned into a skip', async () => {
    const { dieAfter, goOn, sleep, says, after } = crashing();
    const fails = stage('fails', {
      onFailure: 'skip',
      run: () => {
        says('fails');
        throw new Error('no');
      },
    });
    const made = pipeline('p', { outputs: { slow: stage('slow', { run: () => sleep(100) }) }, also: { fails } });
    await dieAfter(made, {}, 50);
    const run = await goOn(made);
    expect(run).toMatchObject({ status: 'completed', errors: [{ code: 'SF_STAGE_FAILED', path: 'fails' }] });
    expect(run.stages.get('fails')?.outcome).toMatchObject({ status: 'skipped', reason: expect.stringContaining('no') });
    expect(after()).toEqual([]);
  });

  test('ends as it would have where what was kept is an unhandled failure', async () => {
    const { dieAfter, goOn, sleep, says, after } = crashing({ failureMode: 'continue' });
    const fails = stage('fails', {
      run: () => {
        says('fails');
        throw new Error('no');
      },
    });
    const made = pipeline('p', { outputs: { fails, slow: stage('slow', { run: () => sleep(100) }) } });
    await dieAfter(made, {}, 50);
    expect(await goOn(made)).toMatchObject({ status: 'failed', error: { path: 'fails' } });
    expect(after()).toEqual([]);
  });

  test('keeps who was first in a race, although another could be so now', async () => {
    const { dieAfter, goOn, sleep, says, after } = crashing();
    let slowMs = 80;
    const slow = stage('slow', {
      run: async () => {
        says('slow');
        await sleep(slowMs);
        return 'slow';
      },
    });
    const fast = stage('fast', { run: () => sleep(10).then(() => 'fast') });
    const winner = race('winner', slow, fast);
    const last = stage('last', { needs: { winner }, run: ({ winner }) => sleep(200).then(() => winner) });
    const made = pipeline('p', { outputs: { last, winner } });
    await dieAfter(made, {}, 100);
    slowMs = 0;
    expect(await goOn(made)).toMatchObject({ status: 'completed', outputs: { last: 'fast', winner: 'fast' } });
    expect(after()).toEqual([]);
  });

  test('goes the way that its route chose', async () => {
    const { dieAfter, goOn, sleep, says, after } = crashing();
    let choice: 'left' | 'right' = 'left';
    const way = route('way', {
      run: () => {
        says('way');
        return choice;
      },
    });
    const arm = (name: string) => stage(name, { run: () => sleep(100).then(() => says(name) && name) });
    const made = pipeline('p', { outputs: { chosen: branch('chosen', way, { left: arm('left'), right: arm('right') }) } });
    await dieAfter(made, {}, 50);
    choice = 'right';
    expect(await goOn(made)).toMatchObject({ status: 'completed', outputs: { chosen: 'left' } });
    expect(after()).toEqual(['left']);
  });

  test('goes on at the turn of a loop, and with the item of a map, where it was', async () => {
    const { dieAfter, goOn, sleep, says, after } = crashing();
    const turns = loop(
      'turns',
      start,
      (state) => stage('turn', { needs: { state }, run: ({ state }) => sleep(20).then(() => says(`turn ${state}`) && state + 1) }),
      {
        until: (state) => state === 4,
        maxTurns: 9,
      },
    );
    const items = map(
      'items',
      list,
      (item) =>
        stage('item', { needs: { item, turns }, run: ({ item, turns }) => sleep(20).then(() => says(`item ${item}`) && item * turns) }),
      {
        concurrency: 1,
        key: (item) => `k/${item}`,
      },
    );
    const made = pipeline('p', { outputs: { items, turns } });
    await dieAfter(made, { start: 0, list: [5, 6, 7] }, 110);
    expect(await goOn(made)).toMatchObject({ status: 'completed', outputs: { turns: 4, items: [20, 24, 28] } });
    expect(after()).toEqual(['item 6', 'item 7']);
  });

  test('takes the alternative that it had come to', async () => {
    const { dieAfter, goOn, sleep, says, after } = crashing();
    const fails = stage('fails', {
      run: () => {
        says('fails');
        throw new Error('no');
      },
    });
    const second = stage('second', { run: () => sleep(100).then(() => 'second') });
    const made = pipeline('p', { outputs: { value: fallback('value', fails, second) } });
    await dieAfter(made, {}, 50);
    expect(await goOn(made)).toMatchObject({ status: 'completed', outputs: { value: 'second' } });
    expect(after()).toEqual([]);
  });

  test('calls no interceptor around a stage that had ended, and tells no event of it again', async () => {
    const sink = recordingSink();
    const around: string[] = [];
    const layer: Interceptor = {
      name: 'layer',
      stage: async ({ stage }, next) => {
        around.push(stage);
        return next();
      },
    };
    const { dieAfter, goOn, sleep } = crashing({ sinks: [sink], interceptors: [layer] });
    const first = stage('first', { run: () => 1 });
    const made = pipeline('p', { outputs: { second: stage('second', { needs: { first }, run: () => sleep(100) }) } });
    await dieAfter(made, {}, 50);
    around.length = 0;
    const run = await goOn(made);
    expect(around).toEqual(['second']);
    const later = sink.events.filter(({ epoch }) => epoch === 2);
    expect(later.flatMap((event) => ('stage' in event ? [`${event.stage} ${event.type}`] : []))).toEqual([
      'second stage.started',
      'second stage.completed',
    ]);
    expect(run.stages.get('first')).toMatchObject({ status: 'completed', attempts: 1 });
  });

  test('is gone on with after the second process has died, too', async () => {
    const { dieAfter, goOn, sleep, says, store, called } = crashing();
    const steps = ['a', 'b', 'c'].map((name, at) => stage(name, { run: () => sleep(10 * at + 10).then(() => says(name)) }));
    const made = pipeline('p', { outputs: Object.fromEntries(steps.map((step) => [step.name, step])) });
    await dieAfter(made, {}, 15);
    await store.acquire('r', { owner: 'dead', until: 0, now: Number.MAX_SAFE_INTEGER });
    expect((await goOn(made)).status).toBe('completed');
    expect((await store.load('r', undefined))?.epoch).toBe(3);
    expect(called).toEqual(['a', '†', 'b', 'c']);
  });

  test('that stopped before an effect was durable does not begin it', async () => {
    const { dieAfter, goOn, says, sleep, called } = crashing();
    const fails = stage('fails', {
      run: async () => {
        await sleep(0);
        throw new Error('no');
      },
    });
    const made = pipeline('p', { outputs: { fails }, also: { send: work('send', { run: () => says('send') }) } });
    await dieAfter(made, {}, 500);
    await expect(goOn(made)).rejects.toMatchObject({ code: 'SF_RUN_NOT_RESUMABLE' });
    expect(called.filter((call) => call === 'send').length).toBe(1);
  });
});

describe('an effect that waits for what is before it to be durable', () => {
  test('does not begin where the run stops meanwhile', async () => {
    const said: string[] = [];
    const clock = virtualClock();
    const faults = faultyRunStore();
    const send = work('send', { run: () => said.push('send') });
    const made = pipeline('p', {
      outputs: {},
      also: { send, slow: stage('slow', { run: (_, { signal }) => clock.sleep(1_000, signal) }) },
    });
    const runtime = createRuntime({ pipelines: [made], store: faults.store, clock, makeId: () => 'r' });
    let release: () => void = () => {};
    faults.before('commit', () => new Promise<void>((resolve) => (release = resolve)));
    const handle = runtime.start(made, {});
    await clock.advance(10);
    handle.cancel('enough');
    await clock.advance(10);
    faults.mend('commit');
    release();
    expect(await clock.settle(handle.result)).toMatchObject({ status: 'cancelled' });
    expect(said).toEqual([]);
    expect(faults.fired.count).toBe(1);
  });
});
