import type { StageflowError } from '../errors.ts';
import { checkRules, duration, integer } from '../limits/limit-rules.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import { isLeftToOthers } from './recovery.ts';

/** How a runtime goes on by itself with the runs that are due. */
export interface RecoveryOptions {
  /** Milliseconds between the end of one look and the next. */
  readonly everyMs: number;
  /** How many runs go on at once, an integer >= 1. A look waits for those of looks before it. @default 8 */
  readonly concurrency?: number | undefined;
  /** Told of a run that could not go on, and, without a run, of a look that failed. Each is tried again at the next. What it throws is thrown to the host. @default nobody is told */
  readonly onProblem?: ((error: StageflowError, runId: string | undefined) => void) | undefined;
}

/** Begins to go on with a run as soon as there is room; resolves then, and not when the run ends. */
export type BeginWithin = (runId: string, resume: () => Promise<unknown>) => Promise<undefined>;

/** Looks again and again, one look at a time, until it is stopped. A look that has begun what was due is over: runs may last. */
export class RecoveryLoop {
  readonly #clock: Clock;
  readonly #options: RecoveryOptions;
  readonly #look: (signal: AbortSignal, begin: BeginWithin) => Promise<unknown>;
  readonly #controller = new AbortController();
  #timer: Timer | undefined;
  #isLooking = false;
  /** Whether something has happened during a look. */
  #again = false;
  #room: number;
  /** Lets the look go on that waits for room. */
  #onRoom: (() => void) | undefined;

  /** @throws SF_OPTION_INVALID */
  constructor(options: RecoveryOptions, clock: Clock, look: (signal: AbortSignal, begin: BeginWithin) => Promise<unknown>) {
    const { everyMs, concurrency = 8 } = options;
    checkRules([duration('everyMs', everyMs), integer('concurrency', concurrency, 1)], 'recovery');
    this.#clock = clock;
    this.#options = options;
    this.#look = look;
    this.#room = concurrency;
    this.#later();
  }

  /** Runs that went on and are under way stay so: who closes the runtime decides about them. */
  stop(): void {
    this.#controller.abort();
    this.#timer?.cancel();
    this.#onRoom?.();
  }

  /** Something has happened: does not wait for the time. */
  lookSoon(): void {
    this.#again = this.#isLooking;
    if (this.#isLooking || this.#controller.signal.aborted) return;
    this.#timer?.cancel();
    void this.#pass();
  }

  #later(): void {
    if (!this.#controller.signal.aborted) this.#timer = this.#clock.schedule(() => void this.#pass(), this.#options.everyMs);
  }

  /** What a listener throws is thrown to the host, and does not end the loop. */
  #tell(error: StageflowError, runId: string | undefined): void {
    try {
      this.#options.onProblem?.(error, runId);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  async #begin(runId: string, resume: () => Promise<unknown>): Promise<undefined> {
    if (this.#room === 0)
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    if (this.#controller.signal.aborted) return;
    this.#room--;
    void resume()
      .catch((thrown) => {
        if (!isLeftToOthers(thrown as StageflowError)) this.#tell(thrown as StageflowError, runId);
      })
      .finally(() => {
        this.#room++;
        this.#onRoom?.();
      });
  }

  async #pass(): Promise<void> {
    this.#isLooking = true;
    try {
      await this.#look(this.#controller.signal, (runId, resume) => this.#begin(runId, resume));
    } catch (thrown) {
      this.#tell(thrown as StageflowError, undefined);
    }
    this.#isLooking = false;
    if (this.#again) this.lookSoon();
    else this.#later();
  }
}
