import type { Clock, Timer } from '@stageflow/core/ports';
import { hostTurn, realDelay } from './host-turn.ts';
import { TimerQueue, type VirtualTimer } from './timer-queue.ts';

/** What {@link virtualClock} takes. */
export interface VirtualClockOptions {
  /** What the wall clock shows at first, epoch milliseconds. @default 2025-01-01T00:00:00Z */
  readonly now?: number | undefined;
  /** What the monotonic clock shows at first, milliseconds. @default 0 */
  readonly monotonic?: number | undefined;
}

/** Bounds of {@link VirtualClock.runAll}. */
export interface RunAllOptions {
  /** Fails once this many timers have fired. @default 100_000 */
  readonly maxTimers?: number | undefined;
}

/** Bounds of {@link VirtualClock.settle}. */
export interface SettleOptions extends RunAllOptions {
  /**
   * How long to wait, in real milliseconds, for a promise that depends on nothing this clock knows: real I/O, or
   * nothing at all. @default 1_000
   */
  readonly patienceMs?: number | undefined;
}

/** A clock whose time moves only when a test says so. */
export interface VirtualClock extends Clock {
  /** Timers outstanding. */
  readonly pending: number;
  /**
   * Lets `ms` pass. Timers fire in the order they are due, each at its own time; before the next one fires, every
   * promise that the last one set in motion has come to rest.
   *
   * @throws What a timer's callback throws; and where this clock is being moved already.
   */
  advance(ms: number): Promise<void>;
  /** Advances from timer to timer until none is left. */
  runAll(options?: RunAllOptions): Promise<void>;
  /**
   * Advances from timer to timer until `promise` has settled, and settles as it did. For several promises, settle
   * `Promise.all` of them.
   *
   * Fails where the promise has not settled and no timer could make it. Work outside of this clock is not seen: while
   * a timer is pending, real I/O is given a few turns of the host, and then time moves on.
   *
   * @example
   * ```ts
   * const clock = virtualClock();
   * const run = await clock.settle(chat.run({ text: 'hi' }, { clock }));
   * ```
   */
  settle<T>(promise: PromiseLike<T>, options?: SettleOptions): Promise<T>;
  /** Resolves after `ms` of this clock. Rejects with the signal's reason once it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Time passes as if code held the thread for `ms`: no timer fires before the next advance. */
  block(ms: number): void;
  /** Sets the wall clock forward, or back, by `ms`, as the host's administrator might. Monotonic time stays. */
  jumpWall(ms: number): void;
}

/**
 * Makes a clock for tests: wall time, monotonic time and timers, all standing still until they are moved. Pass it as
 * the `clock` of a run or of a runtime.
 *
 * Its `schedule` refuses delays outside the range of the port, so that a test shows them.
 *
 * @example
 * ```ts
 * const clock = virtualClock();
 * const running = chat.run({ text: 'hi' }, { clock, deadlineMs: 500 });
 * await clock.advance(500);
 * console.log((await running).status); // 'failed'
 * ```
 */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new ManualClock(options);
}

const longestDelayMs = 2_147_483_647;

/** Turns of the host without a look at the clock after which nothing more is expected to happen by itself. */
const quietTurns = 3;

class ManualClock implements VirtualClock {
  readonly #timers = new TimerQueue();
  #monotonic: number;
  /** What the wall clock is ahead of the monotonic one. */
  #wallAhead: number;
  /** Uses of this clock by others: what changes while anything is going on. */
  #uses = 0;
  #mover: string | undefined;

