import { type VirtualClock, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ResourceOptions, type ResourcePool, resourcePool } from '../src/limits/resource-pool.ts';
import type { Ticket } from '../src/limits/ticket.ts';
import { type Asked, PoolModel, type Reaction, type Settings } from './model-of-resource-pool.ts';

const numRuns = Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const timeout = Math.max(60_000, numRuns * 20);

/** What is done to a pool. `of` picks a ticket among those that could be meant. */
type Step =
  | ({ readonly do: 'ask' } & Asked)
  | { readonly do: 'release' | 'release again' | 'cancel' | 'abort'; readonly of: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'block'; readonly ms: number }
  | { readonly do: 'turn' }
  | { readonly do: 'look' }
  | { readonly do: 'close' };

/** A request under test, and what its owner knows. */
interface Owned extends Asked {
  readonly since: number;
  readonly controller: AbortController;
  ticket: Ticket;
  answers: number;
}

/** The real pool under a script. Whatever it tells is checked at that moment against what must always hold. */
class Rig {
  readonly clock: VirtualClock = virtualClock();
  readonly told: string[] = [];
  readonly owned: Owned[] = [];
  readonly faults: unknown[] = [];
  readonly #settings: Settings;
  readonly pool: ResourcePool;

  constructor(settings: Settings) {
    this.#settings = settings;
    const onOverload = (overloaded: boolean): void => void this.told.push(overloaded ? 'overloaded' : 'relieved');
    this.pool = resourcePool(optionsOf(settings), { clock: this.clock, onOverload });
  }

  /** Indexes of the tickets in one state, as their owners see it. */
  in(state: Ticket['state']): number[] {
    return this.owned.flatMap(({ ticket }, id) => (ticket.state === state ? [id] : []));
  }

  ask({ key, priority, reaction }: Asked): void {
    const id = this.owned.length;
    const controller = new AbortController();
    const owner = { key, priority, reaction, since: this.clock.monotonic(), controller, answers: 0 } as Owned;
    owner.ticket = this.pool.acquire({
      key,
      priority,
      signal: controller.signal,
      onGranted: (ticket) => {
        this.#check(() => {
          expect([ticket, ticket.state, owner.answers++]).toEqual([owner.ticket, 'held', 0]);
          this.#expectNobodyOvertaken(id);
        });
        this.told.push(`${id} granted`);
        this.#react(id);
      },
      onRefused: (refusal, ticket) => {
        this.#check(() => {
          expect([ticket, ticket.state, ticket.refusal, owner.answers++]).toEqual([owner.ticket, 'refused', refusal, 0]);
        });
        this.told.push(`${id} refused: ${refusal}`);
        if (reaction === 'asks again') this.ask({ key, priority, reaction: 'nothing' });
      },
    });
    expect(owner.answers).toBe(0);
    this.owned.push(owner);
    this.expectWithinCapacity();
  }

  /** What fails in a callback of the pool would be thrown to the host. */
  #check(expectations: () => void): void {
    try {
      expectations();
    } catch (fault) {
      this.faults.push(fault);
    }
  }

  #react(id: number): void {
    const { key, priority, reaction, ticket } = this.owned[id] as Owned;
    if (reaction === 'asks again') this.ask({ key, priority, reaction: 'nothing' });
    if (reaction === 'gives it back') ticket.release();
    const other = this.in('waiting')[0];
    if (reaction === 'cancels another' && other !== undefined) this.owned[other]?.ticket.cancel();
  }

  expectWithinCapacity(): void {
    const held = this.in('held').map((id) => (this.owned[id] as Owned).key);
    expect(held.length).toBeLessThanOrEqual(this.#settings.capacity);
    for (const key of held) {
      expect(held.filter((other) => other === key).length).toBeLessThanOrEqual(this.#settings.perKey ?? Number.POSITIVE_INFINITY);
    }
  }

  /** Nobody of that key waits who is as high and came before, or who is lower and came before by as much as makes up for it. */
  #expectNobodyOvertaken(id: number): void {
    this.expectWithinCapacity();
    const winner = this.owned[id] as Owned;
    const overtaken = this.in('waiting').filter((other) => {
      const { key, priority, since } = this.owned[other] as Owned;
      return key === winner.key && other < id && winner.since - since >= (winner.priority - priority) * this.#settings.ageingMs;
    });
    expect(overtaken).toEqual([]);
  }

  /** Where a slot is free, everybody who waits does so for a key that is full. */
  expectNoSlotIdle(): void {
    const held = this.in('held').map((id) => (this.owned[id] as Owned).key);
    if (held.length >= this.#settings.capacity) return;
    for (const id of this.in('waiting')) {
      expect(held.filter((key) => key === this.owned[id]?.key).length).toBe(this.#settings.perKey);
    }
  }
}

function optionsOf(settings: Settings): ResourceOptions {
  const { capacity, perKey, limit, timeoutMs, ageingMs, atUtilization, atQueue, atWaitMs, clearRatio } = settings;
  return { capacity, perKey, queue: { limit, timeoutMs }, ageingMs, overload: { atUtilization, atQueue, atWaitMs, clearRatio } };
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const allSettings: fc.Arbitrary<Settings> = fc
  .record({
    capacity: fc.integer({ min: 1, max: 5 }),
    perKey: maybe(fc.integer({ min: 1, max: 3 })),
    limit: maybe(fc.integer({ min: 0, max: 8 })),
    timeoutMs: maybe(fc.integer({ min: 20, max: 60 })),
    ageingMs: fc.constantFrom(1, 10, 1_000),
    atUtilization: maybe(fc.constantFrom(0.5, 0.8, 1)),
    atQueue: maybe(fc.integer({ min: 1, max: 5 })),
    atWaitMs: maybe(fc.integer({ min: 1, max: 19 })),
    clearRatio: fc.constantFrom(0.5, 0.75, 1),
  })
  .filter(({ limit, atQueue }) => atQueue === undefined || limit === undefined || atQueue <= limit);
const asked = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  priority: fc.integer({ min: -2, max: 2 }),
  reaction: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Reaction>('nothing') },
    { weight: 2, arbitrary: fc.constantFrom<Reaction[]>('gives it back', 'asks again', 'cancels another') },
  ),
});
const of = fc.nat(1_000);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: asked.map((request): Step => ({ do: 'ask', ...request })) },
    { weight: 6, arbitrary: of.map((id): Step => ({ do: 'release', of: id })) },
    { weight: 1, arbitrary: of.map((id): Step => ({ do: 'release again', of: id })) },
    { weight: 2, arbitrary: of.map((id): Step => ({ do: 'cancel', of: id })) },
    { weight: 1, arbitrary: of.map((id): Step => ({ do: 'abort', of: id })) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 }).map((ms): Step => ({ do: 'advance', ms })) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 70 }).map((ms): Step => ({ do: 'block', ms })) },
    { weight: 4, arbitrary: fc.constantFrom<Step[]>({ do: 'turn' }, { do: 'turn' }, { do: 'turn' }, { do: 'look' }) },
  ),
  { maxLength: 60, size: 'max' },
);

