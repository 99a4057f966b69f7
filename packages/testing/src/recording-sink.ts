import type { EventOf, RunEvent } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';

/** A sink that keeps what it is told. */
export interface RecordingSink extends EventSink {
  /** Everything, in the order it came. */
  readonly events: readonly RunEvent[];
  /** Those of one type. */
  of<T extends RunEvent['type']>(type: T): readonly EventOf<T>[];
  /** The latest of one type, or `undefined` where there was none. */
  last<T extends RunEvent['type']>(type: T): EventOf<T> | undefined;
  /** Those about one stage. */
  about(stage: string): readonly RunEvent[];
  /** Forgets what was kept. */
  clear(): void;
}

/**
 * Makes a sink that keeps every event, for a test to look at. It has the last one before `run()` resolves.
 *
 * @example
 * ```ts
 * const sink = recordingSink();
 * await chat.run({ text: 'hi' }, { sinks: [sink] });
 * console.log(sink.of('stage.completed').map(({ stage }) => stage));
 * ```
 */
export function recordingSink(name = 'recording'): RecordingSink {
  const events: RunEvent[] = [];
  const isOf =
    <T extends RunEvent['type']>(type: T) =>
    (event: RunEvent): event is EventOf<T> =>
      event.type === type;
  return {
    name,
    events,
    emit(event) {
      events.push(event);
    },
    of: (type) => events.filter(isOf(type)),
    last: (type) => events.findLast(isOf(type)),
    about: (stage) => events.filter((event) => 'stage' in event && event.stage === stage),
    clear() {
      events.length = 0;
    },
  };
}
