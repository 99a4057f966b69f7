import { type InterceptedStage, type Interceptor, type InterceptorScope, StageflowError, type StageOutcome } from '@stageflow/core';
import { type ResourcePool, resourcePool, type Ticket } from '@stageflow/core/limits';
import type { Clock } from '@stageflow/core/ports';
import { bulkheadFull } from './errors.ts';
import { ForgetfulMap } from './forgetful-map.ts';
import { aCount, aDuration, aFunction, aLength, aName, checkOptions } from './option-rules.ts';
import { byStage, keyOf, locationOf, type StageKey } from './stage-key.ts';

/** Who may wait for a slot of a bulkhead. */
export interface BulkheadQueue {
  /** How many calls of one key may wait, an integer >= 0. */
  readonly limit: number;
  /** How long one may wait, milliseconds. */
  readonly timeoutMs: number;
}

/** What {@link bulkhead} takes. */
export interface BulkheadOptions {
  /** Names the bulkhead in errors. */
  readonly name: string;
  /** Which stages it stands before. @default every stage */
  readonly only?: InterceptorScope | undefined;
  /** Calls with one key share its slots. @default each stage for itself, by its name */
  readonly key?: StageKey | undefined;
  /** Calls of one key under way at once, an integer >= 1. */
  readonly capacity: number;
  /** @default no call waits: it is refused where there is no slot */
  readonly queue?: BulkheadQueue | undefined;
}

/** One key of a bulkhead at one moment. */
export interface BulkheadSnapshot {
  readonly key: string;
  readonly inUse: number;
  readonly queued: number;
}

/** An interceptor that lets so many calls of a key be under way at once. */
export interface Bulkhead extends Interceptor {
  /** The keys that are used or waited for. */
  states(): readonly BulkheadSnapshot[];
}

/**
 * Makes a bulkhead: at most `capacity` attempts of a key call their stages at once. Others wait in the order they came, or fail with
 * SF_BULKHEAD_FULL, which is retryable. A slot is given back when the attempt has settled, or was given up and its grace has passed.
 *
 * It is for stages that one does not own, or keys that one cannot know before; the queue and the slots are those of the `resource`
 * that a stage of one's own names. Unlike there, a stage that runs others by `context.call` does not lend them its slot: give them
 * another key, or none can go on until the wait has taken too long.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const perTenant = bulkhead({
 *   name: 'models',
 *   only: { kinds: ['agent'] },
 *   key: ({ identity }) => identity.tenantId ?? 'none',
 *   capacity: 4,
 *   queue: { limit: 100, timeoutMs: 10_000 },
 * });
 * ```
 */
export function bulkhead(options: BulkheadOptions): Bulkhead {
  const compartments = new Compartments(options);
  return {
    name: options.name,
    only: options.only,
    attempt: (stage, next) => compartments.attempt(stage, next),
    states: () => compartments.states(),
  };
}

/** The slots of one key. */
interface Compartment {
  readonly pool: ResourcePool;
  /** That of the pool. */
  readonly clock: Clock;
  /** Attempts that have a slot or wait for one. */
  users: number;
}

class Compartments {
  readonly #name: string;
  readonly #key: StageKey;
  readonly #capacity: number;
  readonly #queue: BulkheadQueue | undefined;
  readonly #byKey = new ForgetfulMap<Compartment>();

  constructor({ name, key = byStage, capacity, queue }: BulkheadOptions) {
    checkOptions('bulkhead()', {
      name: [name, aName],
      key: [key, aFunction],
      capacity: [capacity, aCount],
      ...(queue === undefined ? {} : { 'queue.limit': [queue?.limit, aLength], 'queue.timeoutMs': [queue?.timeoutMs, aDuration] }),
    });
    this.#name = name;
    this.#key = key;
    this.#capacity = capacity;
    this.#queue = queue;
  }

  async attempt(stage: InterceptedStage, next: () => Promise<StageOutcome>): Promise<StageOutcome> {
    const key = keyOf(this.#key, stage, this.#name);
    const compartment = this.#enter(key, stage.clock);
    let ticket: Ticket | undefined;
    const leave = once(() => {
      ticket?.release();
      compartment.users--;
    });
    try {
      ticket = await slotOf(compartment.pool, stage.signal);
      if (ticket.refusal !== undefined) throw this.#refused(stage, key, ticket);
      leaveWhenGivenUp(stage, leave);
      return await next();
    } finally {
      leave();
    }
  }

  states(): readonly BulkheadSnapshot[] {
    return this.#byKey
      .entries()
      .filter(([, { users }]) => users > 0)
      .map(([key, { pool }]) => {
        const { inUse, queued } = pool.snapshot();
        return { key, inUse, queued };
      });
  }

  #enter(key: string, clock: Clock): Compartment {
    let compartment = this.#byKey.get(key);
    // Whoever comes first when nobody is there brings the clock.
    if (compartment === undefined || (compartment.users === 0 && compartment.clock !== clock)) compartment = this.#build(key, clock);
    compartment.users++;
    return compartment;
  }

  #build(key: string, clock: Clock): Compartment {
    const pool = resourcePool({ capacity: this.#capacity, queue: this.#queue ?? { limit: 0 } }, { clock });
    const compartment: Compartment = { pool, clock, users: 0 };
    this.#byKey.set(key, compartment, ({ users }) => users === 0);
    return compartment;
  }

  #refused(stage: InterceptedStage, key: string, { refusal }: Ticket): unknown {
    if (refusal === 'aborted') return stage.signal.reason;
    const why = refusal as 'queue_full' | 'queue_timeout';
    const limit = this.#queue === undefined ? 0 : why === 'queue_full' ? this.#queue.limit : this.#queue.timeoutMs;
    return new StageflowError(bulkheadFull, { bulkhead: this.#name, key, stage: stage.stage, why, limit }, locationOf(stage));
  }
}

/** A slot, or the ticket that says why there is none. */
function slotOf(pool: ResourcePool, signal: AbortSignal): Ticket | Promise<Ticket> {
  let tell: (ticket: Ticket) => void = () => {};
  const later = new Promise<Ticket>((resolve) => {
    tell = resolve;
  });
  const ticket = pool.acquire({ signal, onGranted: (granted) => tell(granted), onRefused: (_, refused) => tell(refused) });
  return ticket.state === 'waiting' ? later : ticket;
}

/** A run that gives up a call which does not settle never tells how that ended: what it holds is given back with the run's cleanups. */
function leaveWhenGivenUp(stage: InterceptedStage, leave: () => void): void {
  const onAbort = (): void => {
    try {
      stage.defer(leave);
    } catch {
      // The run has ended.
      leave();
    }
  };
  stage.signal.addEventListener('abort', onAbort, { once: true });
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
