import { inputs, pipeline, stage, suspend } from '@stageflow/core';
import { type DrivenRun, type Driver, driveRun, runStep, type StepOutcome, type StepRequest } from '@stageflow/core/driver';
import { describe, expect, test } from 'vitest';
import { replayingDriver } from './replaying-driver.ts';
import { virtualClock } from './virtual-clock.ts';

const { text } = inputs<{ text: string }>();
const first = stage('first', { needs: { text }, run: ({ text }) => text.length });
const second = stage('second', { needs: { first }, run: ({ first }) => first + 1 });
const chat = pipeline('chat', { outputs: { second } });
const asks = pipeline('asks', { outputs: { it: stage('it', { run: () => suspend('may I?') }) } });

function onChat(plan: typeof chat.plan = chat.plan) {
  const clock = virtualClock();
  const driver = replayingDriver({ clock, runStep: (request, signal) => runStep(plan, request, { signal, clock }) });
  const start = (port: Driver): DrivenRun => driveRun(plan, { text: 'hi' }, port, { runId: 'run-1' });
  return { clock, driver, start };
}

const done: StepOutcome = { status: 'completed', output: '1', endedAt: 0, activeMs: 0, unsettled: false };
const stepOf = (key: string): StepRequest => ({ key }) as StepRequest;

/** A walk written by hand, that never ends. */
const byHand =
  (begin: (port: Driver) => void) =>
  (port: Driver): DrivenRun => {
    begin(port);
    return { run: undefined, cancel: () => {} };
  };

describe('replayingDriver()', () => {
  test('goes on where a killed walk was, and starts nothing again', async () => {
    const { clock, driver, start } = onChat();
    expect(await clock.settle(driver.walk(start, { killAfter: 1 }))).toBeUndefined();
    expect(driver.ends).toEqual(['first#1']);
    expect(await clock.settle(driver.walk(start))).toMatchObject({ status: 'completed', outputs: { second: 3 } });
    expect(driver.steps.map(({ key }) => key)).toEqual(['first#1', 'second#1']);
  });

  test('notices a walk that asks for something else than before', async () => {
    const { clock, driver, start } = onChat();
    await clock.settle(driver.walk(start));
    const other = (port: Driver): DrivenRun => driveRun(chat.plan, { text: 'hello' }, port, { runId: 'run-1' });
    await expect(driver.walk(other)).rejects.toThrow(/asked for step "first#1" .*hello.*, before for step "first#1" .*hi/);
  });

  test('notices a walk that ends earlier than before', async () => {
    const { clock, driver, start } = onChat();
    const run = await clock.settle(driver.walk(start));
    const brief = () => ({ run, cancel: () => {} });
    await expect(driver.walk(brief)).rejects.toThrow('did not ask for step "first#1"');
  });

  test('notices a walk that is handed an end it has not asked for', async () => {
    const { clock, driver, start } = onChat();
    await clock.settle(driver.walk(start));
    await expect(driver.walk(byHand(() => {}))).rejects.toThrow('has not asked for "first#1"');
    await expect(
      driver.walk(
        byHand(() => {}),
        { shuffle: () => 0.5 },
      ),
    ).rejects.toThrow('has not asked for "first#1"');
  });

  test('notices a walk that asks twice, between two ends, or waits for nothing', async () => {
    const driver = replayingDriver({ clock: virtualClock(), runStep: async () => done });
    const twice = byHand((port) => {
      port.step(stepOf('a'), () => {});
      port.step(stepOf('a'), () => {});
    });
    await expect(driver.walk(twice)).rejects.toThrow('asked twice for "a"');
    let late: Driver | undefined;
    const holding = byHand((port) => {
      late = port;
    });
    await expect(onChat().driver.walk(holding)).rejects.toThrow('waits for nothing');
    expect(() => late?.step(stepOf('b'), () => {})).toThrow('between two ends');
  });

  test('hands over an outcome that was lost as such', async () => {
    const clock = virtualClock();
    const outcomes: string[] = [];
    const driver = replayingDriver({ clock, runStep: async () => done, loses: ({ key }) => (key === 'a' ? 'gone' : undefined) });
    const both = byHand((port) => {
      for (const key of ['a', 'b']) port.step(stepOf(key), ({ status }) => outcomes.push(status));
    });
    await clock.settle(driver.walk(both, { killAfter: 2 }));
    expect(outcomes).toEqual(['lost', 'completed']);
  });

  test('aborts a step that is cancelled, whose end still comes; a timer is forgotten', async () => {
    const clock = virtualClock();
    const reasons: unknown[] = [];
    const ends: string[] = [];
    const driver = replayingDriver({
      clock,
      runStep: (_, signal) =>
        clock.sleep(100, signal).then(
          () => done,
          (reason) => {
            reasons.push((reason as Error).message);
            return { ...done, status: 'aborted', reason: 'obeyed' } as StepOutcome;
          },
        ),
    });
    const cancelling = byHand((port) => {
      const step = port.step(stepOf('a'), ({ status }) => ends.push(status));
      const timer = port.sleepUntil('t', port.now() + 5, () => ends.push('woken'));
      port.sleepUntil('u', port.now() + 1, () => {
        step.cancel('enough');
        timer.cancel('enough');
        timer.cancel('again');
      });
    });
    await clock.settle(driver.walk(cancelling, { killAfter: 2 }));
    expect([reasons, ends]).toEqual([['enough'], ['aborted']]);
    expect(driver.asked.map(({ asked, key }) => `${asked} ${key}`)).toEqual(['step a', 'sleep t', 'sleep u', 'cancel a', 'cancel t']);
  });

  test('takes one answer to a wait, early or not, and only what can be kept', async () => {
    const { clock, driver, start } = onChat(asks.plan);
    await clock.settle(driver.walk(start, { killAfter: 1 }));
    expect(driver.waits).toMatchObject([{ waitId: 'it#answer', request: '"may I?"' }]);
    expect(() => driver.answer('it#answer', () => {})).toThrow('at value it has a function');
    driver.answer('it#answer', 'yes');
    expect(() => driver.answer('it#answer', 'no')).toThrow('was answered before');
  });
});