  constructor({ now = Date.UTC(2025, 0, 1), monotonic = 0 }: VirtualClockOptions) {
    this.#monotonic = monotonic;
    this.#wallAhead = now - monotonic;
  }

  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    this.#uses++;
    return this.#monotonic + this.#wallAhead;
  }

  monotonic(): number {
    this.#uses++;
    return this.#monotonic;
  }

  schedule(callback: () => void, delayMs: number): Timer {
    if (!(delayMs >= 0 && delayMs <= longestDelayMs)) {
      throw new RangeError(`A timer was set for ${delayMs} ms; Clock.schedule() takes 0 to ${longestDelayMs}.`);
    }
    this.#uses++;
    return this.#timers.add(callback, this.#monotonic + delayMs);
  }

  advance(ms: number): Promise<void> {
    return this.#moving('advance', async () => {
      const until = this.#monotonic + duration('advance', ms);
      await this.#quiet();
      for (let next = this.#timers.first; next !== undefined && next.dueAt <= until; next = this.#timers.first) await this.#fire(next);
      this.#monotonic = Math.max(this.#monotonic, until);
    });
  }

  runAll({ maxTimers = 100_000 }: RunAllOptions = {}): Promise<void> {
    return this.#moving('runAll', async () => {
      await this.#quiet();
      let fired = 0;
      for (let next = this.#timers.first; next !== undefined; next = this.#timers.first) {
        if (fired++ >= maxTimers) throw new Error(`runAll() fired ${maxTimers} timers and ${this.pending} are left: ${endless}`);
        await this.#fire(next);
      }
    });
  }

  settle<T>(promise: PromiseLike<T>, { maxTimers = 100_000, patienceMs = 1_000 }: SettleOptions = {}): Promise<T> {
    return this.#moving('settle', async () => {
      let settled = false;
      const mark = (): void => {
        settled = true;
      };
      promise.then(mark, mark);
      await this.#quiet();
      let fired = 0;
      while (!settled) {
        const next = this.#timers.first ?? (await this.#patience(patienceMs, () => settled));
        if (settled) break;
        if (next === undefined) throw new Error(stuck(this.#monotonic, patienceMs));
        if (fired++ >= maxTimers) throw new Error(`settle() fired ${maxTimers} timers and the promise has not settled: ${endless}`);
        await this.#fire(next);
      }
      return promise;
    });
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.schedule(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  block(ms: number): void {
    this.#monotonic += duration('block', ms);
  }

  jumpWall(ms: number): void {
    this.#wallAhead += ms;
  }

  async #moving<T>(verb: string, move: () => Promise<T>): Promise<T> {
    if (this.#mover !== undefined) {
      throw new Error(
        `${verb}() was called while ${this.#mover}() moves the clock: await one before the other; several promises settle as Promise.all([…]).`,
      );
    }
    this.#mover = verb;
    try {
      return await move();
    } finally {
      this.#mover = undefined;
    }
  }

  /** Moves time to where `timer` is due, calls it, and lets what follows come to rest. */
  async #fire(timer: VirtualTimer): Promise<void> {
    this.#timers.remove(timer);
    this.#monotonic = Math.max(this.#monotonic, timer.dueAt);
    timer.callback();
    await this.#quiet();
  }

  /**
   * Waits until nothing happens any more. One turn of the host empties the queue of microtasks; more are needed for
   * what gives the host a turn itself, as the scheduler does in long synchronous runs. It then looks at the clock, so
   * that a run which is at work is told from one that waits.
   */
  async #quiet(): Promise<void> {
    let seen = this.#uses;
    for (let quiet = 0; quiet < quietTurns; quiet++) {
      await hostTurn();
      if (this.#uses !== seen) quiet = -1;
      seen = this.#uses;
    }
  }

  /** Waits in real time for a timer to be set or the promise to settle. */
  async #patience(patienceMs: number, isSettled: () => boolean): Promise<VirtualTimer | undefined> {
    const stepMs = 2;
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += stepMs) {
      await realDelay(stepMs);
      if (isSettled() || this.#timers.first !== undefined) break;
    }
    await this.#quiet();
    return this.#timers.first;
  }
}

const endless = 'something sets a new timer each time one fires. Raise maxTimers if that is meant.';

function stuck(monotonic: number, patienceMs: number): string {
  return [
    `The promise given to settle() has not settled, and at ${monotonic} ms no timer of the virtual clock is pending that could make it`,
    ` (waited ${patienceMs} ms of real time as well).`,
    ' Does it wait for something that never comes, or was the run not given this clock?',
  ].join('');
}

function duration(verb: string, ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new RangeError(`${verb}() takes a finite number of milliseconds, at least 0; it was given ${ms}.`);
}
