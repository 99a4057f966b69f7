import { styleText } from 'node:util';
import { inTime, printable } from '../report/wording.ts';
import type { ProgressBoard, StageProgress } from './stage-progress.ts';

const redrawMs = 60;
const barWidth = 16;

interface Drawable {
  readonly columns: number;
  write(text: string): unknown;
}

/** A part of the terminal, one line a stage, that is drawn again as the run goes on. */
export class LiveProgress {
  readonly #terminal: Drawable;
  #drawnLines = 0;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Drawable) {
    this.#terminal = terminal;
  }

  /**
   * Draws where the stages are over what was drawn before, unless that was less than 60 ms ago.
   *
   * @param nowMs - From any clock that does not go back; infinity draws in any case.
   */
  draw({ stages }: ProgressBoard, nowMs: number): void {
    if (nowMs - this.#drawnAtMs < redrawMs) return;
    this.#drawnAtMs = nowMs;
    const width = Math.max(...stages.map(({ stage }) => stage.length));
    const lines = stages.map((progress) => line(progress, width, this.#terminal.columns - 1));
    // Back to the first line; then each line is written and its old end wiped.
    const back = this.#drawnLines > 0 ? `\u001B[${this.#drawnLines}A` : '';
    this.#terminal.write(`${back}${lines.map((text) => `${text}\u001B[K\n`).join('')}`);
    this.#drawnLines = lines.length;
  }
}

const marks = {
  waiting: ['gray', '·'],
  running: ['cyan', '▸'],
  completed: ['green', '✓'],
  skipped: ['gray', '-'],
  failed: ['red', '✗'],
  blocked: ['red', '■'],
  cancelled: ['yellow', '■'],
  suspended: ['gray', '·'],
} as const;

function line({ stage, status, fraction, message, durationMs }: StageProgress, width: number, columns: number): string {
  const [colour, mark] = marks[status];
  const filled = Math.round(fraction * barWidth);
  const bar = status === 'running' ? `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ` : '';
  const told = printable(message === '' ? status : message);
  const time = (durationMs === undefined ? '' : inTime(durationMs)).padStart(7);
  const room = Math.max(0, columns - width - time.length - 6);
  const middle = `${bar}${told}`.slice(0, room).padEnd(room);
  return `${styleText(colour, mark)} ${stage.padEnd(width)}  ${styleText(colour, middle)} ${time}`.trimEnd();
}
