import type { ErrorSummary, RunEvent } from '@stageflow/core';
import type { Clock, EventSink, RunKey } from '@stageflow/core/ports';
import { tenantKey, toColumn } from './column-text.ts';
import { EventBatches, type EventSinkCounters } from './event-batches.ts';
import { type EventRow, eventRow, placeOf } from './event-row.ts';
import { type EventStatements, eventStatements } from './event-statements.ts';
import { hostClock } from './host-clock.ts';
import { demandCount, timerMs } from './option-rules.ts';
import { PostgresConnection, type PostgresLocation } from './postgres-connection.ts';

/** What {@link postgresEventSink} takes. */
export interface PostgresEventSinkOptions extends PostgresLocation {
  /** The most events of one statement, an integer of at least 1. @default 200 */
  readonly batchSize?: number | undefined;
  /** How long an event waits for others to be written with, milliseconds above 0. @default 50 */
  readonly lingerMs?: number | undefined;
  /**
   * The most events that wait while the server is slow or away, an integer of at least 1. What must arrive (the last event of a
   * run, `guard.failed_open`) always finds room. @default 10_000
   */
  readonly bufferSize?: number | undefined;
  /** @default the clock of the host */
  readonly clock?: Clock | undefined;
  /** @default 'postgres' */
  readonly name?: string | undefined;
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

/** A sink that keeps the events of runs in PostgreSQL. */
export interface PostgresEventSink extends EventSink {
  readonly counters: EventSinkCounters;
  /** Why the latest batch was not written; `undefined` where it was. */
  readonly lastFailure: ErrorSummary | undefined;
  /** As that of the run store: makes the schema with all its tables, or brings it up to date. */
  migrate(): Promise<void>;
  /** Resolves when everything that was taken is written. Rejects with what `pg` said, and everything waits on. */
  flush(): Promise<void>;
  /** The events of a run that are kept, in order. Of members that were `undefined` there are none. @throws SF_OPTION_INVALID */
  events(runId: string, tenantId: string | undefined, options?: ReadEventsOptions): Promise<readonly RunEvent[]>;
  /** Deletes the events of one run; resolves to how many these were. */
  removeRun(run: RunKey): Promise<number>;
}

/** Classes of errors that are about what is written, and not about the server: it will say the same again. */
const hopelessClasses: readonly string[] = ['22', '23', '54'];

/**
 * Keeps the events of runs in PostgreSQL, in batches: one statement for all that come within `lingerMs`, at most `batchSize`.
 * `emit` does not wait for the server. An event that comes again is kept once. A process that is killed loses what waits.
 *
 * While the server is away, events wait and are tried again each second and at each `flush()`. Where `bufferSize` of them
 * wait, `emit` waits for one try to write them, during which the queue of the runtime fills; where that fails, and for the rest
 * of that second, it rejects, which the runtime counts and which changes no outcome.
 *
 * @throws SF_OPTION_INVALID; TypeError where PostgreSQL can have no schema of that name.
 * @example
 * ```ts
 * const history = postgresEventSink({ pool });
 * await history.migrate();
 * const runtime = createRuntime({ pipelines: [chat], sinks: [history] });
 * for (const event of await history.events(runId, undefined)) console.log(event.type);
 * ```
 */
export function postgresEventSink(options: PostgresEventSinkOptions): PostgresEventSink {
  const { batchSize = 200, lingerMs = 50, bufferSize = 10_000, clock = hostClock, name = 'postgres', ...location } = options;
  demandCount('batchSize', batchSize);
  demandCount('bufferSize', bufferSize);
  const settings = { batchSize, lingerMs: timerMs('lingerMs', lingerMs), bufferSize, clock, name };
  const connection = new PostgresConnection(location);
  const statements = eventStatements(connection.schema);
  const batches = new EventBatches({ ...settings, write: (rows) => writeRows(connection, statements, rows) });
  return {
    name,
    get counters() {
      return batches.counters;
    },
    get lastFailure() {
      return batches.lastFailure;
    },
    migrate: () => connection.migrate(),
    emit: (event) => batches.add(rowOf(event, batches)),
    flush: () => batches.flush(),

    async events(runId, tenantId, { after, limit = 1_000 } = {}) {
      demandCount('limit', limit);
      const { epoch, seq, type } = after ?? { epoch: 0, seq: 0 };
      const values = [tenantKey(tenantId), toColumn(runId), epoch, seq, placeOf(type), limit];
      const { rows } = await connection.query(statements.events, values);
      return (rows as readonly { readonly event: string }[]).map(({ event }) => JSON.parse(event) as RunEvent);
    },

    async removeRun({ tenantId, runId }) {
      return (await connection.query(statements.removeRun, [tenantKey(tenantId), toColumn(runId)])).rowCount as number;
    },
  };
}

/** @throws TypeError Where the event cannot be written as JSON. */
function rowOf(event: RunEvent, batches: EventBatches): EventRow {
  try {
    return eventRow(event);
  } catch (error) {
    batches.refuse();
    throw error;
  }
}

/** Where the server refuses a batch for what is in it, each row is tried alone: one must not keep all others from being written. */
async function writeRows(connection: PostgresConnection, statements: EventStatements, rows: readonly EventRow[]): Promise<number> {
  try {
    await connection.query(
      statements.add,
      [0, 1, 2, 3, 4, 5].map((at) => rows.map(({ columns }) => columns[at])),
    );
    return rows.length;
  } catch (error) {
    if (!isHopeless(error)) throw error;
    if (rows.length === 1) return 0;
  }
  let written = 0;
  for (const row of rows) written += await writeRows(connection, statements, [row]);
  return written;
}

function isHopeless(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && code.length === 5 && hopelessClasses.includes(code.slice(0, 2));
}
