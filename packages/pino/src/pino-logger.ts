/** The levels that are used here. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/**
 * The part of a pino logger that is used here, so that any version of pino will do, and whatever is shaped like it. The
 * methods of a pino logger take more than these; they are called with fields and a message only.
 */
export interface PinoLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): PinoLogger;
  /** Where it is there, nothing is made for a level that is off. */
  isLevelEnabled?(level: string): boolean;
  flush?(done: (error?: Error) => void): void;
}
