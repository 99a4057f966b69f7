import type { StageflowError } from '../../errors.ts';
import type { PlannedStreamReader } from '../../plan/plan-stream.ts';
import type { Timer } from '../../ports/clock.ts';
import type { Scope } from '../scope.ts';
import { ChunkBuffer, type ChunkCounters } from './chunk-buffer.ts';
import { handled } from './handled.ts';

type Result = IteratorResult<unknown, undefined>;

/** A chunk for which there is no room yet. */
interface Put {
  readonly chunk: unknown;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  readonly timer: Timer | undefined;
}

/** A reader that waits for a chunk. */
interface Next {
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/** What a stream tells its readers, and hears from them. */
export interface StreamOwner {
  readonly scope: Scope;
  /** An error of the reader. */
  broken(reader: number, why: string, options?: { readonly cause?: unknown; readonly retryable?: boolean }): StageflowError;
  /** A stage begins to wait for the other side, or goes on. */
  waits(index: number): void;
  goesOn(index: number): void;
  /** A put was not taken in time. */
  putTimedOut(reader: PlannedStreamReader): void;
  /** A chunk was dropped, for the first time. */
  overflowed(reader: PlannedStreamReader): void;
  /** A reader has taken a chunk, or has left. */
  readerMoved(): void;
}

const done: Result = { done: true, value: undefined };

/** One stage's reading of the chunks of another: the buffer between them, and who waits on which side. */
export class ReaderStream {
  readonly planned: PlannedStreamReader;
  readonly #owner: StreamOwner;
  #buffer: ChunkBuffer;
  #puts: Put[] = [];
  #nexts: Next[] = [];
  #iterator: ChunkIterator | undefined = undefined;
  #left = false;
  /** Set once no chunk follows; with an error where it broke off. */
  #end: { readonly error: StageflowError | undefined } | undefined = undefined;

  constructor(owner: StreamOwner, planned: PlannedStreamReader, left: boolean) {
    this.#owner = owner;
    this.planned = planned;
    this.#buffer = new ChunkBuffer(planned.capacity, planned.overflow);
    this.#left = left;
  }

  get counters(): ChunkCounters {
    return this.#buffer.counters;
  }

  /** Whether it takes no more, because its reader is gone. */
  get hasLeft(): boolean {
    return this.#left;
  }

  /** Whether nothing will change any more. */
  get isDone(): boolean {
    return this.#left || (this.#end !== undefined && this.#buffer.size === 0 && this.#puts.length === 0);
  }

