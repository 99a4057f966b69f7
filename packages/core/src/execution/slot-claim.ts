import type { NamedResource } from '../limits/runtime-limits.ts';
import type { Refusal, SlotRequest, Ticket } from '../limits/ticket.ts';

/** One slot that a claim is to take. */
export interface SlotWish {
  readonly resource: NamedResource;
  readonly key: string | undefined;
  readonly priority: number;
}

/** Why a claim was not met. */
export interface Refused {
  readonly wish: SlotWish;
  readonly refusal: Refusal;
}

/**
 * The slots of one attempt: taken one after the other, held together, given back together. As every claim takes them in
 * the order of the runtime, claims that wait for each other never form a circle.
 */
export class SlotClaim implements SlotRequest {
  key: string | undefined = undefined;
  priority: number | undefined = undefined;
  readonly #wishes: readonly SlotWish[];
  readonly #tickets: Ticket[] = [];
  #onSettled!: (refused: Refused | undefined) => void;

  /** @param wishes - In the order in which they are taken. */
  constructor(wishes: readonly SlotWish[]) {
    this.#wishes = wishes;
  }

  get resources(): readonly NamedResource[] {
    return this.#wishes.map(({ resource }) => resource);
  }

  /**
   * Takes what can be had now.
   *
   * @param onSettled - Called once, where it has to wait: with nothing when it has all.
   */
  take(onSettled: (refused: Refused | undefined) => void): 'held' | 'waiting' | Refused {
    this.#onSettled = onSettled;
    return this.#takeNext();
  }

  #takeNext(): 'held' | 'waiting' | Refused {
    for (const wish of this.#wishes.slice(this.#tickets.length)) {
      this.key = wish.key;
      this.priority = wish.priority;
      const ticket = wish.resource.pool.acquire(this);
      this.#tickets.push(ticket);
      if (ticket.state === 'waiting') return 'waiting';
      if (ticket.refusal !== undefined) return this.#refused(ticket.refusal);
    }
    return 'held';
  }

  onGranted(): void {
    const state = this.#takeNext();
    if (state !== 'waiting') this.#onSettled(state === 'held' ? undefined : state);
  }

  onRefused(refusal: Refusal): void {
    this.#onSettled(this.#refused(refusal));
  }

  /** Gives everything back, or leaves the queue. Does nothing the second time. */
  release(): void {
    for (const ticket of this.#tickets) ticket.release();
  }

  #refused(refusal: Refusal): Refused {
    this.release();
    return { wish: this.#wishes[this.#tickets.length - 1] as SlotWish, refusal };
  }
}
