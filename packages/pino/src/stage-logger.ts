import type { StageContext } from '@stageflow/core';
import type { Logger } from '@stageflow/core/ports';
import type { LogLevel, PinoLogger } from './pino-logger.ts';
import { type Redactor, redactor } from './redactor.ts';

/** What {@link stageLogger} takes besides the logger. */
export interface StageLoggerOptions {
  /** Takes credentials out of fields and messages. @default `redactor()` */
  readonly redact?: Redactor | undefined;
}

/** What a logger is made for: the context of a stage, or what an interceptor sees of one. */
export type LoggedStage = Pick<StageContext, 'identity' | 'pipeline' | 'stage' | 'path' | 'attempt'>;

/** Gives the logger of an attempt: the same one each time it is asked with the same context. */
export type LoggerOf = (context: LoggedStage) => Logger;

/**
 * Makes child loggers for stages: each line says of which run, stage and attempt it is, for which tenant and in which trace.
 * Give it to stages as a service.
 *
 * @example
 * ```ts
 * const { loggerOf } = services<{ loggerOf: LoggerOf }>();
 * const answer = stage('answer', {
 *   needs: { text, loggerOf },
 *   run: ({ text, loggerOf }, context) => {
 *     loggerOf(context).info({ characters: text.length }, 'asking the model');
 *     return ask(text, context.signal);
 *   },
 * });
 * const runtime = createRuntime({ pipelines: [chat], services: { loggerOf: stageLogger(pino()) } });
 * ```
 */
export function stageLogger(logger: PinoLogger, { redact = redactor() }: StageLoggerOptions = {}): LoggerOf {
  const known = new WeakMap<LoggedStage, Logger>();
  return (context) => {
    const made = known.get(context) ?? redacting(logger, redact).child(bindingsOf(context));
    known.set(context, made);
    return made;
  };
}

/** Members that are `undefined` do not appear in the lines. */
function bindingsOf({ identity, pipeline, stage, path, attempt }: LoggedStage): Record<string, unknown> {
  const { runId, tenantId, traceId, spanId, correlationId, parentRunId } = identity;
  return { runId, pipeline, stage, path, attempt, tenantId, traceId, spanId, correlationId, parentRunId };
}

function redacting(logger: PinoLogger, redact: Redactor): Logger {
  const at =
    (level: LogLevel): Logger['info'] =>
    (fields, message) => {
      if (logger.isLevelEnabled?.(level) === false) return;
      logger[level](redact.value(fields) as object, redact.text(message));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => redacting(logger.child(redact.value(fields) as Record<string, unknown>), redact),
  };
}
