import { inTime, printable } from '../report/wording.ts';
import type { StageProgress } from './stage-progress.ts';

/** One line about a stage that has ended, for logs and pipes; `undefined` while it has not. */
export function plainLine({ stage, status, message, durationMs }: StageProgress): string | undefined {
  if (status === 'waiting' || status === 'running') return undefined;
  const time = durationMs === undefined ? '' : inTime(durationMs);
  return `${stage.padEnd(18)}  ${status.padEnd(9)}  ${time.padStart(7)}  ${printable(message)}`.trimEnd();
}
