import { type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { dyingRunStore } from '../../test/dying-run-store.ts';
import { faultyRunStore } from '../../test/faulty-run-store.ts';
import { fail, suspend } from '../control.ts';
import { settled } from '../edge.ts';
import { inputs, services } from '../inputs.ts';
import { map } from '../map.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import type { RunStore } from '../ports/run-store.ts';
import { race } from '../race.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';
import { memoryRunStore } from './memory-run-store.ts';

const { trip, ids } = inputs<{ trip: string; ids: readonly string[] }>();
const { bank } = services<{ bank: Bank }>();

/** The world outside: what was made of it and taken back, by key. */
class Bank {
  readonly made: string[] = [];
  readonly refunded: string[] = [];
  /** Whether refunds hang. */
  isClosed = false;

  make(key: string): string {
    if (!this.made.includes(key)) this.made.push(key);
    return `receipt of ${key}`;
  }

  async refund(key: string, signal: AbortSignal): Promise<void> {
    if (this.isClosed) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    if (!this.refunded.includes(key)) this.refunded.push(key);
  }
}

const flight = work('flight', {
  needs: { trip, bank },
  run: ({ trip, bank }) => bank.make(`flight ${trip}`),
  undo: ({ trip, bank }, { signal }) => bank.refund(`flight ${trip}`, signal),
});
const rooms = map('rooms', ids, (id) =>
  work('room', {
    needs: { id, flight, bank },
    run: ({ id, bank }) => bank.make(`room ${id}`),
    undo: ({ id, bank }, { signal }) => bank.refund(`room ${id}`, signal),
  }),
);
const broken = stage('broken', { needs: { rooms }, run: () => fail('no way back') });
const book = pipeline('book', { outputs: { broken } });
const input = { trip: 'Rome', ids: ['a', 'b'] };

function runtimeOn(store: Parameters<typeof createRuntime>[0]['store'], clock: ReturnType<typeof virtualClock>, bank: Bank) {
  return createRuntime({ pipelines: [book], store, clock, services: { bank }, leaseMs: 1_000 });
}

describe('a process that dies', () => {
  test('at any commit leaves a run that another undoes to its end, with nothing left and nothing made again', async () => {
    const counting = dyingRunStore(memoryRunStore());
    const clock = virtualClock();
    await clock.settle(runtimeOn(counting.store, clock, new Bank()).run(book, input, { runId: 'whole' }));
    expect(counting.commits).toBeGreaterThan(6);
    for (let dieAt = 1; dieAt <= counting.commits; dieAt++) {
      for (const when of ['before', 'after'] as const) {
        const bank = new Bank();
        const store = memoryRunStore();
        const clock = virtualClock();
        const dying = dyingRunStore(store, { dieAt, when });
        void runtimeOn(dying.store, clock, bank).run(book, input, { runId: 'r' });
        await clock.advance(2_000);
        expect(dying.isDead, `${when} commit ${dieAt}`).toBe(true);
        const recovered = await clock.settle(runtimeOn(store, clock, bank).recover());
        // The last commit is the end itself.
        const isOver = dieAt === counting.commits && when === 'after';
        expect(recovered.resumed, `${when} commit ${dieAt}`).toEqual(isOver ? [] : [{ runId: 'r', status: 'failed' }]);
        expect(new Set(bank.refunded), `${when} commit ${dieAt}`).toEqual(new Set(bank.made));
        expect((await store.load('r', undefined))?.status).toBe('failed');
      }
    }
  });
});

describe('a runtime that closes while a run is undone', () => {
  test('lets go of it, and the next one goes on where it was', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const bank = new Bank();
    bank.isClosed = true;
    const first = runtimeOn(store, clock, bank);
    const handle = first.start(book, input, { runId: 'r' });
    await clock.advance(10);
    await clock.settle(first.close({ graceMs: 5 }));
    expect(await handle.result).toMatchObject({ status: 'suspended', undone: [] });
    bank.isClosed = false;
    const second = runtimeOn(store, clock, bank);
    const recovered = await clock.settle(second.recover());
    expect(recovered.resumed).toEqual([{ runId: 'r', status: 'failed' }]);
    expect(bank.refunded).toEqual(['room b', 'room a', 'flight Rome']);
  });
});

