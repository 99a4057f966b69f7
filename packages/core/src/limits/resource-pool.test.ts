import { virtualClock } from '@stageflow/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ResourceOptions, resourcePool } from './resource-pool.ts';
import type { SlotRequest, Ticket } from './ticket.ts';

afterEach(() => void vi.unstubAllGlobals());

/** A pool, and what its owners were told, by name. */
function pooled(options: ResourceOptions) {
  const clock = virtualClock();
  const told: string[] = [];
  const pool = resourcePool(options, { clock, onOverload: (overloaded) => void told.push(overloaded ? 'overloaded' : 'relieved') });
  const ask = (name: string, request: Partial<SlotRequest> = {}): Ticket =>
    pool.acquire({
      onGranted: () => void told.push(name),
      onRefused: (refusal) => void told.push(`${name}: ${refusal}`),
      ...request,
    });
  /** What was told since the last look. */
  const news = async (): Promise<string[]> => {
    await clock.advance(0);
    return told.splice(0);
  };
  return { clock, pool, ask, news };
}

describe('a slot', () => {
  test('is had at once while there are some, and nobody is told', async () => {
    const { pool, ask, news } = pooled({ capacity: 2 });
    expect([ask('a').state, ask('b').state, ask('c').state]).toEqual(['held', 'held', 'waiting']);
    expect(await news()).toEqual([]);
    expect(pool.snapshot()).toMatchObject({ inUse: 2, queued: 1 });
  });

  test('goes to the next when it is given back, a microtask later', async () => {
    const { ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    const told = vi.fn();
    const next = ask('next', { onGranted: told });
    first.release();
    expect(told).not.toHaveBeenCalled();
    expect(next.state).toBe('waiting');
    expect(ask('late').state).toBe('waiting');
    await news();
    expect(told.mock.calls).toEqual([[next]]);
    expect([first.state, next.state]).toEqual(['ended', 'held']);
    // A slot may be held for long, and then holds on to nothing of its wait.
    expect(next).toMatchObject({ request: undefined, waiter: undefined });
  });

  test('is given back once, however often one says so', async () => {
    const { pool, ask, news } = pooled({ capacity: 2 });
    const first = ask('first');
    ask('second');
    for (const name of ['third', 'fourth']) ask(name);
    for (let times = 0; times < 3; times++) first.release();
    expect(await news()).toEqual(['third']);
    expect(pool.snapshot()).toMatchObject({ inUse: 2, queued: 1 });
  });

  test('is not given back by cancel()', async () => {
    const { ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    ask('next');
    first.cancel();
    expect([first.state, await news()]).toEqual(['held', []]);
    first.release();
    expect(await news()).toEqual(['next']);
  });

  test('can be asked for by an object that is its own request', async () => {
    const { pool, ask, news } = pooled({ capacity: 1 });
    const owner = {
      ticket: undefined as Ticket | undefined,
      onGranted(ticket: Ticket) {
        this.ticket = ticket;
      },
      onRefused() {},
    };
    const first = ask('first');
    const ticket = pool.acquire(owner);
    first.release();
    await news();
    expect(owner.ticket).toBe(ticket);
  });
});

describe('who waits', () => {
  /** Whom the one slot goes to, one after another. */
  async function served(options: Partial<ResourceOptions>, arrivals: readonly (readonly [name: string, priority: number, at: number])[]) {
    const { clock, ask, news } = pooled({ capacity: 1, ...options });
    const first = ask('first');
    const serve = { onGranted: (ticket: Ticket) => ticket.release() };
    const order: string[] = [];
    for (const [name, priority, at] of arrivals) {
      await clock.advance(at - clock.monotonic());
      ask(name, {
        priority,
        onGranted: (ticket) => {
          order.push(name);
          serve.onGranted(ticket);
        },
      });
    }
    first.release();
    await news();
    return order;
  }

  test('is served in the order of arrival', async () => {
    const arrivals = ['a', 'b', 'c', 'd', 'e'].map((name) => [name, 0, 0] as const);
    expect(await served({}, arrivals)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('is served by priority first', async () => {
    expect(await served({}, [['low', -1, 0], ['none', 0, 0], ['high', 5, 0], ['as high', 5, 0]])).toEqual(['high', 'as high', 'none', 'low']); // biome-ignore format: a table
  });

  test.each([
    ['sooner, the higher goes first', 1_999, ['high', 'low']],
    ['by as much as makes up for it, the first does', 2_000, ['low', 'high']],
  ])('ages: of two levels apart that come two spans apart or %s', async (_, at, expected) => {
    expect(await served({}, [['low', 0, 0], ['high', 2, at]])).toEqual(expected); // biome-ignore format: a table
  });

  test('ages as fast as asked for', async () => {
    expect(await served({ ageingMs: 10 }, [['low', 0, 0], ['high', 2, 20]])).toEqual(['low', 'high']); // biome-ignore format: a table
    expect(await served({ ageingMs: 11 }, [['low', 0, 0], ['high', 2, 20]])).toEqual(['high', 'low']); // biome-ignore format: a table
  });

  test('and cancels is never granted, not even where the slot is on its way', async () => {
    const { ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    const [second, third, fourth] = ['second', 'third', 'fourth'].map((name) => ask(name)) as [Ticket, Ticket, Ticket];
    third.cancel();
    first.release();
    second.cancel();
    expect([second.state, third.state, fourth.state]).toEqual(['ended', 'ended', 'waiting']);
    expect(await news()).toEqual(['fourth']);
  });

  test('may leave by release(), too', async () => {
    const { pool, ask, news } = pooled({ capacity: 1 });
    ask('first');
    ask('second').release();
    expect([await news(), pool.snapshot().queued]).toEqual([[], 0]);
  });

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [1_000_001], ['high' as unknown as number]])(
    'cannot have a priority of %s',
    (priority) => {
      const { pool, ask } = pooled({ capacity: 2 });
      expect(() => ask('it', { priority })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
      expect(pool.snapshot().inUse).toBe(0);
      expect(ask('control', { priority: -1_000_000 }).state).toBe('held');
    },
  );

  test('ten thousand are served in order, after every other has left', async () => {
    const { pool, ask, clock } = pooled({ capacity: 1, perKey: 1, queue: { timeoutMs: 1_000 } });
    const first = ask('first');
    const order: number[] = [];
    const tickets = Array.from({ length: 10_000 }, (_, at) =>
      ask(`${at}`, {
        key: `${at % 7}`,
        onGranted: (ticket) => {
          order.push(at);
          ticket.release();
        },
      }),
    );
    expect(clock.pending).toBe(1);
    for (const ticket of tickets.filter((_, at) => at % 2 === 0)) ticket.cancel();
    expect(pool.snapshot().queued).toBe(5_000);
    first.release();
    await clock.advance(0);
    expect(order).toEqual(Array.from({ length: 5_000 }, (_, at) => 2 * at + 1));
    expect(clock.pending).toBe(0);
  });
});

describe('keys', () => {
  test('have their share at most, and one that is full keeps no other waiting', async () => {
    const { ask, news } = pooled({ capacity: 3, perKey: 1 });
    const first = ask('a1', { key: 'a' });
    expect([ask('a2', { key: 'a', priority: 9 }).state, ask('b1', { key: 'b' }).state]).toEqual(['waiting', 'held']);
    first.release();
    expect(await news()).toEqual(['a2']);
  });

  test('are passed over in the queue while they are full', async () => {
    const { ask, news } = pooled({ capacity: 2, perKey: 1 });
    ask('a1', { key: 'a' });
    const other = ask('b1', { key: 'b' });
    ask('a2', { key: 'a', priority: 9 });
    ask('c1', { key: 'c' });
    ask('b2', { key: 'b', priority: 1 });
    other.release();
    expect(await news()).toEqual(['b2']);
  });

  // The smallest case that the properties have found: a key that only waits, whose waits end as it asks again.
  test('keep count across the end of all their waits', async () => {
    const { clock, ask, news } = pooled({ capacity: 2, perKey: 1, queue: { timeoutMs: 100 } });
    const others = [ask('b', { key: 'b' }), ask('c', { key: 'c' })];
    ask('a1', { key: 'a' });
    clock.block(100);
    ask('a2', { key: 'a' });
    expect(ask('a3', { key: 'a' }).state).toBe('waiting');
    for (const ticket of others) ticket.release();
    expect(await news()).toEqual(['a1: queue_timeout', 'a2']);
    expect(ask('a4', { key: 'a' }).state).toBe('waiting');
  });

  test.each([
    ['used and given back', (ask: (key: string) => Ticket) => ask('a').release()],
    ['refused', (ask: (key: string) => Ticket) => ask('full').cancel()],
    ['waited for in vain', (ask: (key: string) => Ticket) => ask('waits').cancel()],
  ])('are forgotten when they are neither used nor waited for: %s', (_, use) => {
    const kept = vi.spyOn(Map.prototype, 'set');
    const { ask } = pooled({ capacity: 2, perKey: 2, queue: { limit: 1 } });
    const first = ask('first', { key: 'first' });
    const lanes = kept.mock.contexts[0] as Map<unknown, unknown>;
    const second = ask('second', { key: 'first' });
    use((key) => {
      if (key === 'a') second.release();
      if (key === 'full') ask('fills the queue', { key: 'first' });
      return ask(key, { key });
    });
    kept.mockRestore();
    expect([...lanes.keys()]).toEqual(['first']);
    expect(first.state).toBe('held');
  });

  test('without a limit of their own are all the same', () => {
    const { ask } = pooled({ capacity: 2 });
    expect([ask('a1', { key: 'a' }).state, ask('a2', { key: 'a' }).state, ask('b', { key: 'b' }).state]).toEqual([
      'held',
      'held',
      'waiting',
    ]);
  });

  test('left out are a key, too', () => {
    const { ask } = pooled({ capacity: 3, perKey: 1 });
    expect([ask('it').state, ask('again').state, ask('a', { key: '' }).state]).toEqual(['held', 'waiting', 'held']);
  });
});

describe('the queue', () => {
  test('refuses at once who comes when it is full', async () => {
    const { pool, ask, news } = pooled({ capacity: 1, queue: { limit: 1 } });
    ask('first');
    const second = ask('second');
    const third = ask('third');
    expect([second.state, third.state, third.refusal]).toEqual(['waiting', 'refused', 'queue_full']);
    third.release();
    expect(third.state).toBe('refused');
    second.cancel();
    expect(ask('fourth').state).toBe('waiting');
    expect([await news(), pool.snapshot().refused]).toEqual([[], 1]);
  });

  test('of length 0 lets nobody wait, and remembers no key for it', () => {
    const { ask } = pooled({ capacity: 1, perKey: 1, queue: { limit: 0 } });
    const first = ask('first', { key: 'a' });
    expect(ask('second', { key: 'b' }).refusal).toBe('queue_full');
    first.release();
    expect(ask('third', { key: 'b' }).state).toBe('held');
  });

  test('refuses who has waited too long, each at its own time, by one timer', async () => {
    const { clock, pool, ask, news } = pooled({ capacity: 1, queue: { timeoutMs: 100 } });
    ask('first');
    const second = ask('second');
    await clock.advance(40);
    ask('third');
    expect(clock.pending).toBe(1);
    await clock.advance(59);
    expect(await news()).toEqual([]);
    await clock.advance(1);
    expect([await news(), second.state, second.refusal]).toEqual([['second: queue_timeout'], 'refused', 'queue_timeout']);
    expect(clock.pending).toBe(1);
    await clock.advance(40);
    expect([await news(), clock.pending, pool.snapshot().timedOut]).toEqual([['third: queue_timeout'], 0, 2]);
  });

  test('goes by the clock where a timer is late: neither a slot nor a place is kept for who has waited too long', async () => {
    const { clock, ask, news } = pooled({ capacity: 1, queue: { limit: 1, timeoutMs: 100 } });
    const first = ask('first');
    ask('second');
    clock.block(100);
    ask('third');
    first.release();
    expect(await news()).toEqual(['second: queue_timeout', 'third']);
  });

  test('tells nobody of a refusal who has left in the meantime', async () => {
    const { clock, pool, ask, news } = pooled({ capacity: 1, queue: { timeoutMs: 100 } });
    ask('first');
    const second = ask('second');
    clock.block(100);
    expect(pool.snapshot()).toMatchObject({ queued: 0, timedOut: 1 });
    second.cancel();
    expect([await news(), second.state]).toEqual([[], 'refused']);
  });

  test('may last as long as a timer can, at whatever fraction of a millisecond it begins', async () => {
    const longestMs = 2_147_483_647;
    // What is added to this is more when it is taken away again.
    const monotonic = 1.3;
    expect(monotonic + longestMs - monotonic).toBeGreaterThan(longestMs);
    const clock = virtualClock({ monotonic });
    const pool = resourcePool({ capacity: 1, queue: { timeoutMs: longestMs } }, { clock });
    pool.acquire({ onGranted() {}, onRefused() {} });
    const onRefused = vi.fn();
    pool.acquire({ onGranted() {}, onRefused });
    await clock.runAll();
    expect(onRefused).toHaveBeenCalledOnce();
  });

  test('sets no timer where waits have no limit, and keeps none when nobody waits', async () => {
    const endless = pooled({ capacity: 1 });
    endless.ask('first');
    endless.ask('second');
    expect(endless.clock.pending).toBe(0);
    const limited = pooled({ capacity: 1, queue: { timeoutMs: 100 } });
    const first = limited.ask('first');
    expect(limited.clock.pending).toBe(0);
    limited.ask('second');
    expect(limited.clock.pending).toBe(1);
    first.release();
    expect(limited.clock.pending).toBe(0);
    expect(await limited.news()).toEqual(['second']);
  });
});

describe('a signal', () => {
  test('ends the wait of its request', async () => {
    const { ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    const controller = new AbortController();
    const second = ask('second', { signal: controller.signal });
    ask('third');
    controller.abort();
    first.release();
    expect([await news(), second.refusal]).toEqual([['second: aborted', 'third'], 'aborted']);
  });

  test('that aborts while the slot is on its way sends it on', async () => {
    const { ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    const controller = new AbortController();
    ask('second', { signal: controller.signal });
    ask('third');
    first.release();
    controller.abort();
    expect(await news()).toEqual(['second: aborted', 'third']);
  });

  test('that has aborted is refused, and counts as no refusal of the pool', () => {
    const { pool, ask } = pooled({ capacity: 1 });
    const ticket = ask('it', { signal: AbortSignal.abort() });
    expect([ticket.state, ticket.refusal]).toEqual(['refused', 'aborted']);
    expect(pool.snapshot()).toMatchObject({ inUse: 0, refused: 0 });
  });

  test.each([
    ['granted', (_: Ticket, first: Ticket) => first.release()],
    ['cancelled', (second: Ticket) => second.cancel()],
  ])('is let go of when the wait has ended: %s', async (_, end) => {
    const { ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const second = ask('second', { signal });
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 0]);
    end(second, first);
    await news();
    expect(removed.mock.calls.at(-1)).toEqual(added.mock.calls[0]);
  });
});

describe('overload', () => {
  test('is signalled when it begins and when it ends, from a microtask', async () => {
    const { pool, ask, news } = pooled({ capacity: 10, overload: { atUtilization: 0.8 } });
    const tickets = Array.from({ length: 7 }, () => ask('it'));
    expect(await news()).toEqual([]);
    tickets.push(ask('it'), ask('it'));
    expect(pool.snapshot()).toMatchObject({ inUse: 9, utilization: 0.9, overloaded: true });
    expect(await news()).toEqual(['overloaded']);
    for (const ticket of tickets.splice(0, 2)) ticket.release();
    expect(await news()).toEqual([]);
    tickets.shift()?.release();
    expect([await news(), pool.snapshot().overloaded]).toEqual([['relieved'], false]);
  });

  test('that has passed before anybody could be told is not told', async () => {
    const { ask, news } = pooled({ capacity: 1, overload: { atUtilization: 1 } });
    ask('it').release();
    expect(await news()).toEqual([]);
    ask('it');
    expect(await news()).toEqual(['overloaded']);
  });

  test('by waiting is seen while nothing moves, and ends with the wait', async () => {
    const { clock, ask, news } = pooled({ capacity: 1, queue: { timeoutMs: 100 }, overload: { atWaitMs: 50 } });
    ask('first');
    ask('second');
    await clock.advance(49);
    expect(await news()).toEqual([]);
    await clock.advance(1);
    expect(await news()).toEqual(['overloaded']);
    await clock.advance(50);
    expect(await news()).toEqual(['second: queue_timeout', 'relieved']);
    expect(clock.pending).toBe(0);
  });

  test('by waiting is looked for again once it has ended, also where the next is due sooner than the timer', async () => {
    const { clock, ask, news } = pooled({ capacity: 1, queue: { timeoutMs: 1_000 }, overload: { atWaitMs: 50 } });
    const first = ask('first');
    ask('second');
    await clock.advance(50);
    ask('third');
    first.release();
    expect(await news()).toEqual(['overloaded', 'second', 'relieved']);
    await clock.advance(49);
    expect(await news()).toEqual([]);
    await clock.advance(1);
    expect(await news()).toEqual(['overloaded']);
  });

  test('needs nobody to listen', async () => {
    const clock = virtualClock();
    const pool = resourcePool({ capacity: 1, overload: { atUtilization: 1 } }, { clock });
    pool.acquire({ onGranted() {}, onRefused() {} });
    await clock.advance(0);
    expect(pool.snapshot().overloaded).toBe(true);
  });
});

describe('a closed pool', () => {
  test('refuses those that wait and those that come; slots in use stay until they are given back', async () => {
    const { pool, ask, news, clock } = pooled({ capacity: 1, queue: { timeoutMs: 100 } });
    const first = ask('first');
    ask('second');
    ask('third', { priority: 1 });
    pool.close();
    pool.close();
    expect(ask('fourth').refusal).toBe('closed');
    expect(await news()).toEqual(['second: closed', 'third: closed']);
    expect([first.state, clock.pending]).toEqual(['held', 0]);
    expect(pool.snapshot()).toMatchObject({ inUse: 1, queued: 0, refused: 3 });
    first.release();
    expect(pool.snapshot().inUse).toBe(0);
  });

  test('keeps its word to whom a slot is on its way', async () => {
    const { pool, ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    ask('second');
    first.release();
    pool.close();
    expect(await news()).toEqual(['second']);
  });
});

describe('a callback', () => {
  /** What reaches the host as an error of its own. */
  function thrownToHost(): unknown[] {
    const thrown: unknown[] = [];
    vi.stubGlobal('queueMicrotask', (act: () => void) => {
      try {
        act();
      } catch (error) {
        thrown.push(error);
      }
    });
    return thrown;
  }

  test.each([
    ['granted', 'onGranted'],
    ['refused', 'onRefused'],
  ] as const)('that throws when it is %s is seen by the host, and harms nobody else', async (_, name) => {
    const thrown = thrownToHost();
    const { clock, ask, news } = pooled({ capacity: 2, queue: { timeoutMs: 100 } });
    const held = [ask('first'), ask('second')];
    const error = new Error('the callback threw');
    const bad = ask('bad', {
      [name]: () => {
        throw error;
      },
    });
    ask('good');
    if (name === 'onGranted') for (const ticket of held) ticket.release();
    else await clock.advance(100);
    expect(await news()).toEqual([name === 'onGranted' ? 'good' : 'good: queue_timeout']);
    expect(thrown).toEqual([error]);
    // Its owner has the ticket, and with it the slot.
    expect(bad.state).toBe(name === 'onGranted' ? 'held' : 'refused');
  });

  test('of the host may throw as well', async () => {
    const thrown = thrownToHost();
    const clock = virtualClock();
    const error = new Error('the host threw');
    const onOverload = vi.fn(() => {
      throw error;
    });
    const pool = resourcePool({ capacity: 1, overload: { atUtilization: 1 } }, { clock, onOverload });
    const ticket = pool.acquire({ onGranted() {}, onRefused() {} });
    await clock.advance(0);
    ticket.release();
    await clock.advance(0);
    expect([onOverload.mock.calls, thrown]).toEqual([
      [[true], [false]],
      [error, error],
    ]);
  });

  test('may give back and ask again: each waiter has its turn in a loop, not in a deeper call', async () => {
    const { ask, news } = pooled({ capacity: 1 });
    const first = ask('first');
    let served = 0;
    for (let at = 0; at < 20_000; at++) {
      ask('', {
        onGranted: (ticket) => {
          served++;
          ticket.release();
        },
      });
    }
    first.release();
    await news();
    expect(served).toBe(20_000);
  });
});

describe('the snapshot', () => {
  test('tells the use, the queue and the waits', async () => {
    const { clock, pool, ask } = pooled({ capacity: 4 });
    expect(pool.snapshot()).toEqual({
      inUse: 0,
      queued: 0,
      capacity: 4,
      utilization: 0,
      refused: 0,
      timedOut: 0,
      waitMs: { p50: 0, p95: 0 },
      overloaded: false,
    });
    const tickets = [1, 2, 3, 4].map(() => ask('it'));
    ask('waits');
    await clock.advance(30);
    tickets[0]?.release();
    tickets[1]?.release();
    expect(pool.snapshot()).toMatchObject({ inUse: 3, utilization: 0.75, queued: 0, waitMs: { p50: 0, p95: 30 } });
  });
});
