import { Writable } from 'node:stream';
import { type LoggerOptions, pino, type Logger as RealLogger } from 'pino';

/** A line as it was written. */
export type Line = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string };

/** A real pino that writes to a stream, and the lines it wrote. */
export function writtenBy(options: LoggerOptions = {}): {
  readonly logger: RealLogger;
  readonly lines: () => Line[];
  readonly text: () => string;
} {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const logger = pino({ level: 'debug', ...options }, stream);
  const lines = (): Line[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return { logger, lines, text: () => text };
}
