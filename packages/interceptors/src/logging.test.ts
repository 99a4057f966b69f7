import {
  block,
  cached,
  cancel,
  createRuntime,
  guard,
  type Interceptor,
  inputs,
  memoryRunStore,
  pass,
  pipeline,
  type RunOptions,
  services,
  skip,
  stage,
  suspend,
} from '@stageflow/core';
import type { Logger } from '@stageflow/core/ports';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { recordingLogger } from '../test/recording-logger.ts';
import { loggerOf, logging } from './logging.ts';

const { text } = inputs<{ text: string }>();
const secret = 'the secret of the user';

/** What is written of one run whose stage does what `ask` does. */
async function written(
  ask: (text: string) => unknown,
  options: RunOptions & { readonly policy?: object; readonly more?: Interceptor[] } = {},
) {
  const { policy = {}, more = [], ...given } = options;
  const clock = virtualClock();
  const logger = recordingLogger();
  const answer = stage('answer', { ...policy, needs: { text }, run: ({ text }) => ask(text) });
  const after = stage('after', { needs: { answer }, run: () => 1 });
  const made = pipeline('chat', { outputs: { after } });
  const run = await clock.settle(made.run({ text: secret }, { clock, runId: 'r', interceptors: [logging({ logger }), ...more], ...given }));
  return {
    run,
    lines: logger.lines,
    said: logger.lines.map(({ level, message, fields }) => `${level} ${message} ${fields['path'] ?? ''}`.trim()),
  };
}

