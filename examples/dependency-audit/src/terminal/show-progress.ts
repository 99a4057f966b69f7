import type { EventSink } from '@stageflow/core/ports';
import { LiveProgress } from './live-progress.ts';
import { plainLine } from './plain-progress.ts';
import type { ProgressBoard } from './stage-progress.ts';

/** Where progress is shown: drawn on where it is a terminal, line by line elsewhere. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows a run as its events come, whether it has just begun or is continued. */
export function progressSink(board: ProgressBoard, terminal: Terminal): EventSink {
  const live =
    terminal.isTTY === true ? new LiveProgress({ columns: terminal.columns || 80, write: (text) => terminal.write(text) }) : undefined;
  return {
    name: 'progress',
    emit(event) {
      const changed = board.take(event);
      if (live !== undefined) return live.draw(board, event.elapsedMs);
      const line = changed === undefined || event.type === 'stage.progressed' ? undefined : plainLine(changed);
      if (line !== undefined) terminal.write(`${line}\n`);
    },
    flush: async () => live?.draw(board, Number.POSITIVE_INFINITY),
  };
}