describe('a run that is undone after it was resumed', () => {
  test('undoes what was made before, with its values and the services of the new process', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const bank = new Bank();
    const asks = stage('asks', { needs: { flight }, run: (_, { answer }) => answer(anything) ?? suspend('go on?') });
    const stops = stage('stops', { needs: { asks }, run: () => fail('no') });
    const made = pipeline('asking', { outputs: { stops } });
    const options = { pipelines: [made] as const, store, clock, services: { bank } };
    await clock.settle(createRuntime(options).run(made, { trip: 'Rome' }, { runId: 'r' }));
    const second = createRuntime(options);
    await second.decide('r/asks#answer', 'yes');
    expect(await clock.settle(second.resume('r'))).toMatchObject({ status: 'failed', undone: ['flight'] });
    expect(bank.refunded).toEqual(['flight Rome']);
  });

  test('keeps the status and the reason of a run that was cancelled', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const bank = new Bank();
    bank.isClosed = true;
    const waits = stage('waits', { needs: { flight }, run: () => new Promise(() => {}) });
    const made = pipeline('waiting', { outputs: { waits }, undoOn: ['cancelled'], graceMs: 1 });
    const options = { pipelines: [made] as const, store, clock, services: { bank } };
    const first = createRuntime(options);
    const handle = first.start(made, { trip: 'Rome' }, { runId: 'r' });
    await clock.advance(5);
    handle.cancel('not needed any more');
    await clock.advance(5);
    await clock.settle(first.close({ graceMs: 1 }));
    expect((await handle.result).status).toBe('suspended');
    bank.isClosed = false;
    const run = await clock.settle(createRuntime(options).resume('r'));
    expect(run).toMatchObject({ status: 'cancelled', reason: 'not needed any more', undone: ['flight'] });
    expect(run.stages.get('flight')?.status).toBe('completed');
    expect(run.stages.get('waits')?.status).toBe('cancelled');
  });
});

describe('an effect that another stage called', () => {
  const { price } = inputs<{ price: number }>();
  const pay = work('pay', {
    needs: { price, bank },
    run: ({ bank }) => bank.make('pay'),
    undo: ({ bank }, { signal }) => bank.refund('pay', signal),
  });
  const shop = stage('shop', { needs: { bank }, run: ({ bank }, { call }) => call(pay, { price: 1, bank }) });

  function asking(shopping: typeof shop) {
    const asks = stage('asks', { needs: { shopping }, run: (_, { answer }) => answer(anything) ?? suspend('go on?') });
    return pipeline('asking', { outputs: { stops: stage('stops', { needs: { asks }, run: () => fail('no') }) } });
  }

  async function resumed(shopping: typeof shop) {
    const clock = virtualClock();
    const world = new Bank();
    const made = asking(shopping);
    const options = { pipelines: [made] as const, store: memoryRunStore(), clock, services: { bank: world } };
    await clock.settle(createRuntime(options).run(made, {}, { runId: 'r' }));
    const second = createRuntime(options);
    for (const { waitId } of await second.waits()) await second.decide(waitId, 'yes');
    return { world, run: await clock.settle(second.resume('r')) };
  }

  test('is left where that stage had ended in another process: nobody knows how to undo it', async () => {
    const { world, run } = await resumed(shop);
    expect(run.undoErrors).toMatchObject([
      {
        code: 'SF_COMPENSATION_FAILED',
        path: 'shop/pay',
        details: { stage: 'pay', attempts: 0, why: expect.stringContaining('an earlier process') },
      },
    ]);
    expect([world.made, world.refunded, run.undone]).toEqual([['pay'], [], []]);
  });

  test('is undone where that stage is called again', async () => {
    const waiting = stage('shop', {
      needs: { bank },
      run: async ({ bank }, { call, waitFor }) => {
        const receipt = await call(pay, { price: 1, bank });
        await waitFor('go', { schema: anything });
        return receipt;
      },
    });
    const clock = virtualClock();
    const world = new Bank();
    const made = pipeline('waiting', { outputs: { stops: stage('stops', { needs: { waiting }, run: () => fail('no') }) } });
    const options = { pipelines: [made] as const, store: memoryRunStore(), clock, services: { bank: world } };
    await clock.settle(createRuntime(options).run(made, {}, { runId: 'r' }));
    const second = createRuntime(options);
    await second.deliver('r', 'go', 1);
    expect(await clock.settle(second.resume('r'))).toMatchObject({ status: 'failed', undone: ['shop/pay'] });
    expect(world.refunded).toEqual(['pay']);
  });
});

