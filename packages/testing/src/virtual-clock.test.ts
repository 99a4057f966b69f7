import { inputs, pipeline, stage } from '@stageflow/core';
import { describe, expect, test, vi } from 'vitest';
import { virtualClock } from './virtual-clock.ts';

describe('virtualClock()', () => {
  test('stands still until it is moved', async () => {
    const clock = virtualClock({ now: 1_000, monotonic: 5 });
    await new Promise((resolve) => setImmediate(resolve));
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 5]);
    await clock.advance(20);
    expect([clock.now(), clock.monotonic()]).toEqual([1_020, 25]);
  });

  test('refuses delays the port does not allow', () => {
    const clock = virtualClock();
    for (const delayMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      expect(() => clock.schedule(() => {}, delayMs)).toThrow(RangeError);
    }
    expect(clock.pending).toBe(0);
    clock.schedule(() => {}, 2 ** 31 - 1);
    expect(clock.pending).toBe(1);
  });
});

describe('advance()', () => {
  test('fires timers by due time, and those due at once in the order they were set, each at its own time', async () => {
    const clock = virtualClock();
    const fired: string[] = [];
    for (const [name, delayMs] of Object.entries({ late: 30, first: 10, second: 10, never: 41 })) {
      clock.schedule(() => fired.push(`${name}@${clock.monotonic()}`), delayMs);
    }
    await clock.advance(40);
    expect(fired).toEqual(['first@10', 'second@10', 'late@30']);
    expect(clock.monotonic()).toBe(40);
    expect(clock.pending).toBe(1);
  });

  test('lets promises come to rest between two timers that are due at once', async () => {
    const clock = virtualClock();
    const order: string[] = [];
    const hops = async (name: string): Promise<void> => {
      for (let hop = 0; hop < 20; hop++) await undefined;
      order.push(name);
    };
    clock.schedule(() => void hops('first'), 5);
    clock.schedule(() => order.push('second'), 5);
    await clock.advance(5);
    expect(order).toEqual(['first', 'second']);
  });

  test('reaches timers that were set by timers and promises on the way', async () => {
    const clock = virtualClock();
    const woke: number[] = [];
    const loop = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) {
        await clock.sleep(10);
        woke.push(clock.monotonic());
      }
    };
    const looping = loop();
    await clock.advance(35);
    expect(woke).toEqual([10, 20, 30]);
    await clock.advance(15);
    expect(woke).toEqual([10, 20, 30, 40, 50]);
    await looping;
  });

  test('forgets a cancelled timer, also when another cancels it at the last moment', async () => {
    const clock = virtualClock();
    const fired = vi.fn();
    const early = clock.schedule(fired, 10);
    const late = clock.schedule(fired, 20);
    clock.schedule(() => late.cancel(), 20 - 1);
    early.cancel();
    early.cancel();
    await clock.advance(100);
    expect(fired).not.toHaveBeenCalled();
    late.cancel();
    expect(clock.pending).toBe(0);
  });

  test('rejects with what a callback throws and can be used again', async () => {
    const clock = virtualClock();
    clock.schedule(() => {
      throw new Error('from the callback');
    }, 1);
    await expect(clock.advance(1)).rejects.toThrow('from the callback');
    await clock.advance(1);
    expect(clock.monotonic()).toBe(2);
  });

  test('refuses a second mover, and a duration that is none', async () => {
    const clock = virtualClock();
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow('advance() was called while advance() moves the clock');
    await first;
    expect(clock.monotonic()).toBe(10);
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    expect(() => clock.block(Number.NaN)).toThrow(RangeError);
  });
});

describe('runAll()', () => {
  test('moves to the last timer', async () => {
    const clock = virtualClock();
    const fired = vi.fn();
    clock.schedule(() => clock.schedule(fired, 1_000), 1_000);
    await clock.runAll();
    expect(fired).toHaveBeenCalledOnce();
    expect(clock.monotonic()).toBe(2_000);
  });

  test('gives up on a timer that sets itself again', async () => {
    const clock = virtualClock();
    const again = (): void => void clock.schedule(again, 1);
    again();
    await expect(clock.runAll({ maxTimers: 50 })).rejects.toThrow('fired 50 timers and 1 are left');
  });
});

