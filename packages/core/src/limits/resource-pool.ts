import type { Clock } from '../ports/clock.ts';
import { KeyedPool } from './keyed-pool.ts';
import { checkRules, resourceRules } from './limit-rules.ts';
import type { OverloadOptions } from './overload.ts';
import type { WaitPercentiles } from './recent-waits.ts';
import type { SlotRequest, Ticket } from './ticket.ts';

/** One named resource. */
export interface ResourceOptions {
  /** Slots in use at once, an integer >= 1. */
  readonly capacity: number;
  /** Slots that one key may have in use at once, an integer >= 1. @default no limit */
  readonly perKey?: number | undefined;
  readonly queue?:
    | {
        /** How many may wait, an integer >= 0; who comes then is refused. @default no limit */
        readonly limit?: number | undefined;
        /** How long one may wait, milliseconds. @default no limit */
        readonly timeoutMs?: number | undefined;
      }
    | undefined;
  /**
   * Who waits gains one level of priority in each such span, so that nobody starves: of two waiters the higher goes
   * first, unless it came later by more than this many milliseconds for each level between them. @default 1_000
   */
  readonly ageingMs?: number | undefined;
  /** When to signal overload. @default never */
  readonly overload?: OverloadOptions | undefined;
}

/** Where a pool lives. */
export interface ResourceHost {
  readonly clock: Clock;
  /** The option that holds those of the pool, for errors. @default none */
  readonly option?: string | undefined;
  /** Told of each change, from a microtask of its own. What it throws is thrown to the host. */
  readonly onOverload?: ((overloaded: boolean) => void) | undefined;
}

/** A resource at one moment. */
export interface ResourceSnapshot {
  readonly inUse: number;
  readonly queued: number;
  readonly capacity: number;
  /** `inUse` of `capacity`. */
  readonly utilization: number;
  /** Since the pool was made: how often it refused because the queue was full, or because it was closed. */
  readonly refused: number;
  /** Since the pool was made. */
  readonly timedOut: number;
  /** Over the last 1,000 grants; a slot that was free counts as a wait of 0. */
  readonly waitMs: WaitPercentiles;
  readonly overloaded: boolean;
}

/**
 * The slots of one resource, and the queue for them: never more in use than there are; the highest priority first, in
 * the order of arrival among equals; a key that has all it may have keeps nobody else waiting.
 */
export interface ResourcePool {
  /**
   * Asks for a slot. Where one is free the ticket is `held` at once; where none can be waited for it is `refused`; else
   * it is `waiting`, and the request is told how that ends.
   *
   * @throws SF_OPTION_INVALID for a priority that is none.
   */
  acquire(request: SlotRequest): Ticket;
  snapshot(): ResourceSnapshot;
  /** Refuses all that wait and all that come. Slots in use stay until they are given back. */
  close(): void;
}

/**
 * Makes the pool of one resource.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const model = resourcePool({ capacity: 8, perKey: 2, queue: { limit: 100, timeoutMs: 5_000 } }, { clock });
 * const ticket = model.acquire({
 *   key: tenantId,
 *   onGranted: (granted) => ask().finally(() => granted.release()),
 *   onRefused: (refusal) => fail(refusal),
 * });
 * if (ticket.state === 'held') void ask().finally(() => ticket.release());
 * else if (ticket.refusal !== undefined) fail(ticket.refusal);
 * ```
 */
export function resourcePool(options: ResourceOptions, host: ResourceHost): ResourcePool {
  checkRules(resourceRules(options), host.option);
  return new KeyedPool(options, host);
}
