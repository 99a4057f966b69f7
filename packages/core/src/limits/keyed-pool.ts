import { longestTimerMs } from '../plan/policy-problems.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import { IndexedHeap } from './indexed-heap.ts';
import { Lane, lanePrecedes } from './lane.ts';
import { checkPriority } from './limit-rules.ts';
import { Notices } from './notices.ts';
import { OverloadGauge } from './overload.ts';
import { RecentWaits } from './recent-waits.ts';
import type { ResourceHost, ResourceOptions, ResourcePool, ResourceSnapshot } from './resource-pool.ts';
import { PoolTicket, type Refusal, type SlotRequest, type Ticket, type TicketIssuer } from './ticket.ts';
import { Arrivals, Waiter } from './waiter.ts';

/**
 * State first, calls after: each operation brings the pool to where no slot is free that a waiter could have, and only
 * then, in a microtask, is anybody told. So no callback finds the pool half done, runs do not run within each other's
 * calls, and a free slot whose key is not full can be taken without a look at the queue.
 */
export class KeyedPool implements ResourcePool, TicketIssuer {
  readonly #capacity: number;
  readonly #perKey: number;
  readonly #queueLimit: number;
  readonly #timeoutMs: number;
  readonly #ageingMs: number;
  readonly #clock: Clock;
  readonly #gauge: OverloadGauge | undefined;
  readonly #notices: Notices;
  /** The one lane, where keys have no limit. */
  readonly #shared: Lane | undefined;
  /** Those that are used or waited for. */
  readonly #lanes = new Map<string | undefined, Lane>();
  /** The lanes that are not full and have a waiter. */
  readonly #open = new IndexedHeap<Lane>(lanePrecedes);
  readonly #arrivals = new Arrivals();
  readonly #waits = new RecentWaits();
  #inUse = 0;
  #order = 0;
  #refused = 0;
  #timedOut = 0;
  #closed = false;
  #wake: { readonly at: number; readonly timer: Timer } | undefined;

  constructor({ capacity, perKey, queue, ageingMs = 1_000, overload }: ResourceOptions, { clock, onOverload }: ResourceHost) {
    this.#capacity = capacity;
    this.#perKey = perKey ?? Number.POSITIVE_INFINITY;
    this.#queueLimit = queue?.limit ?? Number.POSITIVE_INFINITY;
    this.#timeoutMs = queue?.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.#ageingMs = ageingMs;
    this.#clock = clock;
    this.#gauge = overload === undefined ? undefined : new OverloadGauge(overload);
    this.#notices = new Notices(this.#gauge, onOverload);
    this.#shared = perKey === undefined ? new Lane(undefined) : undefined;
  }

  acquire(request: SlotRequest): Ticket {
    const { key, priority = 0, signal } = request;
    checkPriority(priority);
    if (signal?.aborted === true) return this.#refusedAtOnce('aborted');
    if (this.#closed) return this.#refusedAtOnce('closed');
    const lane = this.#laneOf(key);
    if (this.#inUse < this.#capacity && lane.inUse < this.#perKey) {
      this.#inUse++;
      lane.inUse++;
      this.#waits.record(0);
      if (this.#gauge !== undefined) this.#settle(this.#now());
      return new PoolTicket(this, lane, 'held');
    }
    return this.#queue(request, priority, lane);
  }

  snapshot(): ResourceSnapshot {
    this.#settle(this.#now());
    return {
      inUse: this.#inUse,
      queued: this.#arrivals.count,
      capacity: this.#capacity,
      utilization: this.#inUse / this.#capacity,
      refused: this.#refused,
      timedOut: this.#timedOut,
      waitMs: this.#waits.percentiles(),
      overloaded: this.#gauge?.overloaded ?? false,
    };
  }

  close(): void {
    this.#closed = true;
    const now = this.#now();
    this.#expire(now);
    for (let first = this.#arrivals.first; first !== undefined; first = this.#arrivals.first) {
      this.#refused++;
      this.#refuse(first, 'closed');
    }
    this.#settle(now);
  }

  end(ticket: PoolTicket): void {
    const { phase, waiter } = ticket;
    ticket.forgetWait();
    if (phase === 'refused' || phase === 'ended') return;
    ticket.phase = 'ended';
    const now = this.#now();
    if (phase === 'waiting') this.#leave(waiter as Waiter);
    else this.#giveBack(ticket);
    this.#settle(now);
  }

  #refusedAtOnce(refusal: Refusal): Ticket {
    if (refusal !== 'aborted') this.#refused++;
    const ticket = new PoolTicket(this, undefined, 'refused');
    ticket.refusal = refusal;
    return ticket;
  }

  #laneOf(key: string | undefined): Lane {
    let lane = this.#shared ?? this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #queue(request: SlotRequest, priority: number, lane: Lane): Ticket {
    const { signal } = request;
    const now = this.#clock.monotonic();
    this.#expire(now);
    if (this.#arrivals.count >= this.#queueLimit) {
      this.#place(lane);
      this.#settle(now);
      return this.#refusedAtOnce('queue_full');
    }
    // The last of its waiters may just have been refused, and the lane with it.
    if (lane !== this.#shared) this.#lanes.set(lane.key, lane);
    const ticket = new PoolTicket(this, lane, 'waiting', request);
    const waiter = new Waiter(ticket, lane, { rank: now - priority * this.#ageingMs, order: this.#order++, since: now });
    ticket.waiter = waiter;
    if (signal !== undefined) waiter.stopListening = this.#listen(signal, ticket);
    lane.add(waiter);
    this.#arrivals.add(waiter);
    this.#place(lane);
    this.#settle(now);
    return ticket;
  }

  #listen(signal: AbortSignal, ticket: PoolTicket): () => void {
    const onAbort = (): void => {
      const now = this.#now();
      if (ticket.phase === 'waiting') {
        this.#refuse(ticket.waiter as Waiter, 'aborted');
      } else {
        // It was granted, and its owner is yet to be told: of this.
        ticket.phase = 'refused';
        ticket.refusal = 'aborted';
        this.#giveBack(ticket);
      }
      this.#settle(now);
    };
    signal.addEventListener('abort', onAbort);
    return () => signal.removeEventListener('abort', onAbort);
  }

  /** Brings the state to rest after a change: who has waited too long, who can have a slot, and what follows from that. */
  #settle(now: number): void {
    this.#expire(now);
    this.#grant(now);
    const { first, count } = this.#arrivals;
    this.#gauge?.assess({ utilization: this.#inUse / this.#capacity, queued: count, waitingSince: first?.since, now });
    this.#setTimer(first?.since, now);
    this.#notices.tellSoon();
  }

  /** Refuses whoever has waited as long as one may. The clock decides, not whether the timer or a free slot came first. */
  #expire(now: number): void {
    for (let first = this.#arrivals.first; first !== undefined && first.since + this.#timeoutMs <= now; first = this.#arrivals.first) {
      this.#timedOut++;
      this.#refuse(first, 'queue_timeout');
    }
  }

