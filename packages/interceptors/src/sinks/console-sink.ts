import type { EventSink } from '@stageflow/core/ports';
import { wordsOf } from './console/event-words.ts';
import { logLine } from './console/log-line.ts';
import { terminalLines } from './console/terminal-lines.ts';
import { demandCount } from './option-rules.ts';

/** Where a {@link consoleSink} writes: `process.stdout`, `process.stderr`, or what is like them. */
export interface ConsoleStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly writable?: boolean | undefined;
  hasColors?(): boolean;
  write(text: string, done?: (error?: Error | null) => void): boolean;
  on(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
  removeListener(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
}

/** What {@link consoleSink} takes. */
export interface ConsoleSinkOptions {
  /** @default process.stdout */
  readonly stream?: ConsoleStream | undefined;
  /**
   * How wide lines may be, an integer of at least 1; what is given makes the lines those of a terminal, also where there is
   * none. @default the width of the terminal; where there is none, lines are as long as they are
   */
  readonly columns?: number | undefined;
  /** @default on a terminal that has colours, unless the environment has `NO_COLOR` */
  readonly color?: boolean | undefined;
  /** @default 'console' */
  readonly name?: string | undefined;
}

/**
 * Tells people what happens: one line for each fact, and below a failure what to do about it. On a terminal, lines are cut
 * to its width and have the last four characters of the run's id; elsewhere they are whole, with the time and the id.
 *
 * Control characters in names and messages are shown, not obeyed. Chunks are not printed: `stream.closed` counts them.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], sinks: [consoleSink()] });
 * ```
 */
export function consoleSink({ stream = process.stdout, columns, color, name = 'console' }: ConsoleSinkOptions = {}): EventSink {
  if (columns !== undefined) demandCount('columns', columns);
  const isColored = color ?? hasColors(stream);
  const write = writerTo(stream);
  return {
    name,
    emit(event) {
      const words = wordsOf(event);
      if (words === undefined) return;
      const width = columns ?? (stream.isTTY === true ? (stream.columns ?? 80) : undefined);
      return write(width === undefined ? logLine(event, words) : terminalLines(event, words, width, isColored));
    },
  };
}

function hasColors(stream: ConsoleStream): boolean {
  if (stream.isTTY !== true) return false;
  return stream.hasColors?.() ?? (process.env['NO_COLOR'] ?? '') === '';
}

/** Gives a promise only where the stream has enough for now. A stream that breaks meanwhile must not end the process. */
function writerTo(stream: ConsoleStream): (text: string) => void | Promise<void> {
  const ignore = (): void => {};
  let writing = 0;
  const written = (): void => {
    if (--writing === 0) stream.removeListener('error', ignore);
  };
  return (text) => {
    if (stream.writable === false) throw new Error('The stream of the console sink is closed.');
    if (writing++ === 0) stream.on('error', ignore);
    // Later, since the error comes after the call.
    const hasRoom = stream.write(text, () => setImmediate(written));
    return hasRoom ? undefined : roomIn(stream);
  };
}

/** Resolves when the stream takes more, or will never again. */
function roomIn(stream: ConsoleStream): Promise<void> {
  return new Promise((resolve) => {
    const events = ['drain', 'close', 'error'] as const;
    const goOn = (): void => {
      for (const event of events) stream.removeListener(event, goOn);
      resolve();
    };
    for (const event of events) stream.on(event, goOn);
  });
}
