/** What a line of a log says besides its message: the members of an object, of whatever type. */
export type LogFields = object;

/**
 * Where lines of a log go. A logger of pino is one as it is; of the console one is made in a few lines. Called on the path
 * of the stages, so it must not wait.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose every line carries these fields as well. */
  child(fields: LogFields): Logger;
}
