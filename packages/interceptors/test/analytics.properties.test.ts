import type { RunEvent } from '@stageflow/core';
import { analyticsSink } from '@stageflow/interceptors/sinks';
import { type VirtualClock, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventOf, lastEvent } from './events.ts';

type Ending = 'ok' | 'fail' | 'refuse' | 'hang' | { readonly slowMs: number } | { readonly slowFailMs: number };
type Step = 'emit' | 'burst' | 'last' | 'flush' | { readonly passMs: number };

const ending: fc.Arbitrary<Ending> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Ending>('ok', 'fail', 'refuse', 'hang') },
  fc.record({ slowMs: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ slowFailMs: fc.integer({ min: 1, max: 300 }) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Step>('emit', 'emit', 'burst', 'last', 'flush') },
  { weight: 2, arbitrary: fc.record({ passMs: fc.integer({ min: 0, max: 400 }) }) },
);
const scenario = fc.record({
  exports: fc.array(ending, { maxLength: 30 }),
  burials: fc.array(fc.constantFrom<Ending>('ok', 'fail', 'hang', { slowMs: 50 }), { maxLength: 10 }),
  steps: fc.array(step, { maxLength: 30 }),
  size: fc.integer({ min: 1, max: 12 }),
  batchSize: fc.integer({ min: 1, max: 5 }),
  attempts: fc.integer({ min: 1, max: 3 }),
  overflow: fc.constantFrom('drop-oldest' as const, 'drop-newest' as const, 'error' as const),
});

const isHang = (ending: Ending | undefined): boolean => ending === 'hang' || (typeof ending === 'object' && 'slowMs' in ending);

function end(ending: Ending, clock: VirtualClock, signal?: AbortSignal): Promise<void> | void {
  if (ending === 'ok') return;
  if (ending === 'fail') throw new Error('down');
  if (ending === 'refuse') return Promise.reject(Object.assign(new Error('bad request'), { status: 400 }));
  if (ending === 'hang') return new Promise(() => {});
  if ('slowMs' in ending) return clock.sleep(ending.slowMs);
  return clock.sleep(ending.slowFailMs, signal).then(() => Promise.reject(new Error('down')));
}

const reached = { retried: 0, deadLettered: 0, dropped: 0, timedOut: 0, flushedLate: 0 };

test('whatever fails, hangs or is slow, received is exported + dead-lettered + dropped + pending at every moment, and each event has one fate', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ exports, burials, steps, attempts, ...options }) => {
      const clock = virtualClock();
      const sent: (readonly number[])[] = [];
      const buried: number[] = [];
      const emitted: number[] = [];
      const must: number[] = [];
      let [exportCalls, burialCalls] = [0, 0];
      const plain = (events: readonly RunEvent[]): readonly number[] =>
        events.filter(({ type }) => type !== 'events.dropped').map(({ seq }) => seq);
      const sink = analyticsSink({
        ...options,
        clock,
        intervalMs: 100,
        timeoutMs: 150,
        flushTimeoutMs: 400,
        retry: { attempts, baseMs: 20, maxMs: 60 },
        export(events, { signal, attempt }) {
          if (attempt > 1) reached.retried++;
          expect(plain(events).length).toBeLessThanOrEqual(options.batchSize);
          expect(events.length).toBeLessThanOrEqual(options.batchSize);
          sent.push(plain(events));
          return end(exports[exportCalls++] ?? 'ok', clock, signal);
        },
        deadLetter(events) {
          buried.push(...plain(events));
          return end(burials[burialCalls++] ?? 'ok', clock);
        },
      });
      const check = (): void => {
        const { received, exported, deadLettered, dropped, pending } = sink.counters;
        expect(received).toBe(emitted.length);
        expect(exported + deadLettered + dropped + pending).toBe(received);
      };
      // At every moment: also between any two callbacks of the clock.
      const schedule = clock.schedule.bind(clock);
      clock.schedule = (callback, delayMs) =>
        schedule(() => {
          check();
          callback();
          check();
        }, delayMs);
      const emit = (event: RunEvent): void => {
        emitted.push(event.seq);
        try {
          void sink.emit(event);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SF_SINK_OVERFLOW' });
        }
        check();
      };
      const flushes: Promise<void>[] = [];
      for (const each of steps) {
        if (each === 'emit') emit(eventOf(emitted.length + 1));
        else if (each === 'burst') for (let count = 0; count < 6; count++) emit(eventOf(emitted.length + 1));
        else if (each === 'last') {
          must.push(emitted.length + 1);
          emit(lastEvent(emitted.length + 1));
        } else if (each === 'flush') flushes.push(sink.flush?.() ?? Promise.resolve());
        else await clock.advance(each.passMs);
        check();
      }
      const before = clock.monotonic();
      await clock.settle(Promise.all([...flushes, sink.flush?.()]));
      check();
      if (clock.monotonic() - before >= 400) reached.flushedLate++;

      const counters = sink.counters;
      expect(counters.pending).toBe(0);
      const everSent = new Set(sent.flat());
      const seen = new Set([...everSent, ...buried]);
      // An event is handed on, or was dropped for want of room; dropped besides is only what dead letters did not take.
      expect(must.filter((seq) => !seen.has(seq))).toEqual([]);
      expect(emitted.filter((seq) => !seen.has(seq)).length).toBeLessThanOrEqual(counters.dropped);
      expect(buried.length).toBe(new Set(buried).size);
      expect(counters.deadLettered).toBeLessThanOrEqual(buried.length);
      // What was buried is not exported, and the other way round.
      expect([...everSent].filter((seq) => !buried.includes(seq)).length).toBe(counters.exported);
      expect(counters.exported + buried.length + emitted.filter((seq) => !seen.has(seq)).length).toBe(emitted.length);
      // Nothing overtakes.
      const firsts = [...everSent];
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
      // Nothing of the sink is left that would keep a process alive, but what others hang in.
      const hung = [...exports.slice(0, exportCalls), ...burials.slice(0, burialCalls)].filter(isHang).length;
      expect(clock.pending).toBeLessThanOrEqual(hung);

      if (counters.deadLettered > 0) reached.deadLettered++;
      if (counters.dropped > 0) reached.dropped++;
      if (sink.lastFailure?.code === 'SF_EXPORT_TIMEOUT') reached.timedOut++;
    }),
    { numRuns: 300 },
  );
  // The scenarios are not all idle.
  for (const count of Object.values(reached)) expect(count).toBeGreaterThan(10);
}, 60_000);
