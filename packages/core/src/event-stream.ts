import { droppedBefore, isTerminal, type RunEvent } from './event.ts';

/**
 * The events of one run as an async iterable that ends with the last one. Holds what its reader has not taken yet: the
 * newest `capacity` events; a reader that lost older ones is told how many.
 */
export class EventStream implements AsyncIterableIterator<RunEvent> {
  readonly #capacity: number;
  #waiting: RunEvent[] = [];
  #next = 0;
  #readers: ((result: IteratorResult<RunEvent>) => void)[] = [];
  #ended = false;
  #forgotten = 0;

  readonly #onLeave: () => void;
  readonly #runId: string | undefined;

  /**
   * @param onLeave - Called when the reader leaves before the end.
   * @param runId - The run whose last event ends the stream, where it carries those of others, too.
   */
  constructor(capacity = 100_000, onLeave: () => void = () => {}, runId: string | undefined = undefined) {
    this.#capacity = capacity;
    this.#onLeave = onLeave;
    this.#runId = runId;
  }

  push(event: RunEvent): void {
    if (this.#ended) return;
    this.#ended = isTerminal(event) && (this.#runId === undefined || event.runId === this.#runId);
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ value: event, done: false });
    else this.#keep(event);
    if (this.#ended) this.#dismissReaders();
  }

  next(): Promise<IteratorResult<RunEvent>> {
    const event = this.#waiting[this.#next];
    if (event !== undefined && this.#forgotten > 0) {
      const notice = droppedBefore(event, 'events()', this.#forgotten);
      this.#forgotten = 0;
      return Promise.resolve({ value: notice, done: false });
    }
    if (event !== undefined) {
      this.#next++;
      return Promise.resolve({ value: event, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<RunEvent>> {
    this.#ended = true;
    this.#waiting = [];
    this.#next = 0;
    this.#onLeave();
    this.#dismissReaders();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #keep(event: RunEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length - this.#next > this.#capacity) {
      this.#next++;
      this.#forgotten++;
    }
    if (this.#next > 1024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
  }

  #dismissReaders(): void {
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }
}