/** A pool and its model side by side. */
class Pair {
  readonly real: Rig;
  readonly model: PoolModel;

  constructor(settings: Settings) {
    this.real = new Rig(settings);
    this.model = new PoolModel(settings);
  }

  /** At once where no time passes: a turn of the microtasks between two steps is a step of its own. */
  take(step: Step): Promise<void> | undefined {
    const { real, model } = this;
    if (step.do === 'advance' || step.do === 'turn') return this.#advance(step.do === 'turn' ? 0 : step.ms);
    if (step.do === 'ask') {
      real.ask(step);
      model.acquire(step);
    } else if (step.do === 'block') {
      real.clock.block(step.ms);
      model.block(step.ms);
    } else if (step.do === 'close') {
      real.pool.close();
      model.close();
    } else if (step.do === 'look') {
      model.settle();
      this.#expectSameSnapshot();
    } else {
      const id = this.#pick(step.do, step.of);
      if (id !== undefined) this.#toTicket(step.do, id);
    }
    this.#expectSame();
    return undefined;
  }

  async #advance(ms: number): Promise<void> {
    await this.real.clock.advance(ms);
    this.model.advance(ms);
    this.#expectSame();
    this.real.expectNoSlotIdle();
  }

  #expectSame(): void {
    const { real, model } = this;
    expect(real.faults).toEqual([]);
    expect(real.told).toEqual(model.told);
    expect(real.owned.map(({ ticket }) => [ticket.state, ticket.refusal])).toEqual(
      model.entries.map(({ state, refusal }) => [state === 'granted' ? 'waiting' : state, refusal]),
    );
  }

  #pick(kind: 'release' | 'release again' | 'cancel' | 'abort', chance: number): number | undefined {
    const { real } = this;
    const ids = {
      release: () => real.in('held'),
      'release again': () => [...real.in('ended'), ...real.in('refused')],
      cancel: () => real.in('waiting'),
      abort: () => [...real.in('waiting'), ...real.in('refused')],
    }[kind]();
    return ids[chance % Math.max(1, ids.length)];
  }

  #toTicket(kind: 'release' | 'release again' | 'cancel' | 'abort', id: number): void {
    const { ticket, controller } = this.real.owned[id] as Owned;
    if (kind === 'abort') {
      controller.abort();
      this.model.abort(id);
    } else if (kind === 'cancel') {
      ticket.cancel();
      this.model.cancel(id);
    } else {
      ticket.release();
      this.model.release(id);
    }
  }

  #expectSameSnapshot(): void {
    const { model } = this;
    const { waitMs, ...rest } = this.real.pool.snapshot();
    const { inUse, refused, timedOut, overloaded } = model;
    expect(rest).toEqual({
      inUse,
      queued: model.waiting.length,
      capacity: rest.capacity,
      utilization: inUse / rest.capacity,
      refused,
      timedOut,
      overloaded,
    });
    const sorted = model.waits.slice(-1_000).toSorted((left, right) => left - right);
    const rank = (share: number): number => sorted.find((_, index) => index + 1 >= share * sorted.length) ?? 0;
    expect(waitMs).toEqual({ p50: rank(0.5), p95: rank(0.95) });
  }
}

