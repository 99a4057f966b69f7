import type { LogFields, Logger } from '@stageflow/core/ports';

/** One line, with the fields of the loggers it was written through. */
export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what is written. */
export function recordingLogger(lines: Line[] = [], bound: LogFields = {}): Logger & { readonly lines: readonly Line[] } {
  const at = (level: string) => (fields: LogFields, message: string) => {
    lines.push({ level, message, fields: { ...bound, ...fields } });
  };
  return {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLogger(lines, { ...bound, ...fields }),
  };
}
