import type { RunEvent } from '../event.ts';

/**
 * Where the events of runs go. Called one event at a time, in order, off the path of the stages; what it throws,
 * rejects or delays changes no outcome.
 */
export interface EventSink {
  /** For people: appears where drops and failures of the sink are announced. */
  readonly name: string;
  /** Takes one event. While a returned promise is pending, further events wait in a bounded queue. */
  emit(event: RunEvent): void | Promise<void>;
  /** Resolves when everything taken so far has reached its destination. */
  flush?(): Promise<void>;
}
