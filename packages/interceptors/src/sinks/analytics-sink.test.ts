import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRuntime, isStageflowError, type RunEvent, StageflowError } from '@stageflow/core';
import {
  type AnalyticsSink,
  type AnalyticsSinkOptions,
  analyticsSink,
  exportTimeout,
  readJsonLines,
  sinkOverflow,
} from '@stageflow/interceptors/sinks';
import { virtualClock } from '@stageflow/testing';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { emitting, eventOf, lastEvent, runEmitting } from '../../test/events.ts';

const seqs = (events: readonly RunEvent[]): readonly number[] => events.map(({ seq }) => seq);
const upTo = (last: number, first = 1): readonly number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const never = new Promise<void>(() => {});

const folder = mkdtempSync(join(tmpdir(), 'stageflow-analytics-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A sink under virtual time whose exports end as the script says, one after the other; those beyond it succeed. */
function scriptedSink(script: readonly (() => void | Promise<void>)[], options: Partial<AnalyticsSinkOptions> = {}) {
  const clock = virtualClock();
  const calls: { readonly at: number; readonly seqs: readonly number[]; readonly attempt: number; readonly signal: AbortSignal }[] = [];
  const dead: { readonly seqs: readonly number[]; readonly error: unknown }[] = [];
  const sink = analyticsSink({
    batchSize: 3,
    intervalMs: 1_000,
    clock,
    deadLetter: (events, error) => void dead.push({ seqs: seqs(events), error }),
    export: (events, { signal, attempt }) => {
      calls.push({ at: clock.monotonic(), seqs: seqs(events), attempt, signal });
      return script[calls.length - 1]?.();
    },
    ...options,
  });
  const emit = (first: number, last = first): void => {
    for (let seq = first; seq <= last; seq++) void sink.emit(eventOf(seq));
  };
  return { clock, calls, dead, sink, emit };
}

const failing = (): Promise<void> => Promise.reject(new Error('the collector is down'));

const sumOf = ({ counters }: AnalyticsSink): number => counters.exported + counters.deadLettered + counters.dropped + counters.pending;

describe('batches', () => {
  test('are exported when they are full, at once', async () => {
    const { clock, calls, sink, emit } = scriptedSink([]);
    emit(1, 7);
    await clock.advance(0);
    expect(calls.map((call) => call.seqs)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(sink.counters).toEqual({ received: 7, exported: 6, deadLettered: 0, dropped: 0, pending: 1, failedExports: 0 });
  });

  test('that do not fill are exported after the interval', async () => {
    const { clock, calls, sink, emit } = scriptedSink([]);
    emit(1);
    await clock.advance(600);
    emit(2);
    await clock.advance(399);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect(calls).toMatchObject([{ at: 1_000, seqs: [1, 2], attempt: 1 }]);
    expect([clock.pending, sink.counters.exported]).toEqual([0, 2]);
    emit(3);
    await clock.advance(1_000);
    expect(calls[1]).toMatchObject({ at: 2_000, seqs: [3] });
  });

  test('of a run are exported by the time its runtime is closed', async () => {
    const { clock, calls, sink } = scriptedSink([]);
    expect(await clock.settle(runEmitting(5, [sink], clock))).toBe('completed');
    expect(calls.flatMap((call) => call.seqs)).toEqual(upTo(10));
    expect(sink.counters).toMatchObject({ received: 10, exported: 10, pending: 0 });
    expect(clock.pending).toBe(0);
  });

  test('hold only the topics that are wanted', async () => {
    const { clock, calls, sink } = scriptedSink([], { topics: ['pipeline.*', 'app.*', '!pipeline.created'] });
    await clock.settle(runEmitting(1, [sink], clock));
    expect(calls.flatMap((call) => call.seqs)).toEqual([2, 4, 6]);
    expect(sink.counters.received).toBe(3);
  });
});

describe('an export that fails', () => {
  test('is tried again with waits that double, with the same events, while others wait', async () => {
    const { clock, calls, dead, sink, emit } = scriptedSink([failing, failing, failing], {
      retry: { attempts: 4, baseMs: 100, maxMs: 250 },
    });
    emit(1, 4);
    await clock.settle(sink.flush?.() ?? never);
    expect(calls).toMatchObject([
      { at: 0, seqs: [1, 2, 3], attempt: 1 },
      { at: 100, seqs: [1, 2, 3], attempt: 2 },
      { at: 300, seqs: [1, 2, 3], attempt: 3 },
      { at: 550, seqs: [1, 2, 3], attempt: 4 },
      { at: 550, seqs: [4], attempt: 1 },
    ]);
    expect(dead).toEqual([]);
    expect(sink.counters).toEqual({ received: 4, exported: 4, deadLettered: 0, dropped: 0, pending: 0, failedExports: 3 });
    expect(sink.lastFailure).toEqual({ code: 'Error', message: 'the collector is down', retryable: true });
  });

  test('for good leaves its events as dead letters, and the next batch is tried', async () => {
    const { clock, calls, dead, sink, emit } = scriptedSink([failing, failing], { retry: { attempts: 2, baseMs: 10 } });
    emit(1, 6);
    await clock.advance(10);
    expect(dead).toMatchObject([{ seqs: [1, 2, 3], error: { message: 'the collector is down' } }]);
    expect(calls.at(-1)).toMatchObject({ seqs: [4, 5, 6], attempt: 1 });
    expect(sink.counters).toEqual({ received: 6, exported: 3, deadLettered: 3, dropped: 0, pending: 0, failedExports: 2 });
  });

  test.each([
    ['says that it is not worth repeating', new StageflowError(sinkOverflow, { sink: 's', size: 1, event: 'e' }, { retryable: false })],
    ['was refused by the destination', Object.assign(new Error('Bad Request'), { status: 400 })],
    ['was refused behind another error', new Error('export failed', { cause: Object.assign(new Error('Gone'), { statusCode: 410 }) })],
  ])('and %s is not tried again', async (_, error) => {
    const { clock, calls, dead, emit } = scriptedSink([() => Promise.reject(error)]);
    emit(1, 3);
    await clock.advance(0);
    expect([calls.length, dead]).toEqual([1, [{ seqs: [1, 2, 3], error }]]);
  });

  test('by a throw, at once, is one like any other', async () => {
    const { clock, calls, sink, emit } = scriptedSink([
      () => {
        throw new Error('no');
      },
    ]);
    emit(1, 3);
    await clock.advance(500);
    expect(calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(sink.counters.exported).toBe(3);
  });

  test('cannot change what the next attempt sees', async () => {
    const seen: (readonly number[])[] = [];
    const clock = virtualClock();
    const sink = analyticsSink({
      batchSize: 2,
      clock,
      deadLetter: () => {},
      export(events) {
        seen.push(seqs(events));
        (events as RunEvent[]).length = 0;
        if (seen.length === 1) throw new Error('no');
      },
    });
    void sink.emit(eventOf(1));
    void sink.emit(eventOf(2));
    await clock.advance(500);
    expect(seen).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(sink.counters.exported).toBe(2);
  });

  test('changes no outcome of a run', async () => {
    const { clock, calls, sink } = scriptedSink(Array(100).fill(failing));
    expect(await clock.settle(runEmitting(2, [sink], clock))).toBe('completed');
    expect(calls.length).toBeGreaterThan(1);
    expect(sink.counters).toMatchObject({ received: 7, exported: 0, deadLettered: 7, pending: 0 });
  });
});

describe('an export that hangs', () => {
  test('is aborted at its limit and tried again; what comes of it later counts for nothing', async () => {
    let late = (): void => {};
    const hanging = (): Promise<void> => new Promise((resolve) => (late = resolve));
    const { clock, calls, sink, emit } = scriptedSink([hanging], { timeoutMs: 200, retry: { attempts: 2, baseMs: 50 } });
    emit(1, 3);
    await clock.advance(199);
    expect([calls[0]?.signal.aborted, sink.counters.pending]).toEqual([false, 3]);
    await clock.advance(1);
    expect(isStageflowError(calls[0]?.signal.reason, exportTimeout)).toBe(true);
    expect(sink.lastFailure).toMatchObject({ code: 'SF_EXPORT_TIMEOUT', retryable: true });
    await clock.advance(50);
    late();
    await clock.advance(0);
    expect(calls[1]).toMatchObject({ at: 250, attempt: 2 });
    expect(sink.counters).toEqual({ received: 3, exported: 3, deadLettered: 0, dropped: 0, pending: 0, failedExports: 1 });
  });

  test('does not keep a runtime from closing: at the end of its time, what is left are dead letters', async () => {
    const { clock, calls, dead, sink } = scriptedSink([() => never], { flushTimeoutMs: 2_000 });
    const emits = emitting(5);
    const runtime = createRuntime({ pipelines: [emits], sinks: [sink], clock });
    await clock.settle(runtime.run(emits, {}));
    const before = clock.monotonic();
    await clock.settle(runtime.close());

    expect(clock.monotonic() - before).toBe(2_000);
    expect(calls.length).toBe(1);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(dead.flatMap((letter) => letter.seqs)).toEqual(upTo(10));
    for (const { error } of dead) expect(isStageflowError(error, exportTimeout) && error.details.timeoutMs).toBe(2_000);
    expect(sink.counters).toEqual({ received: 10, exported: 0, deadLettered: 10, dropped: 0, pending: 0, failedExports: 1 });
  });

  test('no longer than a flush that waits between two attempts', async () => {
    const { clock, calls, dead, sink, emit } = scriptedSink([failing], { flushTimeoutMs: 2_000, retry: { baseMs: 10_000 } });
    emit(1);
    await clock.settle(sink.flush?.() ?? never);
    expect([clock.monotonic(), calls.length, dead.length]).toEqual([2_000, 1, 1]);
    // The time was that of the flush: what comes afterwards is exported again.
    emit(2, 4);
    await clock.advance(0);
    expect(sink.counters).toMatchObject({ exported: 3, deadLettered: 1 });
  });
});

describe('dead letters', () => {
  let files = 0;
  const newPath = (): string => join(folder, String(++files), 'dead.jsonl');
  async function valuesIn(path: string): Promise<readonly unknown[]> {
    const values: unknown[] = [];
    for await (const value of readJsonLines(path)) values.push(value);
    return values;
  }

  test('in a file are the events themselves, ready to be exported again', async () => {
    const path = newPath();
    const { clock, sink, emit } = scriptedSink([failing, failing], { deadLetter: path, retry: { attempts: 1 } });
    emit(1, 6);
    await clock.settle(sink.flush?.() ?? never);
    expect(await valuesIn(path)).toEqual(JSON.parse(JSON.stringify(upTo(6).map(eventOf))));
    expect(sink.counters).toMatchObject({ deadLettered: 6, exported: 0 });
  });

  test('have their time, also when that of a flush is over', async () => {
    let written = false;
    const { clock, sink, emit } = scriptedSink([() => clockOf().sleep(180).then(failing)], {
      flushTimeoutMs: 200,
      retry: { attempts: 1 },
      deadLetter: async () => {
        await clockOf().sleep(100);
        written = true;
      },
    });
    const clockOf = () => clock;
    emit(1);
    await clock.settle(sink.flush?.() ?? never);
    expect([clock.monotonic(), written, sink.counters.deadLettered]).toEqual([280, true, 1]);
  });

  test('have their file from the beginning, or the sink is not made', () => {
    const path = newPath();
    scriptedSink([], { deadLetter: path });
    expect(existsSync(path)).toBe(true);
    const taken = newPath();
    mkdirSync(taken, { recursive: true });
    expect(() => scriptedSink([], { deadLetter: taken })).toThrow(expect.objectContaining({ code: 'EISDIR' }));
  });

  test('that cannot be written are dropped and counted, and the next ones are tried', async () => {
    const path = newPath();
    const { clock, sink, emit } = scriptedSink(Array(9).fill(failing), { deadLetter: path, retry: { attempts: 1 } });
    await clock.settle(sink.flush?.() ?? never);
    rmSync(path);
    mkdirSync(path);
    emit(1, 3);
    await clock.advance(0);
    expect(sink.lastFailure?.code).toBe('EISDIR');
    rmdirSync(path);
    emit(4, 6);
    await clock.advance(0);
    expect(sink.counters).toMatchObject({ received: 6, dropped: 3, deadLettered: 3 });
    expect((await valuesIn(path)).length).toBe(3);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('full');
      },
      'Error',
    ],
    ['rejects', () => Promise.reject(new Error('full')), 'Error'],
    ['hangs', () => never, 'SF_EXPORT_TIMEOUT'],
  ])('whose handler %s are dropped and counted', async (_, deadLetter, code) => {
    const { clock, sink, emit } = scriptedSink([failing], { deadLetter, retry: { attempts: 1 }, timeoutMs: 100 });
    emit(1, 6);
    await clock.advance(100);
    expect(sink.counters).toMatchObject({ received: 6, dropped: 3, exported: 3, deadLettered: 0, pending: 0 });
    expect(sink.lastFailure?.code).toBe(code);
  });
});

describe('a destination that is too slow', () => {
  test('costs the oldest events, but not how a run ended; the host is told, and so is the destination', async () => {
    const told: unknown[] = [];
    const { clock, calls, sink, emit } = scriptedSink([() => clockOf().sleep(100)], {
      size: 4,
      onOverflow: (state) => told.push(state),
      onHighWater: (state) => told.push(state),
    });
    const clockOf = () => clock;
    emit(1, 3);
    await clock.advance(0);
    emit(4, 9);
    void sink.emit(lastEvent(10));
    expect(sink.counters).toEqual({ received: 10, exported: 0, deadLettered: 0, dropped: 3, pending: 7, failedExports: 0 });
    await clock.settle(sink.flush?.() ?? never);
    expect(told).toEqual([
      { waiting: 4, size: 4 },
      { dropped: 1, size: 4 },
      { dropped: 2, size: 4 },
      { dropped: 3, size: 4 },
    ]);
    expect(calls.map((call) => call.seqs)).toEqual([
      [1, 2, 3],
      [7, 7, 8],
      [9, 10],
    ]);
    expect(sink.counters).toMatchObject({ exported: 7, dropped: 3, pending: 0 });
  });
});

test.each([
  ['export', { export: undefined as unknown as () => void }],
  ['deadLetter', { deadLetter: '' }],
  ['deadLetter', { deadLetter: undefined as unknown as string }],
  ['batchSize', { batchSize: 0 }],
  ['intervalMs', { intervalMs: 0 }],
  ['timeoutMs', { timeoutMs: Number.POSITIVE_INFINITY }],
  ['flushTimeoutMs', { flushTimeoutMs: -1 }],
  ['retry.attempts', { retry: { attempts: 0 } }],
  ['retry.baseMs', { retry: { baseMs: Number.NaN } }],
  ['retry.maxMs', { retry: { maxMs: 2 ** 31 } }],
  ['size', { size: 0 }],
])('option %s cannot be what it is in %o', (option, options) => {
  expect(() => scriptedSink([], options)).toThrow(
    expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option }) }),
  );
});