test('what could not be undone before a crash is reported by the process that ends the run, and not tried again', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  let tries = 0;
  const first = work('first', { run: () => 1, undo: () => {} });
  const stuck = work('stuck', {
    needs: { first },
    run: () => 2,
    undo: {
      retry: {
        when: () => {
          throw new Error('no classifier');
        },
      },
      run: () => Promise.reject(new Error(`try ${++tries}`)),
    },
  });
  const made = pipeline('p', { outputs: { stops: stage('stops', { needs: { stuck }, run: () => fail('no') }) } });
  const counting = dyingRunStore(memoryRunStore());
  const options = { pipelines: [made] as const, clock, leaseMs: 1_000 };
  const whole = await clock.settle(createRuntime({ ...options, store: counting.store }).run(made, {}));
  expect([whole.undone, whole.undoErrors.length, tries]).toEqual([['first'], 1, 1]);
  // Before the last effect is noted as undone, and after the one that could not be.
  const dying = dyingRunStore(store, { dieAt: counting.commits - 1, when: 'before' });
  void createRuntime({ ...options, store: dying.store }).run(made, {}, { runId: 'r' });
  await clock.advance(2_000);
  expect([dying.isDead, tries]).toEqual([true, 2]);
  const run = await clock.settle(createRuntime({ ...options, store }).resume('r'));
  expect([run.status, run.undone, run.undoErrors.map(({ path }) => path), tries]).toEqual(['failed', ['first'], ['stuck'], 2]);
});

test('an effect that was given up before a crash, and may have been made, is undone after it', async () => {
  const clock = virtualClock();
  const undone: unknown[] = [];
  const hangs = work('hangs', {
    timeoutMs: 10,
    graceMs: 5,
    run: () => new Promise(() => {}),
    undo: (_, { result }) => void undone.push(result.status),
  });
  const refuses = work('refuses', { run: () => fail('no'), undo: () => void undone.push('refuses') });
  const asks = stage('asks', {
    needs: { hangs: settled(hangs), refuses: settled(refuses) },
    run: (_, { answer }) => (answer(anything) === undefined ? suspend('go on?') : fail('no')),
  });
  const made = pipeline('p', { outputs: { asks } });
  const options = { pipelines: [made] as const, store: memoryRunStore(), clock };
  const run = await clock.settle(createRuntime(options).run(made, {}, { runId: 'r' }));
  expect(run.status).toBe('suspended');
  const next = createRuntime(options);
  await next.decide('r/asks#answer', 'yes');
  expect(await clock.settle(next.resume('r'))).toMatchObject({ status: 'failed', undone: ['hangs'] });
  expect(undone).toEqual(['unknown']);
});

test('a fork of a run that was undone makes its effects again', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const bank = new Bank();
  const runtime = runtimeOn(store, clock, bank);
  await clock.settle(runtime.run(book, input, { runId: 'r' }));
  bank.made.length = 0;
  await clock.settle(runtime.fork('r'));
  expect(bank.made).toEqual(['flight Rome', 'room a', 'room b']);
});

