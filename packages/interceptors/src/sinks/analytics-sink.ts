import { type ErrorSummary, type RunEvent, StageflowError, summarizeError } from '@stageflow/core';
import type { Clock, EventSink } from '@stageflow/core/ports';
import { exportTimeout } from '../errors.ts';
import { Batcher } from './batcher.ts';
import { type DeadLetterHandler, type DeadLetters, deadLetters } from './dead-letters.ts';
import type { Batch, BufferOptions } from './event-buffer.ts';
import { hostClock } from './host-clock.ts';
import { demand, demandCount, demandDuration } from './option-rules.ts';
import { TimeLimit } from './time-limit.ts';
import { topicFilter } from './topic-filter.ts';

/** What `export` is given besides the events. */
export interface ExportContext {
  /** Aborts when the call has taken too long; what it does after that counts for nothing. */
  readonly signal: AbortSignal;
  /** 1-based: which attempt at these events it is. */
  readonly attempt: number;
}

/** How exports that failed are tried again. */
export interface ExportRetry {
  /** Total calls for one batch, the first included; an integer of at least 1. @default 5 */
  readonly attempts?: number | undefined;
  /** The first wait, milliseconds; each further one is twice as long. @default 500 */
  readonly baseMs?: number | undefined;
  /** No wait is longer, milliseconds. @default 30_000 */
  readonly maxMs?: number | undefined;
}

/** What {@link analyticsSink} takes. */
export interface AnalyticsSinkOptions extends BufferOptions {
  /**
   * Hands events to their destination, all or none, one call at a time. A throw or rejection is a failure; one that says
   * `retryable: false`, or carries an HTTP status that no repetition mends, is not tried again.
   */
  readonly export: (events: readonly RunEvent[], context: ExportContext) => void | Promise<void>;
  /** Where events go that could not be exported: a file of JSON lines, or a function. */
  readonly deadLetter: string | DeadLetterHandler;
  /** The most events that are exported together, an integer of at least 1. @default 100 */
  readonly batchSize?: number | undefined;
  /** How long an incomplete batch waits for more events, milliseconds. @default 5_000 */
  readonly intervalMs?: number | undefined;
  /** How long one call of `export` may take, or of `deadLetter`, milliseconds. @default 30_000 */
  readonly timeoutMs?: number | undefined;
  /**
   * How long `flush()`, and so `runtime.close()`, goes on exporting; what is left then are dead letters. Milliseconds, less
   * than the `graceMs` of `close()`. @default 5_000
   */
  readonly flushTimeoutMs?: number | undefined;
  readonly retry?: ExportRetry | undefined;
  /**
   * Which events are taken, by their topic (`topicOf`): `['stage.*.failed', 'pipeline.*', '!pipeline.created']`. `*` stands
   * for anything, `!` excludes and wins. @default all
   */
  readonly topics?: readonly string[] | undefined;
  /** @default 'analytics' */
  readonly name?: string | undefined;
  /** @default the clock of the host */
  readonly clock?: Clock | undefined;
}

/**
 * What became of the events: `received` is always the sum of `exported`, `deadLettered`, `dropped` and `pending`.
 * Announcements of drops are not among them.
 */
export interface AnalyticsCounters {
  /** Those that came, and whose topic was wanted. */
  readonly received: number;
  readonly exported: number;
  readonly deadLettered: number;
  /** Those that went for want of room, and those that the dead letters did not take either. */
  readonly dropped: number;
  /** Those that wait, or are being exported. */
  readonly pending: number;
  /** Calls of `export` that failed. */
  readonly failedExports: number;
}

/** A sink that exports. */
export interface AnalyticsSink extends EventSink {
  readonly counters: AnalyticsCounters;
  /** What the latest call of `export` or `deadLetter` that failed has failed with. */
  readonly lastFailure: ErrorSummary | undefined;
}

/**
 * Exports events in batches. An export that fails or hangs is tried again with growing waits, and then its events are dead
 * letters; meanwhile the others wait, within a bound. Nothing is lost uncounted, and nothing of it changes the outcome of a run.
 *
 * An export that took too long may have arrived all the same: a destination may see an event twice, and can tell it by
 * `runId`, `epoch` and `seq`.
 *
 * @throws SF_OPTION_INVALID, and what `node:fs` throws where the file of dead letters cannot be opened.
 * @example
 * ```ts
 * const analytics = analyticsSink({
 *   topics: ['pipeline.*', 'stage.*.failed'],
 *   deadLetter: 'log/not-exported.jsonl',
 *   async export(events, { signal }) {
 *     const response = await fetch(collector, { method: 'POST', body: JSON.stringify(events), signal });
 *     if (!response.ok) throw Object.assign(new Error(`the collector said ${response.status}`), { status: response.status });
 *   },
 * });
 * const runtime = createRuntime({ pipelines: [chat], sinks: [analytics] });
 * ```
 */
