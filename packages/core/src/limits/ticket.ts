import type { Lane } from './lane.ts';
import type { Waiter } from './waiter.ts';

/**
 * Why a slot was not given. `queue_full`: as many wait as may. `queue_timeout`: the wait took too long. `closed`: the
 * pool gives no more slots. `aborted`: the signal of the request aborted.
 */
export type Refusal = 'queue_full' | 'queue_timeout' | 'closed' | 'aborted';

/**
 * What is asked of a pool. A long-lived object can be its own request, so that asking makes no closures.
 *
 * Of the two callbacks one is called, once, unless {@link ResourcePool.acquire} already answered or the ticket was given
 * up. They are called from a microtask of their own, never within a call of the pool. What they throw is thrown to the
 * host.
 */
export interface SlotRequest {
  /** Whose share of the resource it takes: a tenant, a model. Counts where the pool has `perKey`. @default a key of its own */
  readonly key?: string | undefined;
  /** Higher goes first. A number from -1_000_000 to 1_000_000. @default 0 */
  readonly priority?: number | undefined;
  /** Aborts the wait, not the use. */
  readonly signal?: AbortSignal | undefined;
  onGranted(ticket: Ticket): void;
  onRefused(refusal: Refusal, ticket: Ticket): void;
}

/** A place in the queue of a pool, and later the slot. */
export interface Ticket {
  /** `held` from `onGranted` on, or at once. `ended` after `release()` or `cancel()`. */
  readonly state: 'waiting' | 'held' | 'refused' | 'ended';
  /** Why, where it was refused. */
  readonly refusal: Refusal | undefined;
  /** Gives the slot back, or leaves the queue; neither callback is called any more. Does nothing the second time. */
  release(): void;
  /** Leaves the queue, as `release()` does. Does nothing to a slot that is held. */
  cancel(): void;
}

/** Where a ticket stands. To its owner, one that is granted waits until `onGranted`. */
export type Phase = 'waiting' | 'granted' | 'held' | 'refused' | 'ended';

/** The ticket as its pool sees it: all that a slot without a wait costs. */
export class PoolTicket implements Ticket {
  readonly lane: Lane | undefined;
  phase: Phase;
  refusal: Refusal | undefined = undefined;
  /** Whom to tell; undefined once there is nothing to tell. */
  request: SlotRequest | undefined;
  waiter: Waiter | undefined = undefined;
  readonly #pool: TicketIssuer;

  constructor(pool: TicketIssuer, lane: Lane | undefined, phase: Phase, request?: SlotRequest) {
    this.#pool = pool;
    this.lane = lane;
    this.phase = phase;
    this.request = request;
  }

  get state(): Ticket['state'] {
    return this.phase === 'granted' ? 'waiting' : this.phase;
  }

  /** There is nothing to tell its owner any more; it may be kept for long, and keeps nothing that it does not need. */
  forgetWait(): void {
    this.waiter?.stopListening?.();
    this.waiter = undefined;
    this.request = undefined;
  }

  release(): void {
    this.#pool.end(this);
  }

  cancel(): void {
    if (this.phase !== 'held') this.#pool.end(this);
  }
}

/** Whoever takes tickets back. */
export interface TicketIssuer {
  end(ticket: PoolTicket): void;
}
