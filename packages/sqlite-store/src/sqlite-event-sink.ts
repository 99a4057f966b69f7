import { type ErrorSummary, type RunEvent, summarizeError } from '@stageflow/core';
import type { Clock, EventSink, RunKey } from '@stageflow/core/ports';
import { type EventRow, eventRow, placeOf } from './event-row.ts';
import { type EventStatements, prepareEventStatements } from './event-statements.ts';
import { type HostTimer, hostClock } from './host-clock.ts';
import { demandCount, timerMs } from './option-rules.ts';
import { runKey } from './run-key.ts';
import { connect, type SqliteConnection, type SqliteLocation } from './sqlite-location.ts';

/** How events are gathered before they are written. */
export interface EventBatchOptions {
  /** The most events of one statement, an integer of at least 1. @default 200 */
  readonly batchSize?: number | undefined;
  /** How long an event waits for others to be written with, milliseconds above 0. @default 50 */
  readonly lingerMs?: number | undefined;
  /**
   * The most events that wait while the file cannot be written, an integer of at least 1. What must arrive (the last event of
   * a run, `guard.failed_open`) always finds room. @default 10_000
   */
  readonly bufferSize?: number | undefined;
  /** @default the clock of the host */
  readonly clock?: Clock | undefined;
  /** @default 'sqlite' */
  readonly name?: string | undefined;
}

/** What {@link sqliteEventSink} takes. */
export type SqliteEventSinkOptions = SqliteLocation & EventBatchOptions;

/** What became of the events: `received` is always the sum of the others. */
export interface EventSinkCounters {
  readonly received: number;
  /** Those that are in the table, repeats among them. */
  readonly kept: number;
  /** Those that found no room, or cannot be written at all. The runtime counts them as failures of the sink. */
  readonly refused: number;
  /** Those that wait. */
  readonly pending: number;
}

/** Where in a run. An event is one. */
export interface EventPosition {
  readonly epoch: number;
  readonly seq: number;
  /** Of an event that was read. @default behind everything of this number */
  readonly type?: RunEvent['type'] | undefined;
}

/** Which events of a run to read. */
export interface ReadEventsOptions {
  /** The last event that was read before. @default from the first */
  readonly after?: EventPosition | undefined;
  /** The most to give, an integer of at least 1. @default 1_000 */
  readonly limit?: number | undefined;
}

/** A sink that keeps the events of runs in a SQLite file. */
export interface SqliteEventSink extends EventSink {
  readonly counters: EventSinkCounters;
  /** Why the latest batch was not written; `undefined` where it was. */
  readonly lastFailure: ErrorSummary | undefined;
  /** Writes what waits, and resolves when it is on the disk. Rejects with what SQLite said, and everything waits on. */
  flush(): Promise<void>;
  /** The events of a run that are kept, in order. Of members that were `undefined` there are none. @throws SF_OPTION_INVALID */
  events(runId: string, tenantId: string | undefined, options?: ReadEventsOptions): Promise<readonly RunEvent[]>;
  /** Deletes the events of one run; resolves to how many these were. */
  removeRun(run: RunKey): Promise<number>;
  /** Writes what waits where it can, and closes the file that the sink has opened. */
  close(): void;
}

/** How long after a failure nothing is tried, unless somebody flushes. */
const retryMs = 1_000;

/** The most characters of one statement, so that many large events do not become one text that is too long. */
const batchCharacters = 4_000_000;

/**
 * Keeps the events of runs in a SQLite file, in batches: one statement, and one wait for the disk, for all that come within
 * `lingerMs`, at most `batchSize`. An event that comes again is kept once. A process that is killed loses what waits.
 *
 * Where the file cannot be written, events wait and are tried again each second and at each `flush()`. When `bufferSize` of
 * them wait, further ones are refused: `emit` throws, which changes no outcome.
 *
 * @throws SF_OPTION_INVALID; what node:sqlite throws, where the file cannot be opened; an error where a later version of this
 *   package made it.
 * @example
 * ```ts
 * const history = sqliteEventSink({ file: 'runs.sqlite' });
 * const runtime = createRuntime({ pipelines: [chat], sinks: [history] });
 * for (const event of await history.events(runId, undefined)) console.log(event.type);
 * ```
 */
export function sqliteEventSink(options: SqliteEventSinkOptions): SqliteEventSink {
  const { batchSize = 200, lingerMs = 50, bufferSize = 10_000, clock = hostClock, name = 'sqlite', ...location } = options;
  demandCount('batchSize', batchSize);
  demandCount('bufferSize', bufferSize);
  return new SqliteEvents(connect(location), { batchSize, lingerMs: timerMs('lingerMs', lingerMs), bufferSize, clock, name });
}

