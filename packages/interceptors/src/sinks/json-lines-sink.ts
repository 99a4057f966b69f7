import { type ErrorSummary, type RunEvent, summarizeError } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { LineFile } from './line-file.ts';
import { demand, demandCount } from './option-rules.ts';

/** What {@link jsonLinesSink} takes. */
export interface JsonLinesSinkOptions {
  /** The file; its folder is made where it is missing. One sink writes to it at a time. */
  readonly path: string;
  /**
   * No file grows beyond, in bytes, unless one event is larger: where the next line would not fit, `path` is renamed to
   * `path.1`, an older `path.1` to `path.2` and so on. @default one file, however large
   */
  readonly maxBytes?: number | undefined;
  /** How many renamed files are kept; the oldest is deleted. An integer of at least 0. @default 5 */
  readonly maxFiles?: number | undefined;
  /** @default 'json-lines' */
  readonly name?: string | undefined;
}

/** A sink that writes to a file. */
export interface JsonLinesSink extends EventSink {
  /** Why the latest event was not written; `undefined` where it was. How many were not is in `runtime.sinks`. */
  readonly lastFailure: ErrorSummary | undefined;
}

/**
 * Appends each event to a file as a line of JSON. The line is with the operating system when `emit` returns, so that it
 * survives the process; `flush()`, and with it `runtime.close()`, puts it on the disk and lets go of the file.
 *
 * An event that cannot be written counts as a failure of the sink and changes no outcome; none is written in part. The next
 * one is tried anew. Writing holds the thread: a few microseconds on a local disk. Before a slow one goes `bufferedSink`.
 *
 * @throws SF_OPTION_INVALID, and what `node:fs` throws where the file cannot be opened.
 * @example
 * ```ts
 * const audit = jsonLinesSink({ path: 'log/runs.jsonl', maxBytes: 50_000_000, maxFiles: 10 });
 * const runtime = createRuntime({ pipelines: [chat], sinks: [audit] });
 * ```
 */
export function jsonLinesSink({
  path,
  maxBytes = Number.POSITIVE_INFINITY,
  maxFiles = 5,
  name = 'json-lines',
}: JsonLinesSinkOptions): JsonLinesSink {
  demand(typeof path === 'string' && path !== '', 'path', 'the path of a file', path);
  if (maxBytes !== Number.POSITIVE_INFINITY) demandCount('maxBytes', maxBytes);
  demandCount('maxFiles', maxFiles, 0);
  const file = new LineFile({ path, maxBytes, maxFiles });
  file.open();
  let lastFailure: ErrorSummary | undefined;
  return {
    name,
    get lastFailure() {
      return lastFailure;
    },
    emit(event) {
      try {
        file.append(jsonLine(event));
        lastFailure = undefined;
      } catch (error) {
        lastFailure = summarizeError(error);
        throw error;
      }
    },
    async flush() {
      file.close();
    },
  };
}

/** An event as a line. Integers too large for JSON are written as text, and what some readers take for the end of a line is escaped. */
export function jsonLine(event: RunEvent): string {
  const json = JSON.stringify(event, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return `${json.replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029'))}\n`;
}
