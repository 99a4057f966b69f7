import { inputs, pipeline, services, stage } from '@stageflow/core';
import { pino } from 'pino';
import { expectTypeOf, test } from 'vitest';
import type { Logger, PinoLogger } from './logger.ts';
import { pinoSink } from './pino-sink.ts';
import { type LoggerOf, stageLogger } from './stage-logger.ts';

/** The port as core will have it. */
interface LoggerPort {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  child(fields: Readonly<Record<string, unknown>>): LoggerPort;
}

test('a pino logger is what the sink and the stage loggers take', () => {
  expectTypeOf(pino()).toExtend<PinoLogger>();
  expectTypeOf(pinoSink).toBeCallableWith(pino());
  expectTypeOf(stageLogger).toBeCallableWith(pino({ customLevels: { audit: 35 } }));
});

test('a stage logger is a logger of the port, and what is not a logger is refused', () => {
  expectTypeOf<Logger>().toExtend<LoggerPort>();
  // @ts-expect-error: a console has no child
  pinoSink(console);
});

test('a pipeline whose stages log demands the loggers', () => {
  const { text } = inputs<{ text: string }>();
  const { loggerOf } = services<{ loggerOf: LoggerOf }>();
  const answer = stage('answer', {
    needs: { text, loggerOf },
    run: ({ text, loggerOf }, context) => loggerOf(context).info({ text }, 'hi'),
  });
  const chat = pipeline('chat', { outputs: { answer } });
  void chat.run({ text: 'hi' }, { services: { loggerOf: stageLogger(pino()) } });
  // @ts-expect-error: no loggers
  void chat.run({ text: 'hi' });
});
