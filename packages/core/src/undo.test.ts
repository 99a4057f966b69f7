import {
  cancel,
  createRuntime,
  fail,
  guard,
  type Interceptor,
  inputs,
  isStageflowError,
  map,
  memoryRunStore,
  type PipelinePolicy,
  pass,
  pipeline,
  type RunEvent,
  type Schema,
  services,
  skip,
  stage,
  streamed,
  work,
} from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

const { trip } = inputs<{ trip: string }>();

/** Three bookings, the last of which fails; what is undone is written to `undone`. */
function bookings(undone: string[], failing: () => unknown = () => fail('no rooms')) {
  const note = (what: string) => () => void undone.push(what);
  const flight = work('flight', { needs: { trip }, run: ({ trip }) => `flight to ${trip}`, undo: note('flight') });
  const car = work('car', { needs: { flight }, run: ({ flight }) => `car for ${flight}`, undo: note('car') });
  const hotel = work('hotel', { needs: { car }, run: failing, undo: note('hotel') });
  return pipeline('book', { outputs: { hotel } });
}

describe('a run that ends badly', () => {
  test('undoes its effects, the last first, and not the one that failed', async () => {
    const undone: string[] = [];
    const run = await bookings(undone).run({ trip: 'Rome' });
    expect(run).toMatchObject({ status: 'failed', undone: ['car', 'flight'], undoErrors: [] });
    expect(undone).toEqual(['car', 'flight']);
  });

  test('undoes nothing where it completed', async () => {
    const undone: string[] = [];
    const run = await bookings(undone, () => 'room 7').run({ trip: 'Rome' });
    expect(run).toMatchObject({ status: 'completed', undone: [] });
    expect(undone).toEqual([]);
  });

  test('undoes after a block, too, and after a cancel only where the pipeline says so', async () => {
    const run = async (undoOn?: readonly ('failed' | 'blocked' | 'cancelled')[]) => {
      const undone: string[] = [];
      const paid = work('paid', { run: () => 'paid', undo: () => void undone.push('paid') });
      const stops = stage('stops', { needs: { paid }, run: () => cancel('enough') });
      const ended = await pipeline('shop', { outputs: { stops }, undoOn }).run({});
      expect(ended.status).toBe('cancelled');
      return undone;
    };
    expect(await run()).toEqual([]);
    expect(await run(['cancelled'])).toEqual(['paid']);
    const undone: string[] = [];
    const paid = work('paid', { run: () => 'paid', undo: () => void undone.push('paid') });
    const check = guard('check', { subject: paid, check: () => ({ verdict: 'block' }) as never });
    const blocked = await pipeline('shop', { outputs: { check } }).run({});
    expect([blocked.status, undone]).toEqual(['blocked', ['paid']]);
    const passes = guard('check', { subject: paid, check: () => pass() });
    expect((await pipeline('shop', { outputs: { passes } }).run({})).undone).toEqual([]);
  });

  test('gives the function that undoes the values, the result and the key of the effect', async () => {
    const seen: unknown[] = [];
    const { bank } = services<{ bank: { refund(payment: string): string } }>();
    const pay = work('pay', {
      needs: { trip, bank },
      idempotencyKey: ({ trip }) => `pay:${trip}`,
      run: ({ trip }) => `payment for ${trip}`,
      undo: ({ trip, bank }, { result, idempotencyKey, attempt, path, runId }) => {
        const refunded = result.status === 'completed' ? bank.refund(result.output) : undefined;
        seen.push(trip, refunded, idempotencyKey, attempt, path, runId);
      },
    });
    const broken = stage('broken', { needs: { pay }, run: () => fail('no') });
    const bank7 = { refund: (payment: string) => `${payment} refunded` };
    await pipeline('book', { outputs: { broken } }).run({ trip: 'Rome' }, { runId: 'r', services: { bank: bank7 } });
    expect(seen).toEqual(['Rome', 'payment for Rome refunded', 'pay:Rome', 1, 'pay', 'r']);
  });

  test('undoes an effect that was given up, since it may have been made', async () => {
    const clock = virtualClock();
    const results: unknown[] = [];
    const hangs = work('hangs', {
      timeoutMs: 10,
      graceMs: 5,
      run: () => new Promise(() => {}),
      undo: (_, { result }) => void results.push(result),
    });
    const run = await clock.settle(pipeline('book', { outputs: { hangs } }).run({}, { clock }));
    expect(run).toMatchObject({ status: 'failed', undone: ['hangs'] });
    expect(results).toEqual([{ status: 'unknown' }]);
  });

  test('undoes an effect whose value broke its contract', async () => {
    const results: unknown[] = [];
    const never: Schema<unknown, string> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
    };
    const odd = work('odd', { output: never, run: () => 'made', undo: (_, { result }) => void results.push(result) });
    const run = await pipeline('book', { outputs: { odd } }).run({});
    expect(run).toMatchObject({ status: 'failed', undone: ['odd'] });
    expect(results).toEqual([{ status: 'unknown' }]);
  });

  test('undoes an effect that was in doubt after one attempt, whatever the next one said', async () => {
    const clock = virtualClock();
    const undone: unknown[] = [];
    let calls = 0;
    const flaky = work('flaky', {
      timeoutMs: 10,
      graceMs: 5,
      idempotencyKey: () => 'k',
      retry: { attempts: 2, baseMs: 0 },
      run: () => (++calls === 1 ? new Promise(() => {}) : fail('refused')),
      undo: (_, { result }) => void undone.push(result.status),
    });
    const run = await clock.settle(pipeline('book', { outputs: { flaky } }).run({}, { clock }));
    expect([run.status, calls, undone]).toEqual(['failed', 2, ['unknown']]);
  });

  test('does not undo an effect that skipped itself', async () => {
    const skips = work('skips', { run: () => skip('nothing to do'), undo: () => expect.fail('was never made') });
    const broken = stage('broken', { after: [skips], run: () => fail('no') });
    const run = await pipeline('book', { outputs: { broken } }).run({});
    expect(run).toMatchObject({ status: 'failed', undone: [] });
  });

  test('gives what was streamed to an effect no second time', async () => {
    const words = stage('words', {
      streams: true,
      async *run() {
        yield 'one';
      },
    });
    const keys: string[][] = [];
    const saves = work('saves', {
      needs: { trip, words: streamed(words) },
      run: async ({ words }) => {
        for await (const word of words) return word;
        return '';
      },
      undo: (values) => void keys.push(Object.keys(values)),
    });
    const broken = stage('broken', { needs: { saves }, run: () => fail('no') });
    const made = pipeline('book', { outputs: { broken } });
    const runtime = createRuntime({ pipelines: [made], store: memoryRunStore() });
    expect(await runtime.run(made, { trip: 'Rome' })).toMatchObject({ status: 'failed', undone: ['saves'] });
    expect(keys).toEqual([['trip', 'words']]);
  });

  test('undoes the effects of the items of a map, and of what a stage called', async () => {
    const undone: string[] = [];
    const { ids } = inputs<{ ids: readonly string[] }>();
    const booked = map('booked', ids, (id) => work('book', { needs: { id }, run: ({ id }) => id, undo: ({ id }) => void undone.push(id) }));
    const fee = work('fee', { needs: { trip }, run: ({ trip }) => trip, undo: ({ trip }) => void undone.push(`fee ${trip}`) });
    const charge = stage('charge', { needs: { booked }, run: (_, { call }) => call(fee, { trip: 'Rome' }) });
    const broken = stage('broken', { needs: { charge }, run: () => fail('no') });
    const run = await pipeline('book', { outputs: { broken } }).run({ ids: ['a', 'b'] });
    expect(undone).toEqual(['fee Rome', 'b', 'a']);
    expect(run.undone).toHaveLength(3);
  });
});

