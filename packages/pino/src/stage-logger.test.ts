import { createRuntime, type Interceptor, inputs, map, pipeline, services, stage } from '@stageflow/core';
import type { Logger } from '@stageflow/core/ports';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { writtenBy } from '../test/log-lines.ts';
import { type LoggerOf, stageLogger } from './stage-logger.ts';

const { text } = inputs<{ text: string }>();
const { loggerOf } = services<{ loggerOf: LoggerOf }>();

const answer = stage('answer', {
  needs: { text, loggerOf },
  run: ({ text, loggerOf }, context) => {
    loggerOf(context).info({ characters: text.length }, 'asking the model');
    return text;
  },
});
const chat = pipeline('chat', { outputs: { answer } });

describe('stageLogger()', () => {
  test('gives stages a logger that says of which run, stage and attempt a line is, for whom and in which trace', async () => {
    const { logger, lines } = writtenBy();
    const runtime = createRuntime({ pipelines: [chat], services: { loggerOf: stageLogger(logger) } });
    const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    await runtime.run(chat, { text: 'hi' }, { runId: 'run-1', tenantId: 'acme', correlationId: 'c-1', ...trace });
    await runtime.close();
    const ids = {
      runId: 'run-1',
      pipeline: 'chat',
      stage: 'answer',
      path: 'answer',
      attempt: 1,
      tenantId: 'acme',
      correlationId: 'c-1',
      ...trace,
    };
    expect(lines()).toEqual([expect.objectContaining({ level: 30, msg: 'asking the model', characters: 2, ...ids })]);
    expect(Object.keys(lines()[0] ?? {})).not.toContain('parentRunId');
  });

  test('serves a pipeline without a runtime', async () => {
    const { logger, lines } = writtenBy();
    await chat.run({ text: 'hi' }, { services: { loggerOf: stageLogger(logger) } });
    expect(lines()).toHaveLength(1);
  });

  test('tells attempts apart, and items by their path', async () => {
    const clock = virtualClock();
    const flaky = stage('flaky', {
      needs: { loggerOf },
      retry: { attempts: 2, baseMs: 10, jitter: 'none' },
      run: ({ loggerOf }, context) => {
        loggerOf(context).warn({}, 'trying');
        if (context.attempt === 1) throw new Error('not yet');
        return ['a', 'b'];
      },
    });
    const each = map('each', flaky, (item) =>
      stage('item', {
        needs: { item, loggerOf },
        run: ({ item, loggerOf }, context) => loggerOf(context).info({ item }, 'item'),
      }),
    );
    const { logger, lines } = writtenBy();
    const run = pipeline('items', { outputs: { each } }).run({}, { clock, services: { loggerOf: stageLogger(logger) } });
    await clock.settle(run);
    expect(lines().map(({ path, attempt }) => [path, attempt])).toEqual([
      ['flaky', 1],
      ['flaky', 2],
      ['each[0]/item', 1],
      ['each[1]/item', 1],
    ]);
  });

  test('makes one logger for an attempt, however often it is asked', async () => {
    const { logger } = writtenBy();
    const child = vi.spyOn(logger, 'child');
    const given: Logger[] = [];
    const asking = stage('asking', {
      needs: { loggerOf },
      run: ({ loggerOf }, context) => {
        given.push(loggerOf(context), loggerOf(context));
      },
    });
    const run = pipeline('asks', { outputs: { asking } });
    await run.run({}, { services: { loggerOf: stageLogger(logger) } });
    await run.run({}, { services: { loggerOf: stageLogger(logger) } });
    expect(given[0]).toBe(given[1]);
    expect(given[2]).not.toBe(given[0]);
    expect(child).toHaveBeenCalledTimes(2);
  });

  test('redacts what stages log, at every level, in children, too', async () => {
    const logging = stage('logging', {
      needs: { loggerOf },
      run: ({ loggerOf }, context) => {
        const log = loggerOf(context);
        log.debug({ headers: { authorization: 'Bearer abc' } }, 'sent with password=hunter2');
        log.error({ err: new Error('cannot reach redis://:hunter2@cache') }, 'lost');
        log.child({ apiKey: 'hunter2', region: 'eu' }).warn({ user: { password: 'hunter2' } }, 'from a child');
      },
    });
    const { logger, lines, text } = writtenBy();
    await pipeline('logs', { outputs: { logging } }).run({}, { services: { loggerOf: stageLogger(logger) } });
    expect(text()).not.toContain('hunter2');
    expect(lines().map(({ level, msg }) => [level, msg])).toEqual([
      [20, 'sent with password=[Redacted]'],
      [50, 'lost'],
      [40, 'from a child'],
    ]);
    expect(lines()[0]).toMatchObject({ headers: { authorization: '[Redacted]' } });
    expect(lines()[1]).toMatchObject({
      err: { type: 'Error', message: 'cannot reach redis://:[Redacted]@cache', stack: expect.any(String) },
    });
    expect(lines()[2]).toMatchObject({ apiKey: '[Redacted]', region: 'eu', user: { password: '[Redacted]' }, path: 'logging' });
  });

  test('makes nothing for a level that is off', async () => {
    const { logger, lines } = writtenBy({ level: 'error' });
    const value = vi.fn((given: unknown) => given);
    await chat.run(
      { text: 'hi' },
      { services: { loggerOf: stageLogger(logger, { redact: { value, text: (given) => given, line: (given) => given } }) } },
    );
    expect(lines()).toEqual([]);
    // Once for the ids that its lines would have.
    expect(value).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ path: 'answer' }));
  });

  test('redacts the ids, too: the key of an item may be anything', async () => {
    const { keys } = inputs<{ keys: string[] }>();
    const each = map(
      'each',
      keys,
      (item) => stage('item', { needs: { item, loggerOf }, run: ({ loggerOf }, context) => loggerOf(context).info({}, 'item') }),
      { key: (key) => key },
    );
    const { logger, lines } = writtenBy();
    const run = await pipeline('items', { outputs: { each } }).run(
      { keys: ['token=hunter2'] },
      { services: { loggerOf: stageLogger(logger) } },
    );
    expect(run.status).toBe('completed');
    expect(lines()[0]).toMatchObject({ path: 'each[token=[Redacted]]/item' });
  });

  test('serves interceptors', async () => {
    const { logger, lines } = writtenBy();
    const loggers = stageLogger(logger);
    const timed: Interceptor = {
      name: 'timed',
      attempt: async (stage, next) => {
        const outcome = await next();
        loggers(stage).info({ status: outcome.status }, 'attempt ended');
        return outcome;
      },
    };
    await chat.run({ text: 'hi' }, { interceptors: [timed], services: { loggerOf: loggers } });
    expect(lines().map(({ msg, path }) => [msg, path])).toEqual([
      ['asking the model', 'answer'],
      ['attempt ended', 'answer'],
    ]);
  });

  test('writes the bindings that the host gave its logger, and no message where there is none', async () => {
    const { logger, lines } = writtenBy();
    const loggers = stageLogger(logger.child({ host: 'api-1' }));
    const careless = stage('careless', { run: (_, context) => Reflect.apply(loggers(context).info, undefined, [{ a: 1 }]) });
    const run = await pipeline('careless', { outputs: { careless } }).run({});
    expect(run.status).toBe('completed');
    expect(lines()).toEqual([expect.objectContaining({ host: 'api-1', a: 1, path: 'careless' })]);
  });
});
