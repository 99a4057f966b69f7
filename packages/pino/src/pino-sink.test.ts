import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  block,
  createRuntime,
  defineEvent,
  fail,
  guard,
  inputs,
  isTerminal,
  pipeline,
  type RunEvent,
  settled,
  stage,
} from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type Line, writtenBy } from '../test/log-lines.ts';
import { pinoSink } from './pino-sink.ts';
import { redactor } from './redactor.ts';

const debug = 20;
const info = 30;
const warn = 40;
const error = 50;

const { text } = inputs<{ text: string }>();
const answer = stage('answer', { needs: { text }, run: ({ text }) => `you said ${text}` });
const chat = pipeline('chat', { outputs: { answer } });

const failing = stage('failing', {
  retry: { attempts: 2, baseMs: 1, jitter: 'none' },
  run: (): string => {
    throw new Error('no answer from postgres://app:hunter2@db/main');
  },
});

async function linesOf(options: Parameters<typeof pinoSink>[1] = {}): Promise<Line[]> {
  const { logger, lines } = writtenBy();
  const runtime = createRuntime({ pipelines: [chat], sinks: [pinoSink(logger, options)] });
  const identity = { runId: 'run-1', tenantId: 'acme', traceId: '0af7651916cd43dd8448eb211c80319c', correlationId: 'c-1' };
  await runtime.run(chat, { text: 'hi' }, identity);
  await runtime.close();
  return lines();
}

