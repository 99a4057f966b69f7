import type { ErrorSummary, EventOf, OutcomeCounts, RunEvent } from '@stageflow/core';
import { durationText } from './duration-text.ts';

/** How a fact looks: what happened, in a word, decides its mark and colour. */
export type Look = 'begun' | 'completed' | 'skipped' | 'failed' | 'blocked' | 'cancelled' | 'retried' | 'waiting' | 'warning' | 'note';

/** A fact in words. */
export interface EventWords {
  readonly look: Look;
  /** The word that says what happened. */
  readonly status: string;
  /** What there is to say besides; empty where there is nothing. */
  readonly more: string;
  /** What belongs to it and is not the fact itself. */
  readonly below?: string | undefined;
}

type Words = { readonly [T in RunEvent['type']]: (event: EventOf<T>) => EventWords | undefined };

const words: Words = {
  'run.created': ({ stageCount, tenantId, parentRunId }) => {
    const facts = [counted(stageCount, 'stage')];
    if (tenantId !== undefined) facts.push(`tenant ${tenantId}`);
    if (parentRunId !== undefined) facts.push(`below ${parentRunId}`);
    return { look: 'begun', status: 'created', more: `: ${facts.join(', ')}` };
  },
  'run.started': ({ epoch }) => ({ look: 'begun', status: 'started', more: epoch > 1 ? `, activation ${epoch}` : '' }),
  'run.snapshotted': ({ statuses }) => ({ look: 'note', status: 'under way', more: `: ${tally(countsIn(Object.values(statuses)))}` }),
  'run.stopping': ({ status, reason }) => ({ look: status, status: 'stopping', more: `: ${reason}` }),
  'run.paused': () => ({ look: 'waiting', status: 'paused', more: '' }),
  'run.continued': () => ({ look: 'begun', status: 'continued', more: '' }),
  'run.completed': (event) => ended(event, event.degraded ? 'warning' : 'completed', 'completed', event.degraded ? ', degraded' : ''),
  // Why was said by the stage.
  'run.failed': (event) => ended(event, 'failed', 'failed', `: ${event.error.code}`),
  'run.blocked': (event) => ended(event, 'blocked', 'blocked', ` by ${event.blockedBy}: ${event.reason}`),
  'run.cancelled': (event) => {
    const by = event.cancelledBy === undefined ? '' : ` by ${event.cancelledBy}`;
    return ended(event, 'cancelled', 'cancelled', `${by}: ${event.reason}`);
  },
  'run.suspended': (event) => ended(event, 'waiting', 'suspended', `: waits for ${counted(event.waits.length, 'answer')}`),
  'stage.started': ({ queuedMs }) => ({ look: 'begun', status: 'started', more: queuedMs < 1 ? '' : `, queued ${durationText(queuedMs)}` }),
  'stage.completed': ({ durationMs, attempt, cached }) => {
    const after = `${attempt > 1 ? `, attempt ${attempt}` : ''}${cached === true ? ', cached' : ''}`;
    return { look: 'completed', status: 'completed', more: ` in ${durationText(durationMs)}${after}` };
  },
  'stage.skipped': ({ reason, rootCause }) => {
    const because = rootCause === undefined || reason.includes(rootCause) ? '' : `, because of ${rootCause}`;
    return { look: 'skipped', status: 'skipped', more: `: ${reason}${because}` };
  },
  'stage.failed': (event) => ({
    look: 'failed',
    status: 'failed',
    more: ` in ${durationText(event.durationMs)}${event.handled ? ', handled' : ''}: ${errorText(event)}`,
    below: hintOf(event),
  }),
  'stage.blocked': ({ durationMs, reason, handled }) => ({
    look: 'blocked',
    status: 'blocked',
    more: ` in ${durationText(durationMs)}${handled ? ', handled' : ''}: ${reason}`,
  }),
  'stage.cancelled': ({ reason }) => ({ look: 'cancelled', status: 'cancelled', more: `: ${reason}` }),
  'stage.suspended': ({ wait, waitId }) => ({ look: 'waiting', status: 'suspended', more: `: waits for ${wait} (${waitId})` }),
  'stage.resumed': ({ waitId }) => ({ look: 'waiting', status: 'resumed', more: `: its answer has come (${waitId})` }),
  'stage.progressed': ({ fraction, message }) => {
    const share = fraction === undefined ? '' : ` ${Math.round(fraction * 100)} %`;
    return { look: 'note', status: 'progressed', more: `${share}${message === undefined ? '' : `: ${message}`}` };
  },
  'attempt.failed': (event) => {
    const status = `attempt ${event.attempt} failed`;
    // What follows the last attempt says why.
    if (event.retryInMs === undefined) return { look: 'failed', status, more: `, the last: ${event.error.code}` };
    return { look: 'retried', status, more: `, next in ${durationText(event.retryInMs)}: ${errorText(event)}` };
  },
  'attempt.abandoned': ({ attempt, graceMs }) => ({
    look: 'warning',
    status: `attempt ${attempt} abandoned`,
    more: `: it ignored its signal for ${durationText(graceMs)}`,
  }),
  'attempt.arrived_late': ({ attempt, settledAs }) => ({
    look: 'warning',
    status: `attempt ${attempt} too late`,
    more: `: it ${settledAs} after it was given up`,
  }),
  'stream.opened': ({ readers }) => ({ look: 'note', status: 'stream opened', more: `: ${counted(readers, 'reader')}` }),
  // Hundreds of them, and what they carry is users' data: `stream.closed` says how many it were.
  'stream.chunk': () => undefined,
  'stream.overflowed': ({ reader }) => ({ look: 'warning', status: 'stream overflowed', more: `: ${reader} has lost a chunk` }),
  'stream.closed': ({ chunks, blockedMs, readers }) => {
    const dropped = readers.reduce((sum, reader) => sum + reader.dropped, 0);
    const facts = [counted(chunks, 'chunk')];
    if (dropped > 0) facts.push(`${dropped} dropped`);
    if (blockedMs >= 1) facts.push(`waited ${durationText(blockedMs)} for readers`);
    return { look: dropped > 0 ? 'warning' : 'note', status: 'stream closed', more: `: ${facts.join(', ')}` };
  },
  'guard.failed_open': (event) => ({
    look: 'warning',
    status: 'failed open',
    more: `: let pass what it could not judge: ${errorText(event)}`,
    below: hintOf(event),
  }),
  'guarded.rejected': ({ attempt, reason }) => ({ look: 'retried', status: `draft ${attempt} rejected`, more: `: ${reason}` }),
  'guarded.retried': () => ({ look: 'retried', status: 'drafting again', more: '' }),
  'guarded.exhausted': ({ spent, reason }) => ({ look: 'failed', status: 'no further draft', more: ` (${spent}): ${reason}` }),
  'guarded.recovered': ({ attempt }) => ({ look: 'note', status: `draft ${attempt} passed`, more: '' }),
  'cleanup.failed': (event) => ({ look: 'warning', status: 'cleanup failed', more: `: ${errorText(event)}`, below: hintOf(event) }),
  'undo.started': ({ result }) => ({
    look: 'retried',
    status: 'undo started',
    more: result === 'unknown' ? ', of what may have been made' : '',
  }),
  'undo.completed': ({ attempt }) => ({ look: 'completed', status: 'undone', more: attempt > 1 ? `, attempt ${attempt}` : '' }),
  'undo.failed': (event) => {
    const status = `undo ${event.attempt} failed`;
    if (event.retryInMs !== undefined)
      return { look: 'retried', status, more: `, next in ${durationText(event.retryInMs)}: ${errorText(event)}` };
    return { look: 'failed', status, more: `, the effect is left: ${errorText(event)}`, below: hintOf(event) };
  },
  'events.dropped': ({ count, sink }) => ({
    look: 'warning',
    status: `${counted(count, 'event')} dropped`,
    more: ` before this line: sink ${sink} was behind`,
  }),
  custom: ({ name }) => ({ look: 'note', status: 'emitted', more: ` ${name}` }),
};