describe('logging()', () => {
  test('writes the ends of attempts, stages and the run', async () => {
    const { said } = await written((text) => text);
    expect(said).toEqual([
      'info run started',
      'debug attempt completed answer',
      'info stage completed answer',
      'debug attempt completed after',
      'info stage completed after',
      'info run completed',
    ]);
  });

  test('binds every line to the run, its tenant and its trace, and leaves out what is not known', async () => {
    const ids = { tenantId: 't', traceId: 'tr', spanId: 's', correlationId: 'c', parentRunId: 'p' };
    for (const { fields } of (await written(() => 1, ids)).lines) expect(fields).toMatchObject({ ...ids, runId: 'r', pipeline: 'chat' });
    expect(Object.keys((await written(() => 1)).lines[0]?.fields ?? {})).toEqual(['runId', 'pipeline', 'stages']);
  });

  test('writes no value', async () => {
    const everything = JSON.stringify([(await written((text) => text)).lines, (await written(() => skip('no need'))).lines]);
    expect(everything).not.toContain(secret);
  });

  test('tells of attempts that fail and are made again, with the error in short', async () => {
    let calls = 0;
    const policy = { retry: { attempts: 2, baseMs: 50, jitter: 'none' } };
    const { said, lines } = await written(() => (++calls === 1 ? Promise.reject(new Error('busy')) : 1), { policy });
    expect(said.slice(1, 4)).toEqual(['warn attempt failed answer', 'debug attempt completed answer', 'info stage completed answer']);
    expect(lines[1]?.fields['error']).toEqual({ code: 'SF_STAGE_FAILED', message: expect.stringContaining('busy'), retryable: true });
    expect(lines.map(({ fields }) => fields['attempt'])).toEqual([undefined, 1, 2, undefined, 1, undefined, undefined]);
    expect(lines[3]?.fields['durationMs']).toBe(50);
  });

  test('tells of failures, and of what is skipped behind them', async () => {
    const { said, lines } = await written(() => Promise.reject(new Error('no')));
    expect(said).toEqual([
      'info run started',
      'warn attempt failed answer',
      'error stage failed answer',
      'debug stage skipped after',
      'error run failed',
    ]);
    expect(lines[3]?.fields).toMatchObject({ rootCause: 'answer', attempts: 0 });
    expect(lines[4]?.fields).toMatchObject({ error: { code: 'SF_STAGE_FAILED' }, counts: { failed: 1, skipped: 1 } });
  });

  test('tells of a skip, a cancel, a block, and a degraded run', async () => {
    expect((await written(() => skip('nothing'))).said).toContain('info stage skipped answer');
    const cancelled = await written(() => cancel('enough'));
    expect(cancelled.said).toEqual(expect.arrayContaining(['info stage cancelled answer', 'info run cancelled']));
    expect(cancelled.lines.at(-1)?.fields).toMatchObject({ reason: 'enough', cancelledBy: 'answer' });
    const controller = new AbortController();
    const stopped = await written(() => controller.abort(), { signal: controller.signal });
    expect(stopped.lines.at(-1)).toMatchObject({ message: 'run cancelled' });
    expect(stopped.lines.at(-1)?.fields).not.toHaveProperty('cancelledBy');

    const logger = recordingLogger();
    const allowed = guard('allowed', { subject: text, check: ({ subject }) => (subject === '' ? pass() : block('no')) });
    await pipeline('p', { outputs: { allowed } }).run({ text: 'x' }, { interceptors: [logging({ logger })] });
    expect(logger.lines.map(({ level, message }) => `${level} ${message}`).slice(-2)).toEqual(['warn stage blocked', 'warn run blocked']);
    expect(logger.lines.at(-1)?.fields).toMatchObject({ reason: 'no', blockedBy: 'allowed' });

    const broken = guard('broken', { subject: text, check: () => Promise.reject(new Error('no')) });
    await pipeline('p', { outputs: { broken } }).run({ text: 'x' }, { interceptors: [logging({ logger })] });
    expect(logger.lines.at(-2)?.fields).toMatchObject({ error: { code: expect.any(String) } });

    const [well, ill] = [stage('well', { run: () => 1 }), stage('ill', { run: () => Promise.reject(new Error('no')) })];
    const best = pipeline('best', { outputs: { well }, also: { ill }, failureMode: 'best-effort' });
    await best.run({}, { interceptors: [logging({ logger })] });
    expect(logger.lines.at(-1)).toMatchObject({ level: 'warn', message: 'run completed', fields: { degraded: true } });
  });

  test('tells of a run that is suspended, and of what it waits for', async () => {
    const logger = recordingLogger();
    const ask = stage('ask', { run: () => suspend('?') });
    const chat = pipeline('chat', { outputs: { ask } });
    const runtime = createRuntime({ pipelines: [chat], store: memoryRunStore(), interceptors: [logging({ logger })] });
    await runtime.run(chat, {});
    expect(logger.lines.at(-1)).toMatchObject({ level: 'info', message: 'run suspended', fields: { waits: [expect.any(String)] } });
    expect(logger.lines.at(-2)).toMatchObject({ level: 'debug', message: 'stage suspended', fields: { path: 'ask' } });
  });

  test('flags a value that was known already, or that stood in for a failure', async () => {
    const known: Interceptor = { name: 'known', only: { stages: ['answer'] }, stage: async () => cached(1) };
    const stale: Interceptor = { name: 'stale', only: { stages: ['answer'] }, stage: (_, next) => next().then(() => cached(1)) };
    for (const more of [[known], [stale]]) {
      const { lines } = await written(() => Promise.reject(new Error('no')), { more });
      const flags = lines.filter(({ message }) => message === 'stage completed').map(({ fields }) => fields['cached']);
      expect(flags).toEqual([true, undefined]);
    }
  });

  test('names stages that ignored the signal', async () => {
    const { lines } = await written(() => new Promise(() => {}), { deadlineMs: 10, graceMs: 10 });
    expect(lines.at(-1)).toMatchObject({ message: 'run failed', fields: { unsettled: ['answer'] } });
  });

  test('tells of a run that an interceptor further in has failed', async () => {
    const denies: Interceptor = { name: 'denies', run: () => Promise.reject(new Error('no')) };
    const { run, lines } = await written(() => 1, { more: [denies] });
    expect(run.status).toBe('failed');
    expect(lines.at(-1)).toMatchObject({ level: 'error', message: 'run failed', fields: { error: { code: 'SF_INTERCEPTOR_FAILED' } } });
  });

  test('changes nothing where the logger throws', async () => {
    const refuse = () => {
      throw new Error('the disk is full');
    };
    for (const broken of [{ child: refuse }, { info: refuse, debug: refuse }]) {
      const logger = { ...recordingLogger(), ...broken } as Logger;
      const chat = pipeline('chat', { outputs: { answer: stage('answer', { run: () => 1 }) } });
      expect(
        (await chat.run({}, { interceptors: [logging({ logger: { ...logger, child: broken.child ?? (() => logger) } })] })).status,
      ).toBe('completed');
    }
  });
});

test('loggerOf() binds the logger of a stage to where it is', async () => {
  const { logger } = services<{ logger: Logger }>();
  const kept = recordingLogger();
  const ask = stage('ask', { needs: { logger }, run: ({ logger }, context) => loggerOf(logger, context).debug({ tokens: 5 }, 'asked') });
  await pipeline('chat', { outputs: { ask } }).runOrThrow({}, { services: { logger: kept }, runId: 'r', tenantId: 't' });
  expect(kept.lines).toEqual([
    { level: 'debug', message: 'asked', fields: { runId: 'r', pipeline: 'chat', path: 'ask', tenantId: 't', tokens: 5 } },
  ]);
});
