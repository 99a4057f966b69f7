import { inputs, pipeline, services, stage } from '@stageflow/core';
import type { Logger } from '@stageflow/core/ports';
import { pino } from 'pino';
import { expectTypeOf, test } from 'vitest';
import type { PinoLogger } from './pino-logger.ts';
import { pinoSink } from './pino-sink.ts';
import { type LoggerOf, stageLogger } from './stage-logger.ts';

test('a pino logger is what the sink and the stage loggers take', () => {
  expectTypeOf(pino()).toExtend<PinoLogger>();
  expectTypeOf(pino()).toExtend<Logger>();
  expectTypeOf(pinoSink).toBeCallableWith(pino());
  expectTypeOf(stageLogger).toBeCallableWith(pino({ customLevels: { audit: 35 } }));
});

test('what is not a logger is refused', () => {
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
