import { droppedBefore, mustArrive, type RunEvent } from './event.ts';
import type { EventSink } from './ports/event-sink.ts';

/** What happens to events when a sink cannot keep up. */
export type OverflowPolicy = 'drop-oldest' | 'drop-newest';

/** How a sink is fed. */
export interface SinkQueueOptions {
  /** Events that may wait while the sink is busy, an integer >= 1; what must arrive (the last event of a run, `guard.failed_open`) always finds room. @default 10_000 */
  readonly capacity?: number | undefined;
  /** @default 'drop-oldest' */
  readonly overflow?: OverflowPolicy | undefined;
}

/** What became of the events given to one sink; announcements of drops are not among them. */
export interface SinkCounters {
  readonly delivered: number;
  readonly dropped: number;
  /** Events whose `emit` threw or rejected. */
  readonly failed: number;
}

/** A reaction to it runs as a microtask; cheaper than `queueMicrotask`, which hosts wrap. */
const soon = Promise.resolve();

/**
 * Feeds one sink, one event at a time and in order, off the path of the stages. Whatever the sink does, `push` neither
 * throws nor waits.
 */
export class SinkQueue {
  readonly #sink: EventSink;
  readonly #capacity: number;
  readonly #overflow: OverflowPolicy;
  readonly #deliverScheduled = (): void => {
    if (this.#state === 'scheduled') this.#deliver();
  };
  #waiting: RunEvent[] = [];
  #next = 0;
  #state: 'idle' | 'scheduled' | 'delivering' | 'awaiting' = 'idle';
  #unannounced = 0;
  #idleWaiters: (() => void)[] = [];
  #delivered = 0;
  #dropped = 0;
  #failed = 0;

  constructor(sink: EventSink, { capacity = 10_000, overflow = 'drop-oldest' }: SinkQueueOptions = {}) {
    this.#sink = sink;
    this.#capacity = capacity;
    this.#overflow = overflow;
  }

  get counters(): SinkCounters {
    return { delivered: this.#delivered, dropped: this.#dropped, failed: this.#failed };
  }

  push(event: RunEvent): void {
    if (this.#waiting.length - this.#next >= this.#capacity) {
      // A burst that outruns the microtask queue is no overflow: only a sink that is still busy with an event is behind.
      if (this.#state === 'scheduled') this.#deliver();
      if (this.#waiting.length - this.#next >= this.#capacity && !this.#makeRoom(event)) return;
    }
    this.#waiting.push(event);
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    void soon.then(this.#deliverScheduled);
  }

  /** Resolves when nothing waits, and the sink has flushed. */
  async flush(): Promise<void> {
    if (this.#state !== 'idle') await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    await this.#sink.flush?.();
  }

  /** Whether `event` may still be queued. Dropped events are counted, and announced before the next delivery. */
  #makeRoom(event: RunEvent): boolean {
    if (!mustArrive(event) && this.#overflow === 'drop-newest') {
      this.#dropped++;
      this.#unannounced++;
      return false;
    }
    if (mustArrive(event)) return true;
    // Those that must arrive keep their place.
    for (let index = this.#next; index < this.#waiting.length; index++) {
      const candidate = this.#waiting[index];
      if (candidate === undefined || mustArrive(candidate)) continue;
      this.#waiting.splice(index, 1);
      this.#dropped++;
      this.#unannounced++;
      return true;
    }
    return true;
  }

  #deliver(): void {
    this.#state = 'delivering';
    while (this.#next < this.#waiting.length) {
      const event = this.#takeNext();
      const counts = event.type !== 'events.dropped';
      try {
        const answer: unknown = this.#sink.emit(event);
        if (isPromiseLike(answer)) {
          this.#state = 'awaiting';
          Promise.resolve(answer).then(
            () => this.#resume(counts ? 'delivered' : 'announced'),
            () => this.#resume(counts ? 'failed' : 'announced'),
          );
          return;
        }
      } catch {
        this.#state = 'delivering';
        if (counts) this.#failed++;
        continue;
      }
      if (counts) this.#delivered++;
    }
    this.#waiting = [];
    this.#next = 0;
    this.#state = 'idle';
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  #resume(end: 'delivered' | 'failed' | 'announced'): void {
    if (end === 'delivered') this.#delivered++;
    else if (end === 'failed') this.#failed++;
    this.#deliver();
  }

  #takeNext(): RunEvent {
    const event = this.#waiting[this.#next] as RunEvent;
    if (this.#unannounced > 0) {
      const count = this.#unannounced;
      this.#unannounced = 0;
      return droppedBefore(event, this.#sink.name, count);
    }
    this.#next++;
    if (this.#next > 1024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    return event;
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
