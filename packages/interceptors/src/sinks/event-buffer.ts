import { type EventsDropped, isTerminal, type RunEvent, StageflowError } from '@stageflow/core';
import { sinkOverflow } from '../errors.ts';
import { demand, demandCount } from './option-rules.ts';

/** How a sink keeps events that its destination has not taken yet. */
export interface BufferOptions {
  /**
   * Events that may wait, an integer of at least 1. What must arrive (the last event of a run, `guard.failed_open`) always
   * finds room. @default 10_000
   */
  readonly size?: number | undefined;
  /**
   * Which event goes where there is no room: the one that has waited longest, or the one that comes. With `error` the one
   * that comes is refused by a throw (`SF_SINK_OVERFLOW`), which the runtime counts as a failure of the sink.
   * @default 'drop-oldest'
   */
  readonly overflow?: 'drop-oldest' | 'drop-newest' | 'error' | undefined;
  /** Called for each event that went for want of room. What it throws is ignored. */
  readonly onOverflow?: ((state: OverflowState) => void) | undefined;
  /** The share of `size` from which on `onHighWater` is called, above 0 and at most 1. @default 0.8 */
  readonly highWater?: number | undefined;
  /** Called once when the mark is reached, and again only after the fill was below half of it. What it throws is ignored. */
  readonly onHighWater?: ((state: HighWaterState) => void) | undefined;
}

/** What `onOverflow` is told. */
export interface OverflowState {
  /** How many events went so far. */
  readonly dropped: number;
  /** How many may wait. */
  readonly size: number;
}

/** What `onHighWater` is told. */
export interface HighWaterState {
  /** How many events wait. */
  readonly waiting: number;
  /** How many may wait. */
  readonly size: number;
}

/** Events taken from a buffer together. */
export interface Batch {
  /** In order; where events went since the last batch, an `events.dropped` stands first. */
  readonly events: readonly RunEvent[];
  /** How many of them were put into the buffer. */
  readonly count: number;
}

/** Keeps events in order, within a bound, and says when the bound comes near and when it is passed. */
export class EventBuffer {
  readonly #sink: string;
  readonly #size: number;
  readonly #overflow: NonNullable<BufferOptions['overflow']>;
  readonly #mark: number;
  readonly #options: BufferOptions;
  #waiting: RunEvent[] = [];
  #first = 0;
  #dropped = 0;
  #unannounced = 0;
  #isHigh = false;

  /** @throws SF_OPTION_INVALID */
  constructor(sink: string, options: BufferOptions) {
    const { size = 10_000, overflow = 'drop-oldest', highWater = 0.8 } = options;
    demandCount('size', size);
    demand(['drop-oldest', 'drop-newest', 'error'].includes(overflow), 'overflow', '"drop-oldest", "drop-newest" or "error"', overflow);
    demand(highWater > 0 && highWater <= 1, 'highWater', 'a number above 0 and at most 1', highWater);
    this.#sink = sink;
    this.#size = size;
    this.#overflow = overflow;
    this.#mark = Math.max(1, Math.ceil(size * highWater));
    this.#options = options;
  }

  get length(): number {
    return this.#waiting.length - this.#first;
  }

  get isFull(): boolean {
    return this.length >= this.#size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** @throws SF_SINK_OVERFLOW where there is no room, with `overflow: 'error'`. The event is counted as dropped then. */
  push(event: RunEvent): void {
    if (this.isFull && !this.#makeRoom(event)) {
      this.#countDrop();
      if (this.#overflow !== 'error') return;
      throw new StageflowError(sinkOverflow, { sink: this.#sink, size: this.#size, event: event.type });
    }
    this.#waiting.push(event);
    if (this.#isHigh || this.length < this.#mark) return;
    this.#isHigh = true;
    notify(this.#options.onHighWater, { waiting: this.length, size: this.#size });
  }

  /** The next events, at most so many. There must be one. */
  take(most: number): Batch {
    const events = this.#announcement();
    const end = Math.min(this.#waiting.length, this.#first + most - events.length);
    const count = end - this.#first;
    for (let index = this.#first; index < end; index++) events.push(this.#waiting[index] as RunEvent);
    this.#first = end;
    this.#compact();
    if (this.length < this.#mark / 2) this.#isHigh = false;
    return { events, count };
  }

  /** Whether `event` may be put in though the buffer is full. */
  #makeRoom(event: RunEvent): boolean {
    if (this.#overflow === 'drop-oldest') this.#dropOldest();
    return this.#overflow === 'drop-oldest' || mustArrive(event);
  }

  /** Those that must arrive keep their place. */
  #dropOldest(): void {
    for (let index = this.#first; index < this.#waiting.length; index++) {
      if (mustArrive(this.#waiting[index] as RunEvent)) continue;
      if (index === this.#first) this.#first++;
      else this.#waiting.splice(index, 1);
      this.#compact();
      return this.#countDrop();
    }
  }

  #countDrop(): void {
    this.#dropped++;
    this.#unannounced++;
    notify(this.#options.onOverflow, { dropped: this.#dropped, size: this.#size });
  }

  /** What the next reader is told before anything else where events went. */
  #announcement(): RunEvent[] {
    if (this.#unannounced === 0) return [];
    const { runId, pipeline, epoch, seq, at, elapsedMs, tenantId, traceId, correlationId, parentRunId } = this.#waiting[
      this.#first
    ] as RunEvent;
    const envelope = { runId, pipeline, epoch, seq, at, elapsedMs, tenantId, traceId, correlationId, parentRunId };
    const dropped: EventsDropped = { type: 'events.dropped', ...envelope, sink: this.#sink, count: this.#unannounced };
    this.#unannounced = 0;
    return [dropped];
  }

  #compact(): void {
    if (this.#first < 1024 || this.#first * 2 < this.#waiting.length) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}

/** The same events as in the queues of the runtime: a reader must not miss how a run ended, nor that a guard did not judge. */
function mustArrive(event: RunEvent): boolean {
  return event.type === 'guard.failed_open' || isTerminal(event);
}

/** Tells the host. Nothing it does comes back: neither what it throws nor a promise of it that rejects. */
function notify<State>(callback: ((state: State) => void) | undefined, state: State): void {
  try {
    const answer: unknown = callback?.(state);
    if (answer instanceof Promise) answer.catch(() => {});
  } catch {
    // The host's own affair.
  }
}
