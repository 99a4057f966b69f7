export type { LogLevel, PinoLogger } from './pino-logger.ts';
export { type PinoSinkOptions, pinoSink } from './pino-sink.ts';
export { type Redactor, type RedactorOptions, redactor } from './redactor.ts';
export { type LoggedStage, type LoggerOf, type StageLoggerOptions, stageLogger } from './stage-logger.ts';
