import type { RunEvent } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { Batcher } from './batcher.ts';
import type { Batch, BufferOptions } from './event-buffer.ts';
import { demandCount } from './option-rules.ts';

/** A destination that takes many events at once, such as a table or an endpoint. */
export interface BatchSink {
  /** For people, as that of an `EventSink`. */
  readonly name: string;
  /** Takes events, in order. While a returned promise is pending, further events wait. A throw or rejection counts them all as failed. */
  emitBatch(events: readonly RunEvent[]): void | Promise<void>;
  /** Resolves when everything taken so far has reached its destination. */
  flush?(): Promise<void>;
}

/** What {@link bufferedSink} takes besides the destination. */
export interface BufferedSinkOptions extends BufferOptions {
  /** The most events that `emitBatch` is given at once, an integer of at least 1. An `EventSink` gets one at a time. @default 100 */
  readonly batchSize?: number | undefined;
}

/** What became of the events: `received` is always the sum of the others. Announcements of drops are not among them. */
export interface BufferedSinkCounters {
  readonly received: number;
  readonly delivered: number;
  /** Those that the destination threw or rejected at. */
  readonly failed: number;
  /** Those that went for want of room. */
  readonly dropped: number;
  /** Those that wait, or are on their way. */
  readonly pending: number;
}

/** A sink with a buffer. */
export interface BufferedSink extends EventSink {
  readonly counters: BufferedSinkCounters;
}

/**
 * Puts a buffer before a destination, with what the queue of the runtime does not have: batches, callbacks before and at
 * overflow, refusal by error, counters. Takes each event at once, delivers in order and off the path of the stages, one call
 * at a time; what the destination throws is counted and ends nothing. `flush()` resolves when every event that came so far
 * has been delivered, has failed or has gone.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const rows = bufferedSink(
 *   { name: 'rows', emitBatch: (events) => insertInto('events', events) },
 *   { batchSize: 500, onHighWater: ({ waiting, size }) => console.warn(`${waiting} of ${size} events wait`) },
 * );
 * const runtime = createRuntime({ pipelines: [chat], sinks: [rows] });
 * ```
 */
export function bufferedSink(sink: EventSink | BatchSink, options: BufferedSinkOptions = {}): BufferedSink {
  const { batchSize = 100, ...buffer } = options;
  demandCount('batchSize', batchSize);
  const send =
    'emitBatch' in sink ? (batch: Batch) => sink.emitBatch(batch.events) : ({ events: [event] }: Batch) => event && sink.emit(event);
  const batcher = new Batcher({
    ...buffer,
    name: sink.name,
    batchSize: 'emitBatch' in sink ? batchSize : 1,
    fates: ['delivered', 'failed'],
    deliver(batch) {
      try {
        const answer: unknown = send(batch);
        if (!isPromiseLike(answer)) return 'delivered';
        return Promise.resolve(answer).then(
          () => 'delivered',
          () => 'failed',
        );
      } catch {
        return 'failed';
      }
    },
  });
  return {
    name: sink.name,
    get counters() {
      return batcher.counts;
    },
    emit: (event) => batcher.add(event),
    async flush() {
      await batcher.flush();
      await sink.flush?.();
    },
  };
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
