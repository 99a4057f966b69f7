import type { RunEvent } from '@stageflow/core';
import type { EventWords } from './event-words.ts';
import { printable } from './printable.ts';

/** An event as one line for a file or a collector of logs: whole, without marks, and with what is needed to find it again. */
export function logLine(event: RunEvent, { status, more, below }: EventWords): string {
  const where = 'path' in event ? `${event.pipeline} ${event.path}` : event.pipeline;
  const besides = below === undefined ? '' : ` (${below})`;
  return `${new Date(event.at).toISOString()} ${printable(`${event.runId} ${where}: ${status}${more}${besides}`)}\n`;
}
