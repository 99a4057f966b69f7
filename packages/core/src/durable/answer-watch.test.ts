import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { anything } from '../../test/any-schema.ts';
import { suspend } from '../control.ts';
import { pipeline } from '../pipeline.ts';
import type { AnsweredWait, RunStore } from '../ports/run-store.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { AnswerWatch } from './answer-watch.ts';
import { memoryRunStore } from './memory-run-store.ts';

/** Runtimes that share a store which tells of answers, as far as the test has it tell. */
function watched({ failures = 0 }: { readonly failures?: number } = {}) {
  const clock = virtualClock();
  const inner = memoryRunStore();
  const watchers = new Set<(answered: AnsweredWait) => void>();
  const seen = { asked: 0, stopped: 0 };
  const store: RunStore = Object.assign(inner, {
    watch: async (onAnswer: (answered: AnsweredWait) => void) => {
      if (++seen.asked <= failures) throw new Error('no connection');
      watchers.add(onAnswer);
      return async () => {
        seen.stopped++;
        watchers.delete(onAnswer);
      };
    },
  });
  const asks = stage('asks', { run: (_, { answer }) => answer(anything) ?? suspend('?') });
  const slow = stage('slow', { run: () => clock.sleep(1_000) });
  const busy = pipeline('busy', { outputs: { asks, slow } });
  const idle = pipeline('idle', { outputs: { asks } });
  const tell = (answered: AnsweredWait): void => {
    for (const watcher of watchers) watcher(answered);
  };
  const process = (more: object = {}) => createRuntime({ pipelines: [busy, idle], store, clock, ...more });
  return { clock, seen, busy, idle, tell, process, watchers };
}

describe('a store that tells of answers', () => {
  test.each([
    ['says which run it was', { runId: 'r', waitId: 'r/asks#answer' }],
    ['does not say', { runId: '', waitId: '' }],
  ])('and %s lets a run of this process go on at once', async (_, answered) => {
    const { clock, busy, tell, process } = watched();
    const handle = process().start(busy, {}, { runId: 'r' });
    await clock.advance(10);
    await process().decide('r/asks#answer', 'yes');
    await clock.advance(10);
    const statusBefore = await snapshot(handle);
    tell(answered);
    await clock.advance(10);
    expect([statusBefore, await snapshot(handle)]).toEqual(['running', 'completed']);
    expect((await clock.settle(handle.result)).status).toBe('completed');
  });

  test('of one run, leaves the others alone', async () => {
    const { clock, busy, tell, process } = watched();
    const host = process();
    const [first, second] = [host.start(busy, {}, { runId: 'r' }), host.start(busy, {}, { runId: 's' })];
    await clock.advance(10);
    for (const runId of ['r', 's']) await process().decide(`${runId}/asks#answer`, 'yes');
    tell({ runId: 'r', waitId: 'r/asks#answer' });
    await clock.advance(10);
    expect([await snapshot(first), await snapshot(second)]).toEqual(['completed', 'running']);
    await clock.settle(Promise.all([first.result, second.result]));
  });

  test('has a runtime look for runs that rest without waiting for its time', async () => {
    const { clock, idle, tell, process } = watched();
    await clock.settle(process().run(idle, {}, { runId: 'r' }));
    const host = process({ recovery: { everyMs: 1_000_000 } });
    await process().decide('r/asks#answer', 'yes');
    await clock.advance(10);
    tell({ runId: 'r', waitId: 'r/asks#answer' });
    tell({ runId: 'r', waitId: 'r/asks#answer' });
    await clock.advance(10);
    await expect(host.resume('r')).rejects.toMatchObject({ details: { why: 'it has ended as completed' } });
    await clock.settle(host.close());
    tell({ runId: 'r', waitId: 'r/asks#answer' });
  });

  test('is not watched any more once the runtime is closed', async () => {
    const { clock, seen, process, watchers } = watched();
    const host = process();
    await clock.advance(1);
    expect(watchers.size).toBe(1);
    await clock.settle(host.close());
    expect([watchers.size, seen.stopped]).toEqual([0, 1]);
  });

  test('is asked again where it could not be watched', async () => {
    const { clock, seen, process, watchers } = watched({ failures: 2 });
    const host = process({ leaseMs: 300 });
    await clock.advance(250);
    expect([seen.asked, watchers.size]).toEqual([3, 1]);
    await clock.settle(host.close());
    expect(watchers.size).toBe(0);
    const never = watched({ failures: 9 });
    const closing = never.process({ leaseMs: 300 });
    await never.clock.advance(150);
    await never.clock.settle(closing.close());
    await never.clock.advance(1_000);
    expect(never.seen.asked).toBe(2);
  });
});

test('a store that tells too late, or cannot be left in peace, changes nothing', async () => {
  const clock = virtualClock();
  let told = 0;
  let tell: (() => void) | undefined;
  const watch = async (onAnswer: (answered: AnsweredWait) => void): Promise<() => Promise<void>> => {
    tell = () => onAnswer({ runId: '', waitId: '' });
    return () => Promise.reject(new Error('the connection is gone'));
  };
  const watching = new AnswerWatch(watch, clock, 10, () => told++);
  await clock.advance(1);
  tell?.();
  await watching.stop();
  tell?.();
  expect(told).toBe(1);
  let asked = 0;
  let refuse = (): void => {};
  const hanging = new AnswerWatch(
    () => {
      asked++;
      return new Promise((_, reject) => {
        refuse = () => reject(new Error('no connection'));
      });
    },
    clock,
    10,
    () => told++,
  );
  const stopped = hanging.stop();
  refuse();
  await stopped;
  await clock.advance(100);
  expect(asked).toBe(1);
});

/** How the stage that asks is now. */
async function snapshot(handle: { events(): AsyncIterableIterator<{ readonly type: string }> }): Promise<unknown> {
  const { value } = await handle.events().next();
  return (value as { readonly statuses: Readonly<Record<string, string>> }).statuses['asks'];
}
