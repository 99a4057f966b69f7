import type { RunHandle } from '@stageflow/core';
import { LiveProgress } from './live-progress.ts';
import { plainLine } from './plain-progress.ts';
import { ProgressBoard } from './stage-progress.ts';

/** Where progress is shown: drawn on where it is a terminal, line by line elsewhere. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Shows a run until it ends.
 *
 * @param stages - In the order in which they are shown.
 * @returns Where the stages were at the end.
 */
export async function showProgress(handle: RunHandle, stages: readonly string[], terminal: Terminal): Promise<ProgressBoard> {
  const board = new ProgressBoard(stages);
  const live =
    terminal.isTTY === true ? new LiveProgress({ columns: terminal.columns || 80, write: (text) => terminal.write(text) }) : undefined;
  for await (const event of handle.events()) {
    const changed = board.take(event);
    if (live !== undefined) live.draw(board, event.elapsedMs);
    else if (changed !== undefined && event.type !== 'stage.progressed') {
      const line = plainLine(changed);
      if (line !== undefined) terminal.write(`${line}\n`);
    }
  }
  live?.draw(board, Number.POSITIVE_INFINITY);
  return board;
}