describe('an effect that cannot be undone', () => {
  test('is tried again, reported, and does not keep the others', async () => {
    const clock = virtualClock();
    const events: RunEvent[] = [];
    let calls = 0;
    const undone: string[] = [];
    const first = work('first', { run: () => 1, undo: () => void undone.push('first') });
    const stuck = work('stuck', {
      needs: { first },
      run: () => 2,
      undo: {
        retry: { attempts: 2, baseMs: 50, jitter: 'none' },
        run: () => {
          calls++;
          throw new Error('the bank is closed');
        },
      },
    });
    const broken = stage('broken', { needs: { stuck }, run: () => fail('no') });
    const sinks = [{ name: 'seen', emit: (event: RunEvent) => void events.push(event) }];
    const run = await clock.settle(pipeline('book', { outputs: { broken } }).run({}, { clock, sinks }));
    expect(calls).toBe(2);
    expect(run.undone).toEqual(['first']);
    const [error] = run.undoErrors;
    expect(isStageflowError(error, 'SF_COMPENSATION_FAILED') && error).toMatchObject({
      path: 'stuck',
      details: { stage: 'stuck', attempts: 2, why: 'the bank is closed' },
    });
    const seen = events.flatMap((event) => (event.type.startsWith('undo') ? [[event.type, (event as { path: string }).path]] : []));
    expect(seen).toEqual([
      ['undo.started', 'stuck'],
      ['undo.failed', 'stuck'],
      ['undo.failed', 'stuck'],
      ['undo.started', 'first'],
      ['undo.completed', 'first'],
    ]);
    expect(events.at(-1)?.type).toBe('run.failed');
  });

  test('is left after its time, with its signal aborted', async () => {
    const clock = virtualClock();
    let reason: unknown;
    const hangs = work('hangs', {
      run: () => 1,
      undo: {
        retry: { attempts: 1 },
        timeoutMs: 100,
        run: (_, { signal }) => new Promise(() => signal.addEventListener('abort', () => (reason = signal.reason))),
      },
    });
    const broken = stage('broken', { needs: { hangs }, run: () => fail('no') });
    const run = await clock.settle(pipeline('book', { outputs: { broken } }).run({}, { clock, graceMs: 10 }));
    expect(run.undoErrors.map(({ message }) => message)).toEqual([expect.stringContaining('it had not finished after 100 ms')]);
    expect(reason).toMatchObject({ message: 'it had not finished after 100 ms' });
    expect(clock.now()).toBeGreaterThanOrEqual(110);
  });

  test('and obeys its signal leaves no timer behind', async () => {
    const clock = virtualClock();
    const obeys = work('obeys', {
      run: () => 1,
      undo: { retry: { attempts: 1 }, timeoutMs: 100, run: (_, { signal }) => clock.sleep(1_000, signal) },
    });
    const broken = stage('broken', { needs: { obeys }, run: () => fail('no') });
    const run = await clock.settle(pipeline('book', { outputs: { broken } }).run({}, { clock, graceMs: 5_000 }));
    expect([run.undoErrors.length, run.elapsedMs, clock.pending]).toEqual([1, 100, 0]);
  });
});

