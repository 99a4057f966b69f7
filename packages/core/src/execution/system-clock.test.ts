import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from './system-clock.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: 1_000 }));
afterEach(() => void vi.useRealTimers());

/** Schedules by name, and says what was called. */
function recording() {
  const clock = systemClock();
  const called: string[] = [];
  return {
    clock,
    called,
    schedule: (name: string, delayMs: number, act = () => {}) =>
      clock.schedule(() => {
        called.push(name);
        act();
      }, delayMs),
  };
}

describe('the clock of the host', () => {
  test('reads the wall clock, and a monotonic one that it cannot be mistaken for', () => {
    const clock = systemClock();
    const before = clock.monotonic();
    expect(clock.now()).toBe(1_000);
    vi.advanceTimersByTime(25);
    vi.setSystemTime(5);
    expect([clock.now(), clock.monotonic() - before]).toEqual([5, 25]);
  });

  test('calls once, not before the delay, in the order things are due', () => {
    const { called, schedule } = recording();
    schedule('late', 20);
    schedule('early', 10);
    schedule('as early', 10);
    expect(called).toEqual([]);
    vi.advanceTimersByTime(9);
    expect(called).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(['early', 'as early']);
    vi.advanceTimersByTime(100);
    expect(called).toEqual(['early', 'as early', 'late']);
  });

  test('gives timers of one duration, set one after another, each their own time', () => {
    const { called, schedule } = recording();
    schedule('first', 10);
    vi.advanceTimersByTime(4);
    schedule('second', 10);
    vi.advanceTimersByTime(6);
    expect(called).toEqual(['first']);
    vi.advanceTimersByTime(3);
    expect(called).toEqual(['first']);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(['first', 'second']);
  });

  test.each([
    ['the first', 0],
    ['one in the middle', 1],
    ['the last', 2],
  ])('forgets %s of three when it is cancelled, and only that one', (_, which) => {
    const { called, schedule } = recording();
    const names = ['a', 'b', 'c'];
    const timers = names.map((name) => schedule(name, 10));
    timers[which]?.cancel();
    timers[which]?.cancel();
    vi.advanceTimersByTime(50);
    expect(called).toEqual(names.filter((_name, at) => at !== which));
  });

  test('leaves nothing with the platform once all are called or cancelled', () => {
    const { schedule } = recording();
    const timers = [schedule('a', 10), schedule('b', 10), schedule('c', 20)];
    expect(vi.getTimerCount()).toBe(2);
    for (const timer of timers) timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    schedule('d', 10);
    vi.advanceTimersByTime(10);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('takes it that a cancelled or called timer is cancelled again', () => {
    const { called, schedule } = recording();
    const timer = schedule('a', 10);
    vi.advanceTimersByTime(10);
    timer.cancel();
    schedule('b', 10);
    timer.cancel();
    vi.advanceTimersByTime(10);
    expect(called).toEqual(['a', 'b']);
  });

  test('keeps a timer that is set after another was cancelled twice', () => {
    const { called, schedule } = recording();
    schedule('a', 10);
    const [second, third] = [schedule('b', 10), schedule('c', 10)];
    third.cancel();
    second.cancel();
    third.cancel();
    schedule('d', 10);
    vi.advanceTimersByTime(10);
    expect(called).toEqual(['a', 'd']);
  });

  test('wakes the host when the next timer is due, and not before', () => {
    const { called, schedule } = recording();
    const woken = vi.spyOn(globalThis, 'setTimeout');
    schedule('first', 100);
    vi.advanceTimersByTime(40);
    schedule('second', 100);
    vi.advanceTimersByTime(100);
    expect(called).toEqual(['first', 'second']);
    expect(woken.mock.calls.map(([, delayMs]) => delayMs)).toEqual([100, 40]);
    woken.mockRestore();
  });

  test('lets a callback set and cancel timers of the same duration', () => {
    const { called, schedule } = recording();
    let second: { cancel(): void } | undefined;
    schedule('first', 10, () => {
      second?.cancel();
      schedule('third', 10);
    });
    second = schedule('second', 10);
    vi.advanceTimersByTime(10);
    expect(called).toEqual(['first']);
    vi.advanceTimersByTime(10);
    expect(called).toEqual(['first', 'third']);
  });

  test('goes on with the others where one throws', () => {
    const { called, schedule } = recording();
    schedule('first', 10, () => {
      throw new Error('no');
    });
    schedule('second', 10);
    expect(() => vi.advanceTimersByTime(10)).toThrow('no');
    vi.advanceTimersByTime(50);
    expect(called).toEqual(['first', 'second']);
  });

  test('never calls from within schedule(), a delay of zero included', () => {
    const { called, schedule } = recording();
    schedule('soon', 0);
    expect(called).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(['soon']);
  });
});
