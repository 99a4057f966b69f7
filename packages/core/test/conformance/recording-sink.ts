import { type EventOf, type RunEvent, topicOf } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';

/** A sink that keeps what it gets. */
export interface RecordingSink extends EventSink {
  readonly events: readonly RunEvent[];
  /** The topics, in order. */
  readonly topics: readonly string[];
  of<T extends RunEvent['type']>(type: T): EventOf<T>[];
}

export function recordingSink(name = 'recorder'): RecordingSink {
  const events: RunEvent[] = [];
  return {
    name,
    events,
    emit: (event) => void events.push(event),
    get topics() {
      return events.map(topicOf);
    },
    of: <T extends RunEvent['type']>(type: T) => events.filter((event): event is EventOf<T> => event.type === type),
  };
}