describe('pinoSink()', () => {
  test('writes a line for each event of a run, with the ids of run, path, tenant and trace', async () => {
    const lines = await linesOf();
    expect(lines.map(({ level, event, msg }) => [level, event, msg])).toEqual([
      [debug, 'run.created', 'run.created'],
      [info, 'run.started', 'run.started'],
      [debug, 'stage.started', 'stage.started'],
      [debug, 'stage.completed', 'stage.completed'],
      [info, 'run.completed', 'run.completed'],
    ]);
    const ids = { runId: 'run-1', pipeline: 'chat', tenantId: 'acme', traceId: '0af7651916cd43dd8448eb211c80319c', correlationId: 'c-1' };
    for (const line of lines) expect(line).toMatchObject(ids);
    expect(lines[3]).toMatchObject({ stage: 'answer', path: 'answer', attempt: 1, kind: 'transform', durationMs: expect.any(Number) });
    expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  test('writes no value of a stage or of an input', async () => {
    const { logger, text } = writtenBy();
    await chat.run({ text: 'the house is on fire' }, { sinks: [pinoSink(logger)], metadata: { plan: 'gold' } });
    expect(text()).toContain('stage.completed');
    expect(text()).not.toContain('the house');
    expect(text()).not.toContain('gold');
  });

  test('writes errors as code, message and retryable, without credentials', async () => {
    const clock = virtualClock();
    const { logger, lines } = writtenBy();
    await clock.settle(pipeline('broken', { outputs: { failing } }).run({}, { clock, sinks: [pinoSink(logger)] }));
    const told = lines().filter(({ level }) => level >= warn);
    expect(told.map(({ level, event, attempt }) => [level, event, attempt])).toEqual([
      [warn, 'attempt.failed', 1],
      [warn, 'attempt.failed', 2],
      [error, 'stage.failed', 2],
      [error, 'run.failed', undefined],
    ]);
    const message = expect.stringContaining('no answer from postgres://app:[Redacted]@db/main');
    expect(told[2]).toMatchObject({ path: 'failing', error: { code: 'SF_STAGE_FAILED', message, retryable: true }, handled: false });
    expect(Object.keys(told[2]?.['error'] as object)).toEqual(['code', 'message', 'retryable']);
  });

  test('warns of a failure that the plan handles, and of a block', async () => {
    const reader = stage('reader', { needs: { end: settled(failing) }, run: ({ end }) => end.status });
    const gate = guard('gate', { subject: reader, check: () => block('closed today') });
    const { logger, lines } = writtenBy();
    await pipeline('shop', { outputs: { gate } }).run({}, { sinks: [pinoSink(logger)] });
    const told = lines().filter(({ event }) => ['stage.failed', 'stage.blocked', 'run.blocked'].includes(String(event)));
    expect(told.map(({ level, event }) => [level, event])).toEqual([
      [warn, 'stage.failed'],
      [warn, 'stage.blocked'],
      [warn, 'run.blocked'],
    ]);
    expect(told[0]).toMatchObject({ handled: true });
    expect(told[2]).toMatchObject({ reason: 'closed today', blockedBy: 'gate' });
  });

  test('warns of a run that is completed in part', async () => {
    const lost = stage('lost', { onFailure: 'fail', run: () => fail(new Error('gone')) });
    const { logger, lines } = writtenBy();
    const partial = pipeline('partial', { outputs: { answer }, also: { lost } });
    await partial.run({ text: 'hi' }, { failureMode: 'best-effort', sinks: [pinoSink(logger)] });
    expect(lines().at(-1)).toMatchObject({ level: warn, event: 'run.completed', degraded: true });
  });

  test('names an event of the host, and leaves its payload out', async () => {
    const priced = defineEvent('cart.priced', z.object({ total: z.number() }));
    const price = stage('price', {
      run: (_, { emit, progress }) => {
        progress(0.5, 'half of it');
        emit(priced, { total: 1234 });
        return 1;
      },
    });
    const { logger, lines, text } = writtenBy();
    await pipeline('cart', { outputs: { price } }).run({}, { sinks: [pinoSink(logger)] });
    expect(lines()).toContainEqual(expect.objectContaining({ level: info, event: 'cart.priced', msg: 'cart.priced', path: 'price' }));
    expect(lines()).toContainEqual(
      expect.objectContaining({ event: 'stage.progressed', progress: { fraction: 0.5, message: 'half of it' } }),
    );
    expect(text()).not.toContain('1234');
  });

  test('leaves out what streams publish', async () => {
    const source = stage('source', {
      streams: { publish: true },
      run: async function* () {
        yield 'a chunk of it';
        return 'done';
      },
    });
    const { logger, lines, text } = writtenBy();
    await pipeline('streamed', { outputs: { source } }).run({}, { sinks: [pinoSink(logger)] });
    expect(lines()).toContainEqual(expect.objectContaining({ event: 'stream.chunk', index: 0 }));
    expect(text()).not.toContain('a chunk of it');
  });

  test('takes the level of an event from the host, leaves events out, and has its own where it says nothing', async () => {
    const level = ({ type }: RunEvent) => (type === 'run.started' ? 'error' : type.startsWith('stage.') ? false : undefined);
    const lines = await linesOf({ level });
    expect(lines.map(({ level, event }) => [level, event])).toEqual([
      [debug, 'run.created'],
      [error, 'run.started'],
      [info, 'run.completed'],
    ]);
  });

  test('makes nothing for a level that is off', async () => {
    const { logger, lines } = writtenBy({ level: 'info' });
    const value = vi.fn((given: unknown) => given);
    await chat.run({ text: 'hi' }, { sinks: [pinoSink(logger, { redact: { ...redactor(), value } })] });
    expect(lines().map(({ event }) => event)).toEqual(['run.started', 'run.completed']);
    expect(value).toHaveBeenCalledTimes(2);
  });

  test('takes a declared secret out of errors and reasons', async () => {
    const leaky = stage('leaky', { run: () => fail(new Error('refused key-of-the-house')) });
    const { logger, text } = writtenBy();
    const sink = pinoSink(logger, { redact: redactor({ secrets: ['key-of-the-house'] }) });
    await pipeline('leak', { outputs: { leaky } }).run({}, { sinks: [sink] });
    expect(text()).toContain('refused [Redacted]');
    expect(text()).not.toContain('key-of-the-house');
  });

  test('is one of several sinks of a runtime under a name of its own', async () => {
    const [first, second] = [writtenBy(), writtenBy()];
    const runtime = createRuntime({ pipelines: [chat], sinks: [pinoSink(first.logger), pinoSink(second.logger, { name: 'audit' })] });
    await runtime.run(chat, { text: 'hi' });
    await runtime.close();
    expect(Object.keys(runtime.sinks)).toEqual(['pino', 'audit']);
    expect(first.lines()).toHaveLength(second.lines().length);
  });

  test('has written everything to its file when the runtime is closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stageflow-pino-'));
    const file = join(folder, 'runs.log');
    const destination = pino.destination({ dest: file, sync: false, minLength: 4096 });
    const runtime = createRuntime({ pipelines: [chat], sinks: [pinoSink(pino({ level: 'debug' }, destination))] });
    await runtime.run(chat, { text: 'hi' });
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe('');
    await runtime.close();
    const written: Line[] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(written.map(({ event }) => event)).toEqual(['run.created', 'run.started', 'stage.started', 'stage.completed', 'run.completed']);
    rmSync(folder, { recursive: true });
  });

  test('flushes a logger that says of its flush that it failed, and one that has none', async () => {
    const bare = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: vi.fn() };
    await expect(pinoSink(bare).flush?.()).resolves.toBeUndefined();
    const broken = { ...bare, flush: (done: (error?: Error) => void) => done(new Error('disk full')) };
    await expect(pinoSink(broken).flush?.()).rejects.toThrow('disk full');
  });

  test('changes no run where the logger throws', async () => {
    const broken = () => {
      throw new Error('no space left');
    };
    const sink = pinoSink({ debug: broken, info: broken, warn: broken, error: broken, child: broken });
    const runtime = createRuntime({ pipelines: [chat], sinks: [sink] });
    const run = await runtime.run(chat, { text: 'hi' });
    expect(run.status).toBe('completed');
    expect(runtime.sinks['pino']).toMatchObject({ failed: 5, delivered: 0 });
    await runtime.close();
  });

  test('says of an end whose run lost events how many they were', async () => {
    const { logger, lines } = writtenBy();
    const inner = pinoSink(logger);
    const held: (() => void)[] = [];
    const slow = { name: 'slow', emit: (event: RunEvent) => new Promise<void>((go) => held.push(() => go(inner.emit(event)))) };
    const runtime = createRuntime({ pipelines: [chat], sinks: [{ sink: slow, capacity: 1 }] });
    await runtime.run(chat, { text: 'hi' });
    const closed = runtime.close();
    let ended = false;
    void closed.then(() => {
      ended = true;
    });
    while (!ended) {
      held.shift()?.();
      await new Promise(setImmediate);
    }
    expect(runtime.sinks['slow']?.dropped).toBeGreaterThan(0);
    expect(lines()).toContainEqual(
      expect.objectContaining({ level: warn, event: 'events.dropped', sink: 'slow', count: runtime.sinks['slow']?.dropped }),
    );
    expect(lines().at(-1)?.['event']).toBe('run.completed');
  });
});

test('every terminal event is recognised by its line', async () => {
  const seen: string[] = [];
  const watch = { name: 'watch', emit: (event: RunEvent) => void (isTerminal(event) && seen.push(event.type)) };
  const { logger, lines } = writtenBy();
  await chat.run({ text: 'hi' }, { sinks: [watch, pinoSink(logger)] });
  expect(seen).toEqual([lines().at(-1)?.['event']]);
});
