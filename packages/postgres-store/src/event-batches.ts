import { type ErrorSummary, summarizeError } from '@stageflow/core';
import type { Clock } from '@stageflow/core/ports';
import type { EventRow } from './event-row.ts';
import type { HostTimer } from './host-clock.ts';

/** What {@link EventBatches} is made with. */
export interface EventBatchesOptions {
  /** For people. */
  readonly name: string;
  readonly batchSize: number;
  readonly lingerMs: number;
  readonly bufferSize: number;
  readonly clock: Clock;
  /** Writes rows, all or none. Resolves to how many of them were written: others can never be. */
  readonly write: (rows: readonly EventRow[]) => Promise<number>;
}

/** What became of the events: `received` is always the sum of the others. */
export interface EventSinkCounters {
  readonly received: number;
  /** Those that are in the table, repeats among them. */
  readonly kept: number;
  /** Those that found no room, or cannot be written at all. */
  readonly refused: number;
  /** Those that wait, or are on their way. */
  readonly pending: number;
}

/** How long after a failure nothing is tried, unless somebody flushes. */
const retryMs = 1_000;

/** The most characters of one statement, so that many large events do not become one message that is too long. */
const batchCharacters = 4_000_000;

/** Gathers events, and writes them one batch at a time and in order. What was taken waits until it is written. */
export class EventBatches {
  readonly #options: EventBatchesOptions;
  readonly #waiting: EventRow[] = [];
  #writing: Promise<void> | undefined;
  #timer: HostTimer | undefined;
  /** Monotonic milliseconds. */
  #retryAt = Number.NEGATIVE_INFINITY;
  #lastFailure: ErrorSummary | undefined;
  /** How many have waited, and do not any more. */
  #left = 0;
  #kept = 0;
  #refused = 0;

  constructor(options: EventBatchesOptions) {
    this.#options = options;
  }

  get counters(): EventSinkCounters {
    const [kept, refused, pending] = [this.#kept, this.#refused, this.#waiting.length];
    return { received: kept + refused + pending, kept, refused, pending };
  }

  get lastFailure(): ErrorSummary | undefined {
    return this.#lastFailure;
  }

  /** Counts one that cannot become a row. */
  refuse(): void {
    this.#refused++;
  }

  /** Takes an event; waits where there is no room for it. @throws Where there is still none after that. */
  add(row: EventRow): void | Promise<void> {
    if (this.#isFull && !row.mustArrive) return this.#addWhenRoom(row);
    this.#take(row);
  }

  async #addWhenRoom(row: EventRow): Promise<void> {
    if (this.#mayTry) await this.#write().catch(() => {});
    if (!this.#isFull) return this.#take(row);
    this.#refused++;
    const { name } = this.#options;
    const why = this.#lastFailure?.message;
    throw new Error(`The sink "${name}" has ${this.#waiting.length} events that it could not write (${why}), and takes no more.`);
  }

  #take(row: EventRow): void {
    this.#waiting.push(row);
    if (this.#isBatch && this.#mayTry) void this.#write().catch(() => {});
    else this.#writeLater();
  }

  /** Resolves when everything that was taken so far is written. @throws What writing it threw; everything waits on then. */
  async flush(): Promise<void> {
    const until = this.#left + this.#waiting.length;
    while (this.#left < until) await this.#write();
  }

  get #isFull(): boolean {
    return this.#waiting.length >= this.#options.bufferSize;
  }

  get #isBatch(): boolean {
    return this.#waiting.length >= Math.min(this.#options.batchSize, this.#options.bufferSize);
  }

  get #mayTry(): boolean {
    return this.#options.clock.monotonic() >= this.#retryAt;
  }

  /** Writes what waits now, and more where whole batches have come meanwhile; what is being written already counts. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeBatches().finally(() => {
      this.#writing = undefined;
      this.#writeLater();
    });
    return this.#writing;
  }

  async #writeBatches(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const until = this.#left + this.#waiting.length;
    try {
      while (this.#left < until || this.#isBatch) {
        const batch = this.#nextBatch();
        const written = await this.#options.write(batch);
        this.#waiting.splice(0, batch.length);
        this.#left += batch.length;
        this.#kept += written;
        this.#refused += batch.length - written;
      }
      this.#retryAt = Number.NEGATIVE_INFINITY;
      this.#lastFailure = undefined;
    } catch (error) {
      this.#retryAt = this.#options.clock.monotonic() + retryMs;
      this.#lastFailure = summarizeError(error);
      throw error;
    }
  }

  #nextBatch(): readonly EventRow[] {
    let characters = 0;
    const end = this.#waiting.findIndex(({ columns }, at) => {
      characters += columns[5].length;
      return at > 0 && (at >= this.#options.batchSize || characters > batchCharacters);
    });
    return this.#waiting.slice(0, end === -1 ? this.#waiting.length : end);
  }

  #writeLater(): void {
    if (this.#timer !== undefined || this.#writing !== undefined || this.#waiting.length === 0) return;
    const { clock, lingerMs } = this.#options;
    const isRetry = this.#lastFailure !== undefined;
    const due = (): void => {
      this.#timer = undefined;
      void this.#write().catch(() => {});
    };
    this.#timer = clock.schedule(due, isRetry ? retryMs : lingerMs);
    // A batch that waits is to be written before the process ends; a server that is away must not keep it.
    if (isRetry) this.#timer.unref?.();
  }
}