describe('a real collector on the loopback', () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** Answers each request with the next status, and `hang` not at all; then with 200. Keeps what it accepted. */
  async function collector(answers: (number | 'hang')[]) {
    const accepted: RunEvent[] = [];
    let requests = 0;
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const answer = answers[requests++] ?? 200;
      if (answer === 'hang') return;
      if (answer === 200) accepted.push(...(JSON.parse(body) as RunEvent[]));
      response.writeHead(answer).end();
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { accepted, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
  }

  test('that is overloaded, hangs and refuses gets every event once, but for the one batch that it refused', async () => {
    const { accepted, url, requests } = await collector([503, 'hang', 200, 400]);
    const dead: RunEvent[] = [];
    const sink = analyticsSink({
      batchSize: 4,
      timeoutMs: 300,
      retry: { baseMs: 1 },
      deadLetter: (events) => void dead.push(...events),
      async export(events, { signal }) {
        const response = await fetch(url, { method: 'POST', body: JSON.stringify(events), signal });
        if (!response.ok) throw Object.assign(new Error(`the collector said ${response.status}`), { status: response.status });
      },
    });
    expect(await runEmitting(7, [sink])).toBe('completed');

    expect(requests()).toBe(5);
    expect(seqs(accepted)).toEqual([...upTo(4), ...upTo(12, 9)]);
    expect(seqs(dead)).toEqual(upTo(8, 5));
    expect(sink.counters).toEqual({ received: 12, exported: 8, deadLettered: 4, dropped: 0, pending: 0, failedExports: 3 });
    expect(sumOf(sink)).toBe(12);
  });

  test('that is not there leaves dead letters with the reason', async () => {
    const { url } = await collector([]);
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    const dead: RunEvent[] = [];
    const sink = analyticsSink({
      retry: { attempts: 2, baseMs: 1 },
      deadLetter: (events) => void dead.push(...events),
      export: (events) => fetch(url, { method: 'POST', body: JSON.stringify(events) }).then(() => undefined),
    });
    await runEmitting(1, [sink]);
    expect([dead.length, sink.lastFailure?.code]).toEqual([6, 'ECONNREFUSED']);
  });
});