/** What an event says, or `undefined` for one that people are not shown. */
export function wordsOf<T extends RunEvent['type']>(event: EventOf<T> & { readonly type: T }): EventWords | undefined {
  return words[event.type](event);
}

interface Failing {
  readonly stage: string;
  readonly error: ErrorSummary;
}

function errorText({ stage, error: { code, message } }: Failing): string {
  // Where it happened is on the line already.
  const prefix = `Stage "${stage}" failed: `;
  return `${code} ${message.startsWith(prefix) ? message.slice(prefix.length) : message}`;
}

function hintOf({ error: { hint } }: Failing): string | undefined {
  return hint === undefined ? undefined : `hint: ${hint}`;
}

interface Ended {
  readonly durationMs: number;
  readonly counts: OutcomeCounts;
  readonly unsettled: readonly string[];
}

/** The summary of a run. */
function ended({ durationMs, counts, unsettled }: Ended, look: Look, status: string, why: string): EventWords {
  const left = unsettled.length === 0 ? '' : `, still at work: ${unsettled.join(', ')}`;
  return { look, status, more: ` in ${durationText(durationMs)}${why}`, below: `${tally(counts)}${left}` };
}

/** `3 completed, 1 skipped`: what there is none of is not named. */
function tally(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).flatMap(([status, count]) => (count > 0 ? [`${count} ${status}`] : []));
  return parts.length === 0 ? 'no stage has ended' : parts.join(', ');
}

function countsIn(statuses: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
