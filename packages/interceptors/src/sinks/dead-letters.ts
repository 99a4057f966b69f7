import type { RunEvent } from '@stageflow/core';
import { jsonLine } from './json-lines-sink.ts';
import { LineFile } from './line-file.ts';

/** Takes events that could not be exported, with what the last attempt failed with. */
export type DeadLetterHandler = (events: readonly RunEvent[], error: unknown) => void | Promise<void>;

/** Where dead letters go: a function, or a file of JSON lines, of which a batch is written whole or not at all. */
export interface DeadLetters {
  readonly take: DeadLetterHandler;
  close(): void;
}

/** @throws What `node:fs` throws where the file cannot be opened. */
export function deadLetters(target: string | DeadLetterHandler): DeadLetters {
  if (typeof target === 'function') return { take: target, close: () => {} };
  const file = new LineFile({ path: target, maxBytes: Number.POSITIVE_INFINITY, maxFiles: 0 });
  // Now, not when it is needed: then there would be nowhere to put the events.
  file.open();
  return { take: (events) => file.append(events.map(jsonLine).join('')), close: () => file.close() };
}