  #grant(now: number): void {
    for (let lane = this.#open.first; lane !== undefined && this.#inUse < this.#capacity; lane = this.#open.first) {
      const waiter = lane.first as Waiter;
      this.#inUse++;
      lane.inUse++;
      this.#leave(waiter);
      this.#waits.record(now - waiter.since);
      waiter.ticket.phase = 'granted';
      this.#notices.add(waiter.ticket);
    }
  }

  #giveBack(ticket: PoolTicket): void {
    const lane = ticket.lane as Lane;
    this.#inUse--;
    lane.inUse--;
    this.#place(lane);
  }

  #refuse(waiter: Waiter, refusal: Refusal): void {
    this.#leave(waiter);
    waiter.stopListening?.();
    waiter.ticket.phase = 'refused';
    waiter.ticket.refusal = refusal;
    this.#notices.add(waiter.ticket);
  }

  #leave(waiter: Waiter): void {
    waiter.lane.remove(waiter);
    this.#arrivals.remove(waiter);
    this.#place(waiter.lane);
  }

  /** Puts a lane where it belongs, after anything about it has changed. */
  #place(lane: Lane): void {
    const isOpen = lane.first !== undefined && lane.inUse < this.#perKey;
    if (lane.heapIndex === -1) {
      if (isOpen) this.#open.add(lane);
    } else if (isOpen) {
      this.#open.update(lane);
    } else {
      this.#open.remove(lane);
    }
    if (lane.inUse === 0 && lane.first === undefined) this.#lanes.delete(lane.key);
  }

  /** The clock, where anybody waits; else nothing depends on it. */
  #now(): number {
    return this.#arrivals.count === 0 ? 0 : this.#clock.monotonic();
  }

  /** One timer for all that wait: the first is due first, and the timer looks again when it fires. */
  #setTimer(firstSince: number | undefined, now: number): void {
    const at = firstSince === undefined ? Number.POSITIVE_INFINITY : firstSince + this.#patienceMs();
    if (this.#wake !== undefined && (at < this.#wake.at || at === Number.POSITIVE_INFINITY)) {
      this.#wake.timer.cancel();
      this.#wake = undefined;
    }
    if (at === Number.POSITIVE_INFINITY || this.#wake !== undefined) return;
    const onTimer = (): void => {
      this.#wake = undefined;
      this.#settle(this.#now());
    };
    this.#wake = { at, timer: this.#clock.schedule(onTimer, Math.min(at - now, longestTimerMs)) };
  }

  /** How long the first can wait until there is something to be done about it. */
  #patienceMs(): number {
    if (this.#gauge === undefined || this.#gauge.overloaded) return this.#timeoutMs;
    return Math.min(this.#timeoutMs, this.#gauge.atWaitMs);
  }
}