test('a fork that fails leaves effects that it begins with to the run that made them', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const world = new Bank();
  let isBroken = false;
  const mail = work('mail', {
    needs: { flight, bank },
    run: ({ bank }) => bank.make('mail'),
    undo: ({ bank }, { signal }) => bank.refund('mail', signal),
  });
  const last = stage('last', { needs: { mail }, run: () => (isBroken ? fail('no') : 'sent') });
  const made = pipeline('mailing', { outputs: { last } });
  const runtime = createRuntime({ pipelines: [made], store, clock, services: { bank: world } });
  expect((await clock.settle(runtime.run(made, { trip: 'Rome' }, { runId: 'r' }))).status).toBe('completed');
  isBroken = true;
  expect(await clock.settle(runtime.fork('r', { from: 'mail' }))).toMatchObject({ status: 'failed', undone: ['mail'] });
  expect(world.refunded).toEqual(['mail']);
});

test('a replay undoes nothing', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const bank = new Bank();
  const runtime = runtimeOn(store, clock, bank);
  await clock.settle(runtime.run(book, input, { runId: 'r' }));
  bank.refunded.length = 0;
  expect(await clock.settle(runtime.replay('r'))).toMatchObject({ status: 'failed', differences: [] });
  expect(bank.refunded).toEqual([]);
});

test('an effect whose values cannot be kept is not made', async () => {
  const clock = virtualClock();
  const odd = stage('odd', { run: () => 1 });
  const called = work('called', { needs: { odd }, run: () => expect.fail('was made'), undo: () => {} });
  const caller = stage('caller', { run: (_, { call }) => call(called, { odd: (() => 1) as never }) });
  const made = pipeline('p', { outputs: { caller } });
  const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), clock });
  const run = await clock.settle(runtime.run(made, {}));
  expect(run.status === 'failed' && run.error.cause).toMatchObject({ code: 'SF_NOT_SERIALIZABLE', path: 'caller/called' });
});

describe('a process whose run is lost to it', () => {
  test.each(['the store fails', 'another has it'])('undoes nothing: %s', async (why) => {
    const clock = virtualClock();
    const inner = memoryRunStore();
    const faulty = faultyRunStore(inner);
    const undone: string[] = [];
    const paid = work('paid', { run: () => 1, undo: () => void undone.push('paid') });
    const slow = stage('slow', { needs: { paid }, run: () => clock.sleep(50) });
    const after = stage('after', { needs: { slow }, run: () => clock.sleep(50) });
    const made = pipeline('p', { outputs: { after } });
    const outcome = createRuntime({ pipelines: [made], store: faulty.store, clock }).run(made, {}, { runId: 'r' });
    const refused = expect(outcome).rejects.toMatchObject({ code: why === 'the store fails' ? 'SF_STORE_FAILED' : 'SF_RUN_TAKEN_OVER' });
    await clock.advance(10);
    faulty.before('commit', async () => {
      if (why === 'the store fails') throw new Error('down');
      await inner.acquire('r', { owner: 'other', until: 1e15, now: 1e14 });
    });
    await clock.settle(refused);
    expect([faulty.fired.count, undone]).toEqual([1, []]);
  });
});

