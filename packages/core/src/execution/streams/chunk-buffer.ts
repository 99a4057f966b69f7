import type { StreamOverflow } from '../../streamed.ts';

/** What became of the chunks offered to one reader. Together they are all that were offered and not refused. */
export interface ChunkCounters {
  /** Taken by the reader. */
  readonly delivered: number;
  /** Lost to a full buffer. */
  readonly dropped: number;
  /** In the buffer when the reader left, or when its stream was begun anew. */
  readonly unread: number;
  /** The most that have waited at once. */
  readonly highWaterMark: number;
}

/** The chunks that wait for one reader: at most `capacity`, first in first out. Values may be anything, `undefined` included. */
export class ChunkBuffer {
  readonly #capacity: number;
  readonly #overflow: StreamOverflow;
  #waiting: unknown[] = [];
  #head = 0;
  #delivered = 0;
  #dropped = 0;
  #unread = 0;
  #highWaterMark = 0;

  constructor(capacity: number, overflow: StreamOverflow) {
    this.#capacity = capacity;
    this.#overflow = overflow;
  }

  /** Whether a chunk has been lost. */
  get hasDropped(): boolean {
    return this.#dropped > 0;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length - this.#head;
  }

  get counters(): ChunkCounters {
    return { delivered: this.#delivered, dropped: this.#dropped, unread: this.#unread, highWaterMark: this.#highWaterMark };
  }

  /** Takes a chunk in, or drops one. @returns `false` where it is full and drops none: the chunk was refused. */
  offer(chunk: unknown): boolean {
    if (this.size >= this.#capacity) {
      if (this.#overflow === 'block' || this.#overflow === 'error') return false;
      this.#dropped++;
      if (this.#overflow === 'drop-newest') return true;
      this.#shift();
    }
    this.#waiting.push(chunk);
    if (this.size > this.#highWaterMark) this.#highWaterMark = this.size;
    return true;
  }

  /** The oldest chunk. Only where there is one. */
  take(): unknown {
    this.#delivered++;
    return this.#shift();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#unread += this.size;
    this.#waiting = [];
    this.#head = 0;
  }

  #shift(): unknown {
    const chunk = this.#waiting[this.#head];
    this.#waiting[this.#head++] = undefined;
    if (this.#head > 64 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    return chunk;
  }
}