describe('jumpWall() and block()', () => {
  test('a jump moves the wall clock alone, and no timer', async () => {
    const clock = virtualClock({ now: 1_000 });
    const fired = vi.fn();
    clock.schedule(fired, 10);
    clock.jumpWall(-600);
    await clock.advance(9);
    expect([clock.now(), clock.monotonic()]).toEqual([409, 9]);
    expect(fired).not.toHaveBeenCalled();
  });

  test('blocked time passes without a timer, which then fires late', async () => {
    const clock = virtualClock();
    const firedAt: number[] = [];
    clock.schedule(() => firedAt.push(clock.monotonic()), 10);
    clock.block(25);
    expect([clock.monotonic(), clock.pending]).toEqual([25, 1]);
    await clock.advance(0);
    expect(firedAt).toEqual([25]);
  });
});

describe('sleep()', () => {
  test('rejects with the reason of the signal and leaves no timer', async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(100, controller.signal);
    controller.abort('enough');
    await expect(sleeping).rejects.toBe('enough');
    await expect(clock.sleep(100, controller.signal)).rejects.toBe('enough');
    expect(clock.pending).toBe(0);
  });

  test('leaves the signal when it is over', async () => {
    const clock = virtualClock();
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    await clock.settle(clock.sleep(100, signal));
    expect(clock.monotonic()).toBe(100);
    expect(removed).toHaveBeenCalledOnce();
  });
});

describe('settle()', () => {
  const { text } = inputs<{ text: string }>();

  test('takes a run with retries to its end on virtual time', async () => {
    const clock = virtualClock();
    let calls = 0;
    const flaky = stage('flaky', {
      needs: { text },
      retry: { attempts: 4, baseMs: 1_000, jitter: 'none', backoff: 'exponential' },
      run: async ({ text }) => {
        await clock.sleep(50);
        if (++calls < 4) throw new Error('not yet');
        return text;
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { flaky } }).run({ text: 'hi' }, { clock }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 4 * 50 + 1_000 + 2_000 + 4_000 });
    expect(clock.pending).toBe(0);
  });

  test('passes on a rejection', async () => {
    await expect(virtualClock().settle(Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  });

  test('does not move time on while a long synchronous run gives the host its turns', async () => {
    const clock = virtualClock();
    // Each stage holds the thread for real, so that the scheduler yields many times on its way.
    const holdMs = 0.02;
    const stages = Array.from({ length: 3_000 }, (_, index) =>
      stage(`s${index}`, {
        run: () => {
          const end = performance.now() + holdMs;
          while (performance.now() < end);
          return index;
        },
      }),
    );
    const wide = pipeline('wide', { outputs: Object.fromEntries(stages.map((each) => [each.name, each])), deadlineMs: 1 });
    const run = await clock.settle(wide.run({}, { clock }));
    expect(run.status).toBe('completed');
    expect(clock.monotonic()).toBe(0);
  });

  test('does not overtake work that takes a turn of the host', async () => {
    const clock = virtualClock();
    const viaHost = stage('viaHost', {
      needs: { text },
      timeoutMs: 10,
      run: async ({ text }) => {
        await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => yieldByMessage(resolve));
        return text;
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { viaHost } }).run({ text: 'hi' }, { clock }));
    expect(run).toMatchObject({ status: 'completed', elapsedMs: 0 });
  });

  test('waits for real work where no timer is pending', async () => {
    const { readFile } = await import('node:fs/promises');
    const content = await virtualClock().settle(readFile(new URL(import.meta.url), 'utf8'));
    expect(content).toContain('waits for real work');
  });

  test('says so when nothing can make the promise settle', async () => {
    const clock = virtualClock();
    const never = new Promise(() => {});
    clock.schedule(() => {}, 70);
    await expect(clock.settle(never, { patienceMs: 0 })).rejects.toThrow('at 70 ms no timer of the virtual clock is pending');
  });

  test('gives up on a timer that sets itself again', async () => {
    const clock = virtualClock();
    const again = (): void => void clock.schedule(again, 1);
    again();
    await expect(clock.settle(new Promise(() => {}), { maxTimers: 20 })).rejects.toThrow('fired 20 timers');
  });

  test('works under the fake timers of the test runner', async () => {
    vi.useFakeTimers();
    try {
      const clock = virtualClock();
      await clock.settle(clock.sleep(10));
      expect(clock.monotonic()).toBe(10);
    } finally {
      vi.useRealTimers();
    }
  });
});

function yieldByMessage(callback: (value: unknown) => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => {
    port1.close();
    callback(undefined);
  });
  port1.start();
  port2.postMessage(undefined);
}