type Settings = { readonly [K in keyof EventBatchOptions]-?: NonNullable<EventBatchOptions[K]> };

class SqliteEvents implements SqliteEventSink {
  readonly name: string;
  readonly #close: () => void;
  readonly #statements: EventStatements;
  readonly #settings: Settings;
  readonly #waiting: EventRow[] = [];
  #timer: HostTimer | undefined;
  /** Monotonic milliseconds. */
  #retryAt = Number.NEGATIVE_INFINITY;
  #lastFailure: ErrorSummary | undefined;
  #kept = 0;
  #refused = 0;

  constructor({ database, close }: SqliteConnection, settings: Settings) {
    this.name = settings.name;
    this.#close = close;
    this.#statements = prepareEventStatements(database);
    this.#settings = settings;
  }

  get counters(): EventSinkCounters {
    const [kept, refused, pending] = [this.#kept, this.#refused, this.#waiting.length];
    return { received: kept + refused + pending, kept, refused, pending };
  }

  get lastFailure(): ErrorSummary | undefined {
    return this.#lastFailure;
  }

  emit(event: RunEvent): void {
    const { batchSize, bufferSize } = this.#settings;
    try {
      const row = eventRow(event);
      if (this.#waiting.length >= bufferSize && !row.mustArrive) this.#makeRoom();
      this.#waiting.push(row);
    } catch (error) {
      this.#refused++;
      throw error;
    }
    if (this.#waiting.length >= Math.min(batchSize, bufferSize)) this.#tryToWrite();
    this.#writeLater();
  }

  /** @throws Where nothing can be written at this time. */
  #makeRoom(): void {
    if (this.#tryToWrite()) return;
    const why = this.#lastFailure?.message;
    throw new Error(`The sink "${this.name}" has ${this.#waiting.length} events that it could not write (${why}), and takes no more.`);
  }

  /** Whether everything is written. */
  #tryToWrite(): boolean {
    if (this.#settings.clock.monotonic() < this.#retryAt) return false;
    try {
      this.#write();
      return true;
    } catch {
      return false;
    }
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#nextBatch();
        this.#statements.add.run(JSON.stringify(batch.map(({ columns }) => columns)));
        this.#waiting.splice(0, batch.length);
        this.#kept += batch.length;
      }
      this.#retryAt = Number.NEGATIVE_INFINITY;
      this.#lastFailure = undefined;
    } catch (error) {
      this.#retryAt = this.#settings.clock.monotonic() + retryMs;
      this.#lastFailure = summarizeError(error);
      this.#writeLater();
      throw error;
    }
  }

  #nextBatch(): readonly EventRow[] {
    let characters = 0;
    const end = this.#waiting.findIndex(({ columns }, at) => {
      characters += columns[4].length;
      return at > 0 && (at >= this.#settings.batchSize || characters > batchCharacters);
    });
    return this.#waiting.slice(0, end === -1 ? this.#waiting.length : end);
  }

  #writeLater(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const { clock, lingerMs } = this.#settings;
    const isRetry = this.#lastFailure !== undefined;
    this.#timer = clock.schedule(
      () => {
        this.#timer = undefined;
        this.#tryToWrite();
      },
      isRetry ? retryMs : lingerMs,
    );
    // A batch that waits is to be written before the process ends; a file that cannot be written must not keep it.
    if (isRetry) this.#timer.unref?.();
  }

  async flush(): Promise<void> {
    this.#write();
  }

  async events(
    runId: string,
    tenantId: string | undefined,
    { after, limit = 1_000 }: ReadEventsOptions = {},
  ): Promise<readonly RunEvent[]> {
    demandCount('limit', limit);
    const { epoch, seq, type } = after ?? { epoch: 0, seq: 0 };
    const rows = this.#statements.events.all(runKey({ tenantId, runId }), epoch, seq, placeOf(type), limit);
    return (rows as readonly { readonly event: string }[]).map(({ event }) => JSON.parse(event) as RunEvent);
  }

  async removeRun(run: RunKey): Promise<number> {
    return Number(this.#statements.removeRun.run(runKey(run)).changes);
  }

  close(): void {
    try {
      this.#write();
    } catch {
      // It is in `lastFailure`, and how many were not written is in `counters`.
    }
    this.#timer?.cancel();
    this.#close();
  }
}