describe('an effect that may have been made and did not complete', () => {
  /** Rests once the effect has ended; goes on elsewhere, and fails. */
  async function undoneElsewhere(store: RunStore, clock: VirtualClock, made: RegisteredPipeline) {
    const next = createRuntime({ pipelines: [made], store, clock, services: {} });
    const [wait] = await next.waits({ runId: 'r' });
    await next.decide(String(wait?.waitId), 'no');
    return clock.settle(next.resume('r'));
  }
  const fails = (answer: unknown) => (answer === undefined ? suspend('?') : fail('no'));

  test('because it lost a race is undone by another process, too', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const results: unknown[] = [];
    const slow = work('slow', { run: (_, { signal }) => clock.sleep(100, signal), undo: (_, { result }) => void results.push(result) });
    const fast = stage('fast', { run: () => clock.sleep(10) });
    const asks = stage('asks', { needs: { first: race('first', slow, fast) }, run: (_, { answer }) => fails(answer(anything)) });
    const made = pipeline('p', { outputs: { asks } });
    await clock.settle(createRuntime({ pipelines: [made], store, clock }).run(made, {}, { runId: 'r' }));
    expect(await undoneElsewhere(store, clock, made)).toMatchObject({ status: 'failed', undone: ['slow'] });
    expect(results).toEqual([{ status: 'unknown' }]);
  });

  test('because somebody skipped it is undone by another process, too', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const slow = work('slow', { run: (_, { signal }) => clock.sleep(100, signal), undo: () => undefined });
    const asks = stage('asks', { after: [slow], run: (_, { answer }) => fails(answer(anything)) });
    const made = pipeline('p', { outputs: { asks }, also: { slow } });
    const handle = createRuntime({ pipelines: [made], store, clock }).start(made, {}, { runId: 'r' });
    await clock.advance(5);
    expect(handle.skip('slow')).toBe(true);
    await clock.settle(handle.result);
    expect(await undoneElsewhere(store, clock, made)).toMatchObject({ status: 'failed', undone: ['slow'] });
  });

  test('because a second process was told no is undone by a third, since the first may have made it', async () => {
    const clock = virtualClock();
    const store = memoryRunStore();
    const hangs = faultyRunStore(store);
    hangs.before('renew', () => new Promise(() => {}));
    let calls = 0;
    const paid = work('paid', {
      onFailure: 'skip',
      run: (): unknown => (++calls === 1 ? new Promise(() => {}) : fail('refused')),
      undo: () => undefined,
    });
    const asks = stage('asks', { after: [paid], run: (_, { answer }) => fails(answer(anything)) });
    const made = pipeline('p', { outputs: { asks }, also: { paid } });
    void createRuntime({ pipelines: [made], store: hangs.store, clock, leaseMs: 1_000 }).run(made, {}, { runId: 'r' });
    await clock.advance(2_000);
    const second = await clock.settle(createRuntime({ pipelines: [made], store, clock }).recover());
    expect([hangs.fired.count, calls, second.resumed]).toEqual([1, 2, [{ runId: 'r', status: 'suspended' }]]);
    expect(await undoneElsewhere(store, clock, made)).toMatchObject({ status: 'failed', undone: ['paid'] });
  });
});

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;

test('an effect that a resumed run does not come to again is undone with the services of the new process', async () => {
  const clock = virtualClock();
  const store = memoryRunStore();
  const world = new Bank();
  const bad = stage('bad', { run: () => clock.sleep(50).then(() => fail('no')) });
  const made = pipeline('beside', { outputs: { bad }, also: { flight } });
  const options = { pipelines: [made] as const, clock, services: { bank: world }, leaseMs: 1_000 };
  const dying = dyingRunStore(store, { dieAt: 4, when: 'before' });
  void createRuntime({ ...options, store: dying.store }).run(made, { trip: 'Rome' }, { runId: 'r' });
  await clock.advance(2_000);
  expect(dying.isDead).toBe(true);
  // As of a process that died between the failure and the note that it is undone: the failure stops the run before the effect is restored.
  const loaded = store.load.bind(store);
  const load: typeof store.load = async (...which) => {
    const run = await loaded(...which);
    return run && { ...run, records: run.records.filter(({ path }) => path !== '[undo]') };
  };
  expect((await load('r', undefined))?.records.map(({ path }) => path)).toEqual(['flight', 'flight', 'bad']);
  const run = await clock.settle(createRuntime({ ...options, store: Object.assign(store, { load }) }).resume('r'));
  expect([run.undone, world.refunded]).toEqual([['flight'], ['flight Rome']]);
});