export function analyticsSink(options: AnalyticsSinkOptions): AnalyticsSink {
  return new Analytics(options);
}

class Analytics implements AnalyticsSink {
  readonly name: string;
  lastFailure: ErrorSummary | undefined;
  readonly #export: AnalyticsSinkOptions['export'];
  readonly #timeoutMs: number;
  readonly #flushTimeoutMs: number;
  readonly #retry: { readonly attempts: number; readonly baseMs: number; readonly maxMs: number };
  readonly #isWanted: (event: RunEvent) => boolean;
  readonly #deadLetters: DeadLetters;
  /** For exports: over when a flush has taken too long. */
  readonly #exportTime: TimeLimit;
  /** For dead letters, which have their time also then. */
  readonly #burialTime: TimeLimit;
  readonly #batcher: Batcher<'exported' | 'deadLettered'>;
  #failedExports = 0;

  constructor(options: AnalyticsSinkOptions) {
    const { name = 'analytics', batchSize = 100, intervalMs = 5_000, timeoutMs = 30_000, flushTimeoutMs = 5_000 } = options;
    const { attempts = 5, baseMs = 500, maxMs = 30_000 } = options.retry ?? {};
    const { clock = hostClock } = options;
    demand(typeof options.export === 'function', 'export', 'a function', options.export);
    const isTarget = typeof options.deadLetter === 'function' || (typeof options.deadLetter === 'string' && options.deadLetter !== '');
    demand(isTarget, 'deadLetter', 'the path of a file, or a function', options.deadLetter);
    demandCount('batchSize', batchSize);
    demandCount('retry.attempts', attempts);
    const durations = { intervalMs, timeoutMs, flushTimeoutMs, 'retry.baseMs': baseMs, 'retry.maxMs': maxMs };
    for (const [option, value] of Object.entries(durations)) demandDuration(option, value);
    this.name = name;
    this.#export = options.export;
    this.#timeoutMs = timeoutMs;
    this.#flushTimeoutMs = flushTimeoutMs;
    this.#retry = { attempts, baseMs, maxMs };
    this.#isWanted = topicFilter(options.topics);
    this.#exportTime = new TimeLimit(clock);
    this.#burialTime = new TimeLimit(clock);
    this.#batcher = new Batcher({
      ...options,
      name,
      batchSize,
      linger: { clock, ms: intervalMs },
      fates: ['exported', 'deadLettered'],
      deliver: (batch) => this.#deliver(batch),
    });
    this.#deadLetters = deadLetters(options.deadLetter);
  }

  get counters(): AnalyticsCounters {
    return { ...this.#batcher.counts, failedExports: this.#failedExports };
  }

  emit(event: RunEvent): void {
    if (this.#isWanted(event)) this.#batcher.add(event);
  }

  async flush(): Promise<void> {
    await this.#exportTime.during(this.#batcher.flush(), this.#flushTimeoutMs);
    this.#deadLetters.close();
  }

  async #deliver(batch: Batch): Promise<'exported' | 'deadLettered' | 'dropped'> {
    const late = (timeoutMs: number): Error => new StageflowError(exportTimeout, { sink: this.name, events: batch.count, timeoutMs });
    let failure: unknown;
    for (let attempt = 1; attempt <= this.#retry.attempts; attempt++) {
      if (attempt > 1) await this.#exportTime.pause(this.#backoffMs(attempt));
      if (this.#exportTime.isOver) {
        failure ??= late(this.#exportTime.overAfterMs);
        break;
      }
      try {
        // A copy: what an exporter does to its list must not change what the next attempt sees.
        await this.#exportTime.limited((signal) => this.#export([...batch.events], { signal, attempt }), this.#timeoutMs, late);
        return 'exported';
      } catch (thrown) {
        failure = thrown;
        this.#failedExports++;
        this.lastFailure = summarizeError(thrown);
        if (!this.lastFailure.retryable) break;
      }
    }
    return this.#bury(batch, failure, late);
  }

  async #bury({ events }: Batch, failure: unknown, late: (timeoutMs: number) => Error): Promise<'deadLettered' | 'dropped'> {
    try {
      await this.#burialTime.limited(() => this.#deadLetters.take([...events], failure), this.#timeoutMs, late);
      return 'deadLettered';
    } catch (thrown) {
      this.lastFailure = summarizeError(thrown);
      return 'dropped';
    }
  }

  /** @param attempt - The one that follows. */
  #backoffMs(attempt: number): number {
    const { baseMs, maxMs } = this.#retry;
    return Math.min(maxMs, baseMs * 2 ** (attempt - 2));
  }
}
