import type { RunEvent } from '@stageflow/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SinkQueue } from '../src/sink-queue.ts';

const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const timeout = Math.max(60_000, numRuns * 20);

type Answer = 'takes it' | 'throws' | 'takes its time';

/** What is done to a queue and its sink: an event comes, the host has a turn, or the sink is done with the one it has. */
type Step = 'event' | 'must arrive' | 'turn' | 'resolves' | 'rejects';

interface Settings {
  readonly capacity: number;
  readonly overflow: 'drop-oldest' | 'drop-newest';
}

/** The same queue in few words: numbers for events, `before n: k` for the notice that k were dropped before n. */
class Model {
  readonly told: string[] = [];
  readonly counters = { delivered: 0, dropped: 0, failed: 0 };
  busy: 'no' | 'with an event' | 'with a notice' = 'no';
  readonly #waiting: { readonly seq: number; readonly mustArrive: boolean }[] = [];
  #unannounced = 0;
  readonly #settings: Settings;
  readonly #answer: (told: number) => Answer;

  constructor(settings: Settings, answer: (told: number) => Answer) {
    this.#settings = settings;
    this.#answer = answer;
  }

  push(seq: number, mustArrive: boolean): void {
    const { capacity, overflow } = this.#settings;
    if (this.#waiting.length >= capacity) this.deliver();
    if (this.#waiting.length >= capacity && !mustArrive) {
      const oldest = this.#waiting.findIndex((event) => !event.mustArrive);
      if (overflow === 'drop-newest' || oldest !== -1) {
        this.counters.dropped++;
        this.#unannounced++;
      }
      if (overflow === 'drop-newest') return;
      if (oldest !== -1) this.#waiting.splice(oldest, 1);
    }
    this.#waiting.push({ seq, mustArrive });
  }

  /** The sink gets what waits, until it takes its time. */
  deliver(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.busy === 'no'; next = this.#waiting[0]) {
      const isNotice = this.#unannounced > 0;
      const answer = this.#answer(this.told.length);
      this.told.push(isNotice ? `before ${next.seq}: ${this.#unannounced}` : `${next.seq}`);
      if (isNotice) this.#unannounced = 0;
      else this.#waiting.shift();
      if (answer === 'takes its time') this.busy = isNotice ? 'with a notice' : 'with an event';
      else if (!isNotice) this.counters[answer === 'throws' ? 'failed' : 'delivered']++;
    }
  }

  settle(as: 'delivered' | 'failed'): void {
    if (this.busy === 'with an event') this.counters[as]++;
    this.busy = 'no';
    this.deliver();
  }
}

const steps = fc.array(fc.constantFrom<Step[]>('event', 'event', 'event', 'event', 'must arrive', 'turn', 'resolves', 'rejects'), {
  maxLength: 80,
  size: 'max',
});
const answers = fc.array(fc.constantFrom<Answer[]>('takes it', 'takes its time', 'throws', 'takes its time'), {
  minLength: 1,
  maxLength: 12,
});
const settings = fc.record<Settings>({ capacity: fc.integer({ min: 1, max: 6 }), overflow: fc.constantFrom('drop-oldest', 'drop-newest') });

test('a sink gets every event in order, but for those dropped while it was busy, which it is told of; none that must arrive is lost', {
  timeout,
}, async () => {
  let dropped = 0;
  let rescued = 0;
  let failed = 0;
  const check = async (given: Settings, script: readonly Step[], replies: readonly Answer[]): Promise<void> => {
    const answer = (told: number): Answer => replies[told % replies.length] as Answer;
    const model = new Model(given, answer);
    const told: string[] = [];
    const must: string[] = [];
    let release: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
    const queue = new SinkQueue(
      {
        name: 'scripted',
        emit(event) {
          const reply = answer(told.length);
          told.push(event.type === 'events.dropped' ? `before ${event.seq}: ${event.count}` : `${event.seq}`);
          if (reply === 'throws') throw new Error('the sink threw');
          if (reply === 'takes it') return undefined;
          return new Promise<void>((resolve, reject) => {
            release = { resolve, reject };
          });
        },
      },
      given,
    );
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
    const settle = async (how: 'resolves' | 'rejects'): Promise<void> => {
      await turn();
      model.deliver();
      if (release === undefined) return;
      const { resolve, reject } = release;
      release = undefined;
      if (how === 'resolves') resolve();
      else reject(new Error('the sink rejected'));
      model.settle(how === 'resolves' ? 'delivered' : 'failed');
      await turn();
    };
    let seq = 0;
    for (const step of script) {
      if (step === 'turn' || step === 'resolves' || step === 'rejects') {
        await (step === 'turn' ? turn() : settle(step));
        model.deliver();
      } else {
        seq++;
        if (step === 'must arrive') must.push(`${seq}`);
        queue.push({ type: step === 'event' ? 'run.started' : 'guard.failed_open', seq } as RunEvent);
        model.push(seq, step === 'must arrive');
      }
      expect(told).toEqual(model.told);
      expect(queue.counters).toEqual(model.counters);
    }
    const flushed = queue.flush();
    for (let more = 0; more <= 2 * seq; more++) await settle('resolves');
    await flushed;
    expect(told).toEqual(model.told);
    expect(queue.counters).toEqual(model.counters);

    const { counters } = queue;
    expect(counters.delivered + counters.dropped + counters.failed).toBe(seq);
    const events = told.filter((line) => !line.startsWith('before'));
    expect(events.map(Number)).toEqual(events.map(Number).toSorted((left, right) => left - right));
    expect(must.filter((line) => !events.includes(line))).toEqual([]);
    // A drop after the last delivery has nothing to be announced before.
    const announced = told.reduce((sum, line) => sum + Number(/: (\d+)$/.exec(line)?.[1] ?? 0), 0);
    expect(counters.dropped - announced).toBeGreaterThanOrEqual(0);
    dropped += counters.dropped;
    failed += counters.failed;
    if (counters.dropped > 0) rescued += must.length;
  };
  await fc.assert(fc.asyncProperty(settings, steps, answers, check), { numRuns, seed });
  if (numRuns >= 1_000) expect(Math.min(dropped, rescued, failed)).toBeGreaterThan(100);
});
