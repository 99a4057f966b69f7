import type { RunEvent } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { fieldsOf, nameOf } from './event-fields.ts';
import { levelOf } from './event-level.ts';
import type { LogLevel, PinoLogger } from './pino-logger.ts';
import { type Redactor, redactor } from './redactor.ts';

/** What {@link pinoSink} takes besides the logger. */
export interface PinoSinkOptions {
  /** For people: appears where drops of the sink are announced. @default 'pino' */
  readonly name?: string | undefined;
  /**
   * The level of an event: `false` leaves it out, `undefined` leaves it at its own. @default `error` where a run, or a stage that
   * nothing handles, failed; `warn` for blocks, handled failures, failed attempts and losses; `info` for what else a run does;
   * `debug` for what goes well in its stages
   */
  readonly level?: ((event: RunEvent) => LogLevel | false | undefined) | undefined;
  /** Takes credentials out of the lines. @default `redactor()` */
  readonly redact?: Redactor | undefined;
}

/**
 * A sink that writes each event as one line. The fields have the names they have in the event; `event`, and the message, is its
 * type, or the name of an event of the host's own. Values of stages, chunks and payloads are never among them.
 *
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], sinks: [pinoSink(pino())] });
 * // {"level":50,"event":"stage.failed","runId":"…","path":"answer","attempt":3,"error":{"code":"SF_STAGE_TIMEOUT",…},"msg":"stage.failed"}
 * ```
 */
export function pinoSink(logger: PinoLogger, { name = 'pino', level, redact = redactor() }: PinoSinkOptions = {}): EventSink {
  return {
    name,
    emit(event) {
      const chosen = level?.(event) ?? levelOf(event);
      if (chosen === false || logger.isLevelEnabled?.(chosen) === false) return;
      logger[chosen](redact.value(fieldsOf(event)) as object, redact.text(nameOf(event)));
    },
    flush: () => flushed(logger),
  };
}

async function flushed(logger: PinoLogger): Promise<void> {
  if (logger.flush === undefined) return;
  await new Promise<void>((resolve, reject) => {
    logger.flush?.((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}