test('a pool grants, refuses and signals as its model does; nobody is overtaken, no slot idles, and every request ends once', {
  timeout,
}, async () => {
  const seen = new Map<string, number>();
  const check = async (settings: Settings, script: readonly Step[], closes: boolean): Promise<void> => {
    const pair = new Pair(settings);
    const { real } = pair;
    for (const step of script) {
      const moving = pair.take(step);
      if (moving !== undefined) await moving;
    }
    if (closes) void pair.take({ do: 'close' });
    await pair.take({ do: 'turn' });
    for (let rounds = 0; real.in('waiting').length > 0; rounds++) {
      expect(rounds).toBeLessThan(real.owned.length);
      for (let held = real.in('held').length; held > 0; held--) void pair.take({ do: 'release', of: 0 });
      await pair.take({ do: 'turn' });
    }
    for (const id of real.in('held')) real.owned[id]?.ticket.release();
    await pair.real.clock.advance(0);
    expect(real.pool.snapshot()).toMatchObject({ inUse: 0, queued: 0, utilization: 0 });
    expect(real.clock.pending).toBe(0);
    expect(real.in('waiting').concat(real.in('held'))).toEqual([]);
    const atOnce = real.owned.filter(({ answers }) => answers === 0).map(({ ticket }) => `at once: ${ticket.refusal}`);
    for (const line of [...real.told.map((words) => words.replace(/^\d+ /, '')), ...atOnce]) seen.set(line, (seen.get(line) ?? 0) + 1);
  };
  await fc.assert(fc.asyncProperty(allSettings, steps, fc.boolean(), check), { numRuns, seed });
  const endings = [
    'granted',
    'refused: queue_timeout',
    'refused: closed',
    'refused: aborted',
    'overloaded',
    'relieved',
    'at once: queue_full',
  ];
  if (numRuns >= 1_000) expect(endings.filter((line) => (seen.get(line) ?? 0) < 100)).toEqual([]);
});

/** One slot, used for `useMs` by whoever gets it; a stream of requests that always wait. The low one comes after the first. */
async function waitUnderFlood(given: { readonly ageingMs: number; readonly levels: number; readonly useMs: number; readonly ms: number }) {
  const clock = virtualClock();
  const pool = resourcePool({ capacity: 1, ageingMs: given.ageingMs }, { clock });
  let grantedAt: number | undefined;
  let high = 0;
  const use = (ticket: Ticket): void => void clock.schedule(() => ticket.release(), given.useMs);
  const askHigh = (): void => {
    high++;
    const ticket = pool.acquire({ priority: given.levels, onGranted: use, onRefused: () => {} });
    if (ticket.state === 'held') use(ticket);
  };
  askHigh();
  const low = pool.acquire({
    onGranted: (ticket) => {
      grantedAt = clock.monotonic();
      use(ticket);
    },
    onRefused: () => {},
  });
  expect(low.state).toBe('waiting');
  for (; clock.monotonic() < given.ms; await clock.advance(given.useMs)) askHigh();
  return { grantedAt, high };
}

test('under a flood of higher priority, one waits for no longer than ageing makes up for the difference', { timeout }, async () => {
  const check = async (ageingMs: number, levels: number, useMs: number): Promise<void> => {
    const boundMs = levels * ageingMs + 2 * useMs;
    const { grantedAt, high } = await waitUnderFlood({ ageingMs, levels, useMs, ms: boundMs + 2 * useMs });
    expect(grantedAt).toBeLessThanOrEqual(boundMs);
    expect(high * useMs).toBeGreaterThan(boundMs);
  };
  const arbitraries = [fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 5, max: 20 })] as const;
  await fc.assert(fc.asyncProperty(...arbitraries, check), { numRuns: Math.max(20, Math.ceil(numRuns / 20)), seed });
});

test('without ageing to speak of, the same flood starves it', async () => {
  const { grantedAt, high } = await waitUnderFlood({ ageingMs: 100_000, levels: 5, useMs: 10, ms: 1_000 });
  expect([grantedAt, high]).toEqual([undefined, 101]);
});
