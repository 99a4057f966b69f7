import { type ResourceHost, type ResourceOptions, type ResourcePool, type ResourceSnapshot, resourcePool } from './resource-pool.ts';
import type { Refusal, SlotRequest, Ticket } from './ticket.ts';

/** How the wait of a run ended. `left`: by {@link Admission.leave}. */
export type AdmissionOutcome = 'admitted' | 'left' | Refusal;

/** A run on its way in, and its place afterwards. */
export interface Admission {
  /** At once where there is room, or none to wait in; the promise never rejects. */
  readonly outcome: AdmissionOutcome | Promise<AdmissionOutcome>;
  /** Gives up the place, or the wait for one. Call it on every ending. Does nothing the second time. */
  leave(): void;
}

/** What is known of a run that asks to be admitted. */
export type RunRequest = Pick<SlotRequest, 'key' | 'priority' | 'signal'>;

/** The door of a runtime. */
export interface ActiveRuns {
  /**
   * @param options - See {@link SlotRequest}; `signal` ends the wait as `aborted`.
   * @throws SF_OPTION_INVALID for a priority that is none.
   */
  admit(options?: RunRequest): Admission;
  snapshot(): ResourceSnapshot;
  /** Refuses the runs that wait and those that come. Runs under way keep their places. */
  close(): void;
}

/**
 * Admits runs: a pool whose slots are places of runs, and whose owners wait with a promise.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const runs = activeRuns({ capacity: 50, queue: { limit: 500, timeoutMs: 10_000 } }, { clock });
 * const admission = runs.admit({ key: tenantId });
 * try {
 *   const outcome = typeof admission.outcome === 'string' ? admission.outcome : await admission.outcome;
 *   if (outcome === 'admitted') await run();
 * } finally {
 *   admission.leave();
 * }
 * ```
 */
export function activeRuns(options: ResourceOptions, host: ResourceHost): ActiveRuns {
  const pool = resourcePool(options, host);
  return {
    admit: (request = {}) => new RunAdmission(pool, request),
    snapshot: () => pool.snapshot(),
    close: () => pool.close(),
  };
}

/** Its own request, so that a run that begins at once costs this and a ticket. */
class RunAdmission implements Admission, SlotRequest {
  readonly key: string | undefined;
  readonly priority: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly outcome: AdmissionOutcome | Promise<AdmissionOutcome>;
  readonly #ticket: Ticket;
  #resolve: (outcome: AdmissionOutcome) => void = () => {};

  constructor(pool: ResourcePool, { key, priority, signal }: RunRequest) {
    this.key = key;
    this.priority = priority;
    this.signal = signal;
    this.#ticket = pool.acquire(this);
    const { state, refusal } = this.#ticket;
    if (state === 'held') {
      this.outcome = 'admitted';
    } else {
      this.outcome =
        refusal ??
        new Promise((resolve) => {
          this.#resolve = resolve;
        });
    }
  }

  onGranted(): void {
    this.#resolve('admitted');
  }

  onRefused(refusal: Refusal): void {
    this.#resolve(refusal);
  }

  leave(): void {
    this.#ticket.release();
    // A promise keeps its first answer: after the wait this is none.
    this.#resolve('left');
  }
}
