import { styleText } from 'node:util';
import type { RunEvent } from '@stageflow/core';
import { durationText } from './duration-text.ts';
import type { EventWords, Look } from './event-words.ts';
import { fit, fitEnd, widthOf } from './fit.ts';
import { printable } from './printable.ts';

type Style = Parameters<typeof styleText>[0];

interface Piece {
  readonly text: string;
  readonly style?: Style | undefined;
}

const looks: Readonly<Record<Look, { readonly mark: string; readonly style: Style }>> = {
  begun: { mark: '·', style: 'dim' },
  completed: { mark: '✓', style: 'green' },
  skipped: { mark: '-', style: 'dim' },
  failed: { mark: '✗', style: 'red' },
  blocked: { mark: '⊘', style: 'magenta' },
  cancelled: { mark: '■', style: 'yellow' },
  retried: { mark: '↻', style: 'yellow' },
  waiting: { mark: '?', style: 'cyan' },
  warning: { mark: '!', style: 'yellow' },
  note: { mark: '·', style: 'dim' },
};

/** Below this width nothing is cut any further. */
const narrowest = 40;

/**
 * An event as a line for a terminal of so many columns: when, which run, a mark, where, what. Below a failure stands what to
 * do, below the end of a run how its stages ended.
 *
 * Text is made printable first, then cut, then coloured, so that no escape sequence is ever cut, and none but ours is there.
 */
export function terminalLines(event: RunEvent, words: EventWords, columns: number, color: boolean): string {
  const room = Math.max(columns, narrowest);
  const { mark, style } = looks[words.look];
  const isRun = !('path' in event);
  const subjectColumns = Math.min(32, Math.floor(room / 4));
  const subject = fitEnd(printable(isRun ? event.pipeline : event.path), subjectColumns);
  const quiet = words.look === 'begun' || words.look === 'skipped' || words.look === 'note';
  const gap = ' '.repeat(subjectColumns - widthOf(subject) + 1);
  const line: Piece[] = [
    { text: `${durationText(event.elapsedMs).padStart(7)} ${tagOf(event)} `, style: 'dim' },
    { text: mark, style },
    { text: ' ' },
    { text: subject, style: isRun ? 'bold' : quiet ? 'dim' : undefined },
    { text: gap },
    { text: words.status, style },
    { text: printable(words.more), style: quiet ? 'dim' : undefined },
  ];
  const below = event.type === 'run.created' ? `run ${event.runId}` : words.below;
  const lines = [line];
  if (below !== undefined) lines.push([{ text: ' '.repeat(15) }, { text: printable(below), style: 'dim' }]);
  return lines.map((pieces) => `${joined(pieces, room, color)}\n`).join('');
}

/** The end of a run's id: the beginning of a UUIDv7 is the time, and many have it in common. */
function tagOf({ runId }: RunEvent): string {
  return fitEnd(printable(runId.slice(-4)), 4).padStart(4);
}

function joined(pieces: readonly Piece[], columns: number, color: boolean): string {
  let left = columns;
  let line = '';
  for (const { text, style } of pieces) {
    const shown = fit(text, left);
    left -= widthOf(shown);
    line += color && style !== undefined && shown !== '' ? styled(shown, style) : shown;
    if (shown !== text) break;
  }
  return color ? line : line.trimEnd();
}

/** What stands before and behind text of each style. */
const codes = new Map<Style, readonly [string, string]>();

function styled(text: string, style: Style): string {
  let around = codes.get(style);
  if (around === undefined) {
    // Without a look at Node's own standard output, which need not be where this goes.
    const [open = '', close = ''] = styleText(style, ' ', { validateStream: false }).split(' ');
    around = [open, close];
    codes.set(style, around);
  }
  return `${around[0]}${text}${around[1]}`;
}
