import type { RunEvent } from '@stageflow/core';
import type { Clock, Timer } from '@stageflow/core/ports';
import { type Batch, type BufferOptions, EventBuffer } from './event-buffer.ts';

/** What a {@link Batcher} is made with. */
export interface BatcherOptions<Fate extends string> extends BufferOptions {
  readonly name: string;
  readonly batchSize: number;
  /** Where given, an incomplete batch waits so long for more events. */
  readonly linger?: { readonly clock: Clock; readonly ms: number } | undefined;
  readonly fates: readonly Fate[];
  /** Hands a batch on, and says what became of all its events. Never throws, never rejects. */
  deliver(batch: Batch): Fate | 'dropped' | Promise<Fate | 'dropped'>;
}

/** How many events came, how many wait or are on their way, and what became of the others. */
export type BatcherCounts<Fate extends string> = { readonly [K in Fate | 'received' | 'dropped' | 'pending']: number };

/** Hands events on in batches, one batch at a time and in order. Each event has one fate, and is pending until then. */
export class Batcher<Fate extends string> {
  readonly #buffer: EventBuffer;
  readonly #options: BatcherOptions<Fate>;
  readonly #ended: Record<Fate | 'dropped', number>;
  #received = 0;
  #inFlight = 0;
  #state: 'idle' | 'scheduled' | 'working' = 'idle';
  /** An incomplete batch has waited long enough. */
  #isDue = false;
  #timer: Timer | undefined;
  #flushes: { readonly until: number; readonly done: () => void }[] = [];

  /** @throws SF_OPTION_INVALID */
  constructor(options: BatcherOptions<Fate>) {
    this.#buffer = new EventBuffer(options.name, options);
    this.#options = options;
    this.#ended = Object.fromEntries(['dropped', ...options.fates].map((fate) => [fate, 0])) as Record<Fate | 'dropped', number>;
  }

  get counts(): BatcherCounts<Fate> {
    const { dropped, length } = this.#buffer;
    return { received: this.#received, ...this.#ended, dropped: this.#ended.dropped + dropped, pending: length + this.#inFlight };
  }

  /** @throws SF_SINK_OVERFLOW */
  add(event: RunEvent): void {
    this.#received++;
    // A burst within one turn of the host is no overflow: only a destination that is busy is behind.
    if (this.#buffer.isFull && this.#state !== 'working') void this.#work();
    try {
      this.#buffer.push(event);
    } finally {
      this.#wake();
    }
  }

  /** Resolves when every event that came so far has its fate. */
  flush(): Promise<void> {
    return new Promise((done) => {
      this.#flushes.push({ until: this.#received, done });
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#state !== 'idle') return;
    if (this.#isReady() || this.#flushes.length > 0) {
      this.#state = 'scheduled';
      // Off the path of whoever emits.
      void Promise.resolve().then(() => (this.#state === 'scheduled' ? this.#work() : undefined));
    } else if (this.#buffer.length > 0)
      this.#timer ??= this.#options.linger?.clock.schedule(() => this.#fallDue(), this.#options.linger.ms);
  }

  #isReady(): boolean {
    const { batchSize, linger } = this.#options;
    const { length, isFull } = this.#buffer;
    return length > 0 && (isFull || length >= batchSize || linger === undefined || this.#isDue || this.#flushes.length > 0);
  }

  #fallDue(): void {
    this.#timer = undefined;
    this.#isDue = true;
    this.#wake();
  }

  async #work(): Promise<void> {
    this.#state = 'working';
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#isReady()) {
      if (this.#buffer.length <= this.#options.batchSize) this.#isDue = false;
      const batch = this.#buffer.take(this.#options.batchSize);
      this.#inFlight = batch.count;
      const answer = this.#options.deliver(batch);
      const fate = typeof answer === 'string' ? answer : await answer;
      this.#inFlight = 0;
      this.#ended[fate] += batch.count;
      this.#endFlushes();
    }
    this.#isDue = false;
    this.#state = 'idle';
    this.#endFlushes();
    this.#wake();
  }

  #endFlushes(): void {
    const settled = this.#received - this.#buffer.length - this.#inFlight;
    const over = this.#flushes.filter(({ until }) => until <= settled);
    if (over.length === 0) return;
    this.#flushes = this.#flushes.filter((flush) => !over.includes(flush));
    for (const { done } of over) done();
  }
}