  /** Gives it a chunk. A promise where the producer has to wait until there is room; `'full'` where it must not be given. */
  put(chunk: unknown): Promise<void> | 'full' | undefined {
    if (this.#left) return undefined;
    const hadDropped = this.#buffer.hasDropped;
    if (this.#puts.length === 0 && this.#buffer.offer(chunk)) {
      if (this.#nexts.length > 0) this.#answer();
      if (!hadDropped && this.#buffer.hasDropped) this.#owner.overflowed(this.planned);
      return undefined;
    }
    if (this.planned.overflow === 'error') return 'full';
    const { putTimeoutMs } = this.planned;
    return new Promise((resolve, reject) => {
      const { clock } = this.#owner.scope.scheduler;
      const timer = putTimeoutMs === undefined ? undefined : clock.schedule(() => this.#owner.putTimedOut(this.planned), putTimeoutMs);
      this.#puts.push({ chunk, resolve, reject, timer });
    });
  }

  /** The producer does not wait any longer; what it still held is lost. */
  rejectPuts(reason: unknown): void {
    for (const { reject, timer } of this.#puts.splice(0)) {
      timer?.cancel();
      reject(reason);
    }
  }

  /** No chunk follows. */
  end(error: StageflowError | undefined): void {
    if (error !== undefined) this.rejectPuts(error);
    for (const { timer } of this.#puts) timer?.cancel();
    this.#end = { error };
    if (this.#nexts.length > 0) this.#dismiss(error);
  }

  /** Another attempt of the producer begins. A reader that has taken nothing does not notice. */
  restart(): void {
    const { delivered } = this.#buffer.counters;
    this.#buffer.clear();
    this.#buffer = new ChunkBuffer(this.planned.capacity, this.planned.overflow);
    if (delivered === 0) return;
    const why = `it is tried again after ${delivered} of its chunks ${delivered === 1 ? 'was' : 'were'} read`;
    this.interrupt(this.#owner.broken(this.planned.stage, why, { retryable: true }));
  }

  /** The attempt of the reader is given up: what it waits for is rejected. Another attempt may follow. */
  interrupt(reason: unknown): void {
    this.#iterator?.fail(reason);
    this.#iterator = undefined;
    if (this.#nexts.length > 0) this.#dismiss(reason);
  }

  /** The reader wants no more, or has ended. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#buffer.clear();
    for (const { resolve, timer } of this.#puts.splice(0)) {
      timer?.cancel();
      resolve();
    }
    if (this.#nexts.length > 0) this.#dismiss(undefined);
    this.#owner.readerMoved();
  }

  /** The reader leaves its loop: what that ends is gone on from here. */
  leaveLoop(): void {
    this.leave();
    this.#owner.scope.goOn();
  }

  /** Begins to read. @throws SF_STREAM_BROKEN where chunks are gone that were there before. */
  open(): ChunkIterator {
    const { delivered } = this.#buffer.counters;
    const reader = this.planned.stage;
    if (delivered > 0) throw this.#owner.broken(reader, `${delivered} of its chunks ${delivered === 1 ? 'has' : 'have'} been read already`);
    if (this.#left) throw this.#owner.broken(reader, 'it has been left already');
    if (this.#iterator !== undefined) this.interrupt(this.#owner.broken(reader, 'it is being gone through a second time'));
    this.#iterator = new ChunkIterator(this);
    return this.#iterator;
  }

  next(iterator: ChunkIterator): Promise<Result> {
    const { scope } = this.#owner;
    if (scope.stopped !== undefined) return handled(Promise.reject(scope.stopped.signalReason));
    if (this.#left || iterator !== this.#iterator) return Promise.resolve(done);
    if (this.#buffer.size > 0) {
      const value = this.#take();
      this.#owner.readerMoved();
      return Promise.resolve({ done: false, value });
    }
    if (this.#end !== undefined) {
      const { error } = this.#end;
      return error === undefined ? Promise.resolve(done) : handled(Promise.reject(error));
    }
    const coming = new Promise<Result>((resolve, reject) => this.#nexts.push({ resolve, reject }));
    this.#owner.waits(this.planned.stage);
    return handled(coming);
  }

  #take(): unknown {
    const value = this.#buffer.take();
    for (let put = this.#puts[0]; put !== undefined && this.#buffer.offer(put.chunk); put = this.#puts[0]) {
      this.#puts.shift();
      put.timer?.cancel();
      put.resolve();
    }
    return value;
  }

  /** A chunk has come for the reader that waits longest. */
  #answer(): void {
    const { resolve } = this.#nexts.shift() as Next;
    this.#owner.goesOn(this.planned.stage);
    resolve({ done: false, value: this.#take() });
  }

  /** Lets go of all that wait: with the reason, where there is one. */
  #dismiss(reason: unknown): void {
    for (const { resolve, reject } of this.#nexts.splice(0)) {
      this.#owner.goesOn(this.planned.stage);
      if (reason === undefined) resolve(done);
      else reject(reason);
    }
  }
}

/** One going through of the chunks. */
export class ChunkIterator implements AsyncIterator<unknown, undefined> {
  readonly #stream: ReaderStream;
  #failure: { readonly reason: unknown } | undefined = undefined;

  constructor(stream: ReaderStream) {
    this.#stream = stream;
  }

  /** What whoever goes on reading is told. */
  fail(reason: unknown): void {
    this.#failure = { reason };
  }

  next(): Promise<Result> {
    return this.#failure === undefined ? this.#stream.next(this) : handled(Promise.reject(this.#failure.reason));
  }

  return(): Promise<Result> {
    if (this.#failure === undefined) this.#stream.leaveLoop();
    return Promise.resolve(done);
  }
}

/** The chunks as a reader is handed them: to be gone through once. */
export class Chunks implements AsyncIterable<unknown> {
  readonly #open: () => ChunkIterator;

  constructor(open: () => ChunkIterator) {
    this.#open = open;
  }

  [Symbol.asyncIterator](): ChunkIterator {
    return this.#open();
  }
}
