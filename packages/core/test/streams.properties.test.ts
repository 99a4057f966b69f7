import { type EventOf, pipeline, type RunEvent, type StreamOverflow, stage, streamed } from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkBuffer } from '../src/execution/streams/chunk-buffer.ts';

const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const timeout = Math.max(60_000, numRuns * 20);

const overflows: readonly StreamOverflow[] = ['block', 'drop-oldest', 'drop-newest', 'error'];
const capacities = fc.integer({ min: 1, max: 5 });
const anyOverflow = fc.constantFrom(...overflows);
const steps = fc.array(fc.constantFrom<'offer' | 'take' | 'clear'>('offer', 'offer', 'offer', 'take', 'take', 'clear'), { maxLength: 300 });

test('a buffer holds no more than it may, keeps the order, and accounts for every chunk', () => {
  fc.assert(
    fc.property(capacities, anyOverflow, steps, (capacity, overflow, done) => {
      const buffer = new ChunkBuffer(capacity, overflow);
      const model: number[] = [];
      let accepted = 0;
      let highest = 0;
      for (const [chunk, step] of done.entries()) {
        if (step === 'offer') {
          const isFull = model.length === capacity;
          const drops = overflow === 'drop-oldest' || overflow === 'drop-newest';
          expect(buffer.offer(chunk)).toBe(!isFull || drops);
          if (!isFull || drops) accepted++;
          if (isFull && overflow === 'drop-oldest') model.shift();
          if (!isFull || overflow === 'drop-oldest') model.push(chunk);
          highest = Math.max(highest, model.length);
        } else if (step === 'take' && model.length > 0) expect(buffer.take()).toBe(model.shift());
        else if (step === 'clear') {
          buffer.clear();
          model.length = 0;
        }
        expect(buffer.size).toBe(model.length);
        expect(buffer.size).toBeLessThanOrEqual(capacity);
        const { delivered, dropped, unread, highWaterMark } = buffer.counters;
        expect(delivered + dropped + unread + buffer.size).toBe(accepted);
        expect(highWaterMark).toBe(highest);
      }
    }),
    { numRuns, seed },
  );
});

interface ReaderScript {
  readonly capacity: number;
  readonly overflow: StreamOverflow;
  /** Milliseconds before each chunk it takes. */
  readonly pace: number;
  /** How many it takes before it leaves; -1 for all. */
  readonly takes: number;
  /** Whether it begins late. */
  readonly late: boolean;
}

const readers = fc.array(
  fc.record<ReaderScript>({
    capacity: capacities,
    overflow: fc.constantFrom<StreamOverflow>('block', 'drop-oldest', 'drop-newest'),
    pace: fc.integer({ min: 0, max: 20 }),
    takes: fc.oneof({ weight: 2, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }) }),
    late: fc.boolean(),
  }),
  { minLength: 1, maxLength: 3 },
);

const scripts = fc.record({
  chunks: fc.integer({ min: 0, max: 30 }),
  pace: fc.integer({ min: 0, max: 20 }),
  readers,
  whole: fc.boolean(),
  maxConcurrency: fc.constantFrom(1, 2, undefined),
});

type Script = typeof scripts extends fc.Arbitrary<infer S> ? S : never;

/** Runs the script, and says what each reader got. */
async function act({ chunks, pace, readers: scripted, whole, maxConcurrency }: Script) {
  const clock = virtualClock();
  const sink = recordingSink();
  const producer = stage('producer', {
    streams: true,
    run: async function* (_, { signal }) {
      for (let at = 0; at < chunks; at++) {
        if (pace > 0) await clock.sleep(pace, signal);
        yield at;
      }
      return chunks;
    },
  });
  const slow = stage('slow', { run: (_, { signal }) => clock.sleep(50, signal) });
  const stages = scripted.map(({ capacity, overflow, pace: own, takes, late }, at) =>
    stage(`reader-${at}`, {
      needs: { numbers: streamed(producer, { capacity, overflow }) },
      after: late ? [slow] : [],
      run: async ({ numbers }, { signal }) => {
        const got: number[] = [];
        if (takes === 0) return got;
        for await (const number of numbers) {
          got.push(number);
          if (got.length === takes) break;
          if (own > 0) await clock.sleep(own, signal);
        }
        return got;
      },
    }),
  );
  const outputs = Object.fromEntries([...stages.entries(), ...(whole ? [['whole', producer]] : [])]);
  const options = { clock, sinks: [sink], ...(maxConcurrency === undefined ? {} : { maxConcurrency }) };
  const run = await clock.settle(pipeline('p', { outputs: outputs as never }).run({} as never, options as never));
  const isClosing = (event: RunEvent): event is EventOf<'stream.closed'> => event.type === 'stream.closed';
  return {
    run,
    got: scripted.map((_, at) => (run.outputs as Record<number, number[]>)[at]),
    closings: sink.events.filter(isClosing),
    pending: clock.pending,
  };
}

test('readers get what their policy promises, whatever the pace of either side', { timeout }, async () => {
  const seen = { dropped: 0, blocked: 0, left: 0, withdrawn: 0 };
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const { run, got, closings, pending } = await act(script);
      expect(run.status).toBe('completed');
      expect(pending).toBe(0);
      expect(closings.length).toBe(1);
      const [closing] = closings;
      if ((closing?.blockedMs ?? 0) > 0) seen.blocked++;
      if (run.stages.get('producer')?.status === 'skipped') seen.withdrawn++;
      const everyoneLeft = script.readers.every(({ takes }) => takes >= 0 && takes <= script.chunks);
      if (script.whole) expect(run.stages.get('producer')).toMatchObject({ status: 'completed', chunks: script.chunks });
      else if (!everyoneLeft) expect(run.stages.get('producer')?.status).toBe('completed');
      for (const [at, { capacity, overflow, takes }] of script.readers.entries()) {
        const counters = closing?.readers[at];
        const taken = got[at] as number[];
        if ((counters?.dropped ?? 0) > 0) seen.dropped++;
        if ((counters?.unread ?? 0) > 0) seen.left++;
        expect(counters?.highWaterMark).toBeLessThanOrEqual(capacity);
        expect(taken).toEqual([...new Set(taken)].sort((a, b) => a - b));
        expect(counters?.delivered).toBe(taken.length);
        if (takes === -1) expect((counters?.delivered ?? 0) + (counters?.dropped ?? 0)).toBe(script.chunks);
        if (overflow === 'block') {
          expect(counters?.dropped).toBe(0);
          expect(taken).toEqual(Array.from({ length: takes === -1 ? script.chunks : Math.min(takes, script.chunks) }, (_, index) => index));
        }
      }
    }),
    { numRuns: Math.ceil(numRuns / 2), seed },
  );
  if (numRuns >= 1_000) expect(Math.min(...Object.values(seen))).toBeGreaterThan(10);
});