describe('a run that interceptors stand around', () => {
  /** Two effects, each of which takes 50 ms to undo, and a failure. */
  function slowly(clock: ReturnType<typeof virtualClock>, policy: Pick<PipelinePolicy, 'failureMode' | 'deadlineMs'> = {}) {
    const undone: string[] = [];
    const slow = (name: string) => () => clock.sleep(50).then(() => void undone.push(name));
    const first = work('first', { run: () => 1, undo: slow('first') });
    const second = work('second', { needs: { first }, run: () => 2, undo: slow('second') });
    const broken = stage('broken', { needs: { second }, run: () => fail('no') });
    return { undone, made: pipeline('p', { outputs: { broken }, graceMs: 5, ...policy }) };
  }

  test('is undone to its end although one of them throws in the middle', async () => {
    const clock = virtualClock();
    const { undone, made } = slowly(clock);
    const late = clock.sleep(10).then(() => {
      throw new Error('too slow');
    });
    const impatient: Interceptor = { name: 'impatient', run: (_, next) => Promise.race([next(), late]) };
    const run = await clock.settle(made.run({}, { clock, interceptors: [impatient] }));
    expect([run.status, run.undone, undone]).toEqual(['failed', ['second', 'first'], ['second', 'first']]);
  });

  test('is undone to its end although its deadline passes in the middle, and ends as it had', async () => {
    const clock = virtualClock();
    const { undone, made } = slowly(clock, { failureMode: 'continue', deadlineMs: 20 });
    const through: Interceptor = { name: 'through', run: (_, next) => next() };
    const run = await clock.settle(made.run({}, { clock, interceptors: [through] }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED' }, undone: ['second', 'first'] });
    expect(undone).toEqual(['second', 'first']);
  });

  test('is undone to its end although they end in the middle', async () => {
    const clock = virtualClock();
    const undone: string[] = [];
    const paid = work('paid', { run: () => 1, undo: () => clock.sleep(500).then(() => void undone.push('paid')) });
    const made = pipeline('p', { outputs: { paid }, undoOn: ['cancelled'], graceMs: 5 });
    const slow: Interceptor = { name: 'slow', run: (_, next) => next().finally(() => clock.sleep(100)) };
    const handle = createRuntime({ pipelines: [made], clock, interceptors: [slow] }).start(made, {});
    await clock.advance(20);
    handle.cancel();
    expect(await clock.settle(handle.result)).toMatchObject({ status: 'cancelled', undone: ['paid'] });
    expect(undone).toEqual(['paid']);
  });
});
