import {
  block,
  guard,
  inputs,
  optional,
  pass,
  pipeline,
  route,
  type Schema,
  services,
  settled,
  skip,
  stage,
  transform,
  work,
} from '@stageflow/core';
import { describe, expect, test, vi } from 'vitest';
import { recordingSink } from './recording-sink.ts';
import { runStage } from './run-stage.ts';
import { virtualClock } from './virtual-clock.ts';

const { text } = inputs<{ text: string }>();
const nothing = vi.fn(() => 'never run');
const upstream = stage('upstream', { run: nothing });

const shortText: Schema<unknown, string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'string' && value.length < 5 ? { value: value.trim() } : { issues: [{ message: 'too long' }] }),
  },
};

describe('runStage()', () => {
  test('resolves to the outcome, without running what the stage needs', async () => {
    const greet = stage('greet', { needs: { upstream, text }, run: ({ upstream, text }) => `${upstream} ${text}` });
    expect(await runStage(greet, { upstream: 'hello', text: 'Ada' })).toEqual({ status: 'completed', output: 'hello Ada' });
    expect(nothing).not.toHaveBeenCalled();
    // Control: in a pipeline the need does run.
    expect((await pipeline('p', { outputs: { greet } }).run({ text: 'Ada' })).status).toBe('completed');
    expect(nothing).toHaveBeenCalledOnce();
  });

  test('hands optional, settled and service values on as they are', async () => {
    const { model } = services<{ model: { ask(): string } }>();
    const read = stage('read', {
      needs: { maybe: optional(upstream), ended: settled(upstream), model },
      run: ({ maybe, ended, model }) => [maybe, ended.status, model.ask()],
    });
    const outcome = await runStage(read, { maybe: undefined, ended: { status: 'skipped', reason: 'no' }, model: { ask: () => 'asked' } });
    expect(outcome).toEqual({ status: 'completed', output: [undefined, 'skipped', 'asked'] });
  });

  test('runs every kind as that kind', async () => {
    const safe = guard('safe', {
      subject: text,
      needs: { upstream },
      check: ({ subject, upstream }) => (subject === upstream ? block('the same') : subject === '' ? transform('empty') : pass()),
    });
    expect(await runStage(safe, { subject: 'a', upstream: 'b' })).toEqual({ status: 'completed', output: 'a' });
    expect(await runStage(safe, { subject: '', upstream: 'b' })).toEqual({ status: 'completed', output: 'empty' });
    expect(await runStage(safe, { subject: 'a', upstream: 'a' })).toMatchObject({ status: 'blocked', reason: 'the same' });

    const intent = route('intent', { needs: { text }, run: ({ text }) => (text === 'buy' ? 'order' : 'question') });
    expect(await runStage(intent, { text: 'buy' })).toEqual({ status: 'completed', output: 'order' });

    const save = work('save', {
      needs: { text },
      idempotencyKey: ({ text }) => `save:${text}`,
      run: (_values, { idempotencyKey }) => idempotencyKey,
    });
    expect(await runStage(save, { text: 'x' })).toEqual({ status: 'completed', output: 'save:x' });
  });

  test('applies the contract, the policies and the predicate of the stage', async () => {
    const checked = stage('checked', { needs: { text }, output: shortText, run: ({ text }) => text });
    expect(await runStage(checked, { text: ' ok ' })).toEqual({ status: 'completed', output: 'ok' });
    expect(await runStage(checked, { text: 'too long' })).toMatchObject({ status: 'failed', error: { code: 'SF_OUTPUT_INVALID' } });

    const gated = stage('gated', { needs: { text }, when: ({ text }) => text !== '', run: ({ text }) => text });
    expect(await runStage(gated, { text: '' })).toMatchObject({ status: 'skipped' });
    expect(await runStage(gated, { text: 'x' })).toMatchObject({ status: 'completed' });

    const clock = virtualClock();
    const slow = stage('slow', {
      timeoutMs: 50,
      retry: { attempts: 2, baseMs: 10, jitter: 'none' },
      run: (_values, { signal }) => clock.sleep(1_000, signal),
    });
    const outcome = await clock.settle(runStage(slow, {}, { clock }));
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' } });
    expect(outcome.report).toMatchObject({ attempts: 2, durationMs: 110 });
  });

  test('leaves out what lies outside of the stage: after, and the choice of a route', async () => {
    const intent = route('intent', { needs: { text }, run: ({ text }) => (text === 'buy' ? 'order' : 'question') });
    const order = stage('order', { needs: { text }, when: intent.is('order'), after: [upstream], run: ({ text }) => text });
    expect(await runStage(order, { text: 'ask' })).toEqual({ status: 'completed', output: 'ask' });
    // Control: in a pipeline the route decides.
    const run = await pipeline('p', { outputs: { order } }).run({ text: 'ask' });
    expect(run.stages.get('order')?.status).toBe('skipped');
  });

  test('resolves with every other ending, too', async () => {
    const skips = stage('skips', { run: () => skip('nothing to give') });
    expect(await runStage(skips, {})).toEqual({ status: 'skipped', reason: 'nothing to give' });
    const throws = stage('throws', {
      run: () => {
        throw new Error('mine');
      },
    });
    expect(await runStage(throws, {})).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', cause: { message: 'mine' } } });
    const controller = new AbortController();
    const waits = stage('waits', {
      run: (_values, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const waiting = runStage(waits, {}, { signal: controller.signal });
    controller.abort(new Error('enough'));
    expect(await waiting).toMatchObject({ status: 'cancelled', reason: 'enough' });
  });

  test('tells the report and the events beside the outcome, out of the way of equality', async () => {
    const sink = recordingSink();
    const cleanup = vi.fn();
    const defers = stage('defers', { version: '2', run: (_values, context) => context.defer(cleanup) });
    const outcome = await runStage(defers, {}, { sinks: [sink] });
    expect(outcome).toStrictEqual({ status: 'completed', output: undefined });
    expect(outcome.report).toMatchObject({ stage: 'defers', attempts: 1, version: '2' });
    expect(outcome.events.map(({ type }) => type)).toEqual([
      'run.created',
      'run.started',
      'stage.started',
      'stage.completed',
      'run.completed',
    ]);
    expect(sink.events).toEqual(outcome.events);
    expect(cleanup).toHaveBeenCalledOnce();
  });

  test('refuses what is no stage', async () => {
    await expect(runStage(text as never, {} as never)).rejects.toThrow('"text" is of kind "input"');
  });
});
