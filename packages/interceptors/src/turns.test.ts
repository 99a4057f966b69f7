import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

const { signal } = new AbortController();

/** Something that is done when it is told to be. */
function task(name: string, order: string[]) {
  let finish: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const act = (): Promise<void> => {
    order.push(name);
    return done;
  };
  return { act, finish };
}

const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

test('each has its turn when the one before has ended, and a key is waited for until the last has', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const tasks = ['a', 'b', 'c'].map((name) => task(name, order));
  expect(turns.isWaitedFor('k')).toBe(false);
  const taken = tasks.map(({ act }) => turns.take('k', signal, act));
  for (const [at, { finish }] of tasks.entries()) {
    await rest();
    expect([order.length, turns.isWaitedFor('k'), turns.isWaitedFor('other')]).toEqual([at + 1, true, false]);
    finish();
  }
  await Promise.all(taken);
  await rest();
  expect([order, turns.isWaitedFor('k')]).toEqual([['a', 'b', 'c'], false]);
});

test('keys do not wait for each other', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const [a, b] = [task('a', order), task('b', order)];
  const both = [turns.take('one', signal, a.act), turns.take('other', signal, b.act)];
  await rest();
  expect(order).toEqual(['a', 'b']);
  a.finish();
  b.finish();
  await Promise.all(both);
});

test('whoever gives up has no turn, and those behind still wait for those before', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const [a, b, c] = [task('a', order), task('b', order), task('c', order)];
  const controller = new AbortController();
  const first = turns.take('k', signal, a.act);
  const second = turns.take('k', controller.signal, b.act);
  const third = turns.take('k', signal, c.act);
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  await rest();
  expect(order).toEqual(['a']);
  a.finish();
  await rest();
  expect(order).toEqual(['a', 'c']);
  c.finish();
  await Promise.all([first, third]);
});

test('whoever gives up in the very moment of its turn has none', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const controller = new AbortController();
  const first = turns.take('k', signal, async () => {
    order.push('a');
    await rest();
    // After the end of this turn, before the begin of the next.
    queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => controller.abort(new Error('enough'))))));
  });
  const second = turns.take('k', controller.signal, task('b', order).act);
  await first;
  await expect(second).rejects.toThrow('enough');
  expect(order).toEqual(['a']);
});

test('what fails in its turn fails for itself, and the next has its own', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const failing = turns.take('k', signal, () => Promise.reject(new Error('no connection')));
  const b = task('b', order);
  const second = turns.take('k', signal, b.act);
  await expect(failing).rejects.toThrow('no connection');
  b.finish();
  await second;
  expect(order).toEqual(['b']);
});
