import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { type Admission, activeRuns } from './active-runs.ts';
import type { ResourceOptions } from './resource-pool.ts';

function door(limits: ResourceOptions) {
  const clock = virtualClock();
  const signals: boolean[] = [];
  const runs = activeRuns(limits, { clock, option: 'limits.runs', onOverload: (overloaded) => void signals.push(overloaded) });
  return { clock, runs, signals };
}

/** How far an admission is, now. */
async function outcomeOf({ outcome }: Admission): Promise<string> {
  return Promise.race([outcome, new Promise<string>((resolve) => void setImmediate(() => resolve('pending')))]);
}

describe('active runs', () => {
  test('are admitted at once while there is room', () => {
    const { runs } = door({ capacity: 2 });
    expect([runs.admit().outcome, runs.admit().outcome]).toEqual(['admitted', 'admitted']);
    expect(runs.admit().outcome).toBeInstanceOf(Promise);
    expect(runs.snapshot()).toMatchObject({ inUse: 2, queued: 1, capacity: 2 });
  });

  test('that wait are admitted in order, as others leave; to leave twice makes no room twice', async () => {
    const { runs } = door({ capacity: 1 });
    const [first, second, third] = [runs.admit(), runs.admit(), runs.admit()] as const;
    first.leave();
    first.leave();
    expect([await outcomeOf(second), await outcomeOf(third)]).toEqual(['admitted', 'pending']);
    second.leave();
    expect([await outcomeOf(second), await outcomeOf(third)]).toEqual(['admitted', 'admitted']);
    third.leave();
    expect(runs.snapshot()).toMatchObject({ inUse: 0, queued: 0 });
  });

  test('of a higher priority go first', async () => {
    const { runs } = door({ capacity: 1 });
    const first = runs.admit();
    const [low, high] = [runs.admit(), runs.admit({ priority: 1 })] as const;
    first.leave();
    expect([await outcomeOf(low), await outcomeOf(high)]).toEqual(['pending', 'admitted']);
  });

  test('of one key take no more places than it may have', async () => {
    const { runs } = door({ capacity: 2, perKey: 1 });
    const first = runs.admit({ key: 'acme' });
    const [second, other] = [runs.admit({ key: 'acme' }), runs.admit({ key: 'globex' })] as const;
    expect([await outcomeOf(second), await outcomeOf(other)]).toEqual(['pending', 'admitted']);
    first.leave();
    expect(await outcomeOf(second)).toBe('admitted');
  });

  test('are refused at once where as many wait as may', () => {
    const { runs } = door({ capacity: 1, queue: { limit: 1 } });
    expect(runs.admit().outcome).toBe('admitted');
    expect(runs.admit().outcome).toBeInstanceOf(Promise);
    const refused = runs.admit();
    expect(refused.outcome).toBe('queue_full');
    refused.leave();
    expect(runs.snapshot()).toMatchObject({ inUse: 1, queued: 1, refused: 1 });
  });

  test('that wait too long are refused', async () => {
    const { clock, runs } = door({ capacity: 1, queue: { timeoutMs: 500 } });
    const first = runs.admit();
    const second = runs.admit();
    await clock.advance(499);
    expect(await outcomeOf(second)).toBe('pending');
    await clock.advance(1);
    expect(await outcomeOf(second)).toBe('queue_timeout');
    first.leave();
    expect(runs.snapshot()).toMatchObject({ inUse: 0, timedOut: 1 });
  });

  test('can leave the queue, or be aborted in it', async () => {
    const { runs } = door({ capacity: 1 });
    runs.admit();
    const controller = new AbortController();
    const [second, third] = [runs.admit(), runs.admit({ signal: controller.signal })] as const;
    second.leave();
    controller.abort();
    expect([await outcomeOf(second), await outcomeOf(third), runs.snapshot().queued]).toEqual(['left', 'aborted', 0]);
  });

  test('are refused once the door is closed', async () => {
    const { runs } = door({ capacity: 1 });
    const first = runs.admit();
    const second = runs.admit();
    runs.close();
    expect([first.outcome, await outcomeOf(second), runs.admit().outcome]).toEqual(['admitted', 'closed', 'closed']);
  });

  test('signal overload by how many wait to begin', async () => {
    const { clock, runs, signals } = door({ capacity: 1, queue: { limit: 2 }, overload: { atQueue: 2 } });
    runs.admit();
    const waiting = [runs.admit(), runs.admit()];
    await clock.advance(0);
    expect(signals).toEqual([true]);
    waiting[0]?.leave();
    await clock.advance(0);
    expect(signals).toEqual([true, false]);
  });

  test.each([
    ['limits.runs.capacity', {}],
    ['limits.runs.capacity', { capacity: 0 }],
    ['limits.runs.queue.limit', { capacity: 1, queue: { limit: -1 } }],
    ['limits.runs.queue.timeoutMs', { capacity: 1, queue: { timeoutMs: 0 } }],
    ['limits.runs.overload.atQueue', { capacity: 1, queue: { limit: 1 }, overload: { atQueue: 2 } }],
  ])('cannot have such a "%s": %o', (option, limits) => {
    expect(() => door(limits as ResourceOptions)).toThrow(
      expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option }) }),
    );
  });
});
