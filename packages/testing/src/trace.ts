import type { ErrorSummary, EventOf, OutcomeCounts, Run, RunEvent, StageReport } from '@stageflow/core';

/** What a trace can be made of: events, whatever keeps them, or the result of a run. */
export type Traceable = readonly RunEvent[] | { readonly events: readonly RunEvent[] } | Run<unknown>;

/**
 * Prints what happened as text: one line per fact, the time first, stages indented under their run and children under
 * their stage. Runs on a {@link virtualClock} print the same each time, so the text may be kept as a golden file; run
 * ids and wall times are left out.
 *
 * @param source - Events tell what happened when. A `Run` has no events: its trace says how each stage ended, in the
 *   order of the plan.
 * @example
 * ```ts
 * console.log(traceOf(sink));
 * // run chat
 * //      0 ms  started
 * //      0 ms    profile started
 * //    200 ms    profile completed in 200 ms
 * //    200 ms  completed in 200 ms: 1 completed
 * ```
 */
export function traceOf(source: Traceable): string {
  if ('status' in source) return traceOfRun(source);
  const events = 'events' in source ? source.events : source;
  if (events.length === 0) return 'no events';
  const runs = new Map<string, RunEvent[]>();
  for (const event of events) {
    const known = runs.get(event.runId);
    if (known === undefined) runs.set(event.runId, [event]);
    else known.push(event);
  }
  return Array.from(runs.values(), (run) => [`run ${run[0]?.pipeline}`, ...run.map(eventLine)].join('\n')).join('\n');
}

/** One event as a line of a trace. */
export function eventLine(event: RunEvent): string {
  const subject = 'stage' in event ? `${'  '.repeat(1 + depthOf(event.path))}${event.path} ` : '';
  return `${ms(event.elapsedMs).padStart(10)}  ${subject}${factOf(event)}`;
}

type FactOf<T extends RunEvent['type']> = (event: EventOf<T>) => string;

const facts = {
  'run.created': ({ stageCount }) => `created with ${counted(stageCount, 'stage')}`,
  'run.started': () => 'started',
  'run.snapshotted': ({ statuses }) =>
    `joined late: ${Object.entries(statuses)
      .map(([stage, status]) => `${stage} ${status}`)
      .join(', ')}`,
  'run.paused': () => 'paused',
  'run.continued': () => 'continued',
  'run.stopping': ({ status, reason }) => `stopping as ${status}: ${reason}`,
  'run.completed': (event) => `completed${event.degraded ? ', degraded,' : ''} ${ending(event)}`,
  'run.failed': (event) => `failed ${ending(event)}; ${errorText(event.error)}`,
  'run.blocked': (event) => `blocked${by(event.blockedBy)} ${ending(event)}; ${event.reason}`,
  'run.cancelled': (event) => `cancelled${by(event.cancelledBy)} ${ending(event)}; ${event.reason}`,
  'run.suspended': (event) => `suspended ${ending(event)}; waits for ${event.waits.join(', ')}`,
  'stage.suspended': ({ waitId }) => `waits for ${waitId}`,
  'stage.resumed': ({ waitId }) => `goes on: ${waitId} was answered`,
  'stage.started': ({ queuedMs }) => `started${queuedMs > 0 ? ` after ${ms(queuedMs)} in the queue` : ''}`,
  'stage.completed': ({ durationMs }) => `completed in ${ms(durationMs)}`,
  'stage.skipped': ({ reason, rootCause }) => `skipped: ${reason}${rootCause === undefined ? '' : ` (root cause: ${rootCause})`}`,
  'stage.failed': ({ durationMs, error, handled }) => `failed in ${ms(durationMs)}${handled ? ', handled' : ''}: ${errorText(error)}`,
  'stage.blocked': ({ durationMs, reason, handled }) => `blocked in ${ms(durationMs)}${handled ? ', handled' : ''}: ${reason}`,
  'stage.cancelled': ({ reason }) => `cancelled: ${reason}`,
  'stage.progressed': ({ fraction, message }) =>
    `progressed${fraction === undefined ? '' : ` to ${rounded(fraction * 100)} %`}${message === undefined ? '' : `: ${message}`}`,
  'attempt.failed': ({ attempt, error, retryInMs }) =>
    `attempt ${attempt} failed${retryInMs === undefined ? '' : `, next in ${ms(retryInMs)}`}: ${errorText(error)}`,
  'attempt.abandoned': ({ attempt, graceMs }) => `attempt ${attempt} abandoned: it ignored its signal for ${ms(graceMs)}`,
  'attempt.arrived_late': ({ attempt, settledAs }) => `attempt ${attempt} ${settledAs} late`,
  'stream.opened': ({ readers }) => `streams to ${counted(readers, 'reader')}`,
  'stream.chunk': ({ index, chunk }) => `chunk ${index}: ${JSON.stringify(chunk)}`,
  'stream.overflowed': ({ reader }) => `gave more than ${reader} had room for`,
  'stream.closed': ({ chunks }) => `stream closed after ${counted(chunks, 'chunk')}`,
  'guard.failed_open': ({ error }) => `failed open: ${errorText(error)}`,
  'guarded.rejected': ({ attempt, reason }) => `draft ${attempt} rejected: ${reason}`,
  'guarded.retried': ({ attempt }) => `draft ${attempt + 1} asked for`,
  'guarded.exhausted': ({ attempt, spent }) => `gave up after draft ${attempt}: ${spent}`,
  'guarded.recovered': ({ attempt }) => `draft ${attempt} passed`,
  'cleanup.failed': ({ error }) => `cleanup failed: ${errorText(error)}`,
  'undo.started': ({ result }) => `undo started${result === 'unknown' ? ' of what may have been made' : ''}`,
  'undo.completed': () => 'undone',
  'undo.failed': ({ attempt, error, retryInMs }) =>
    `undo ${attempt} failed: ${errorText(error)}${retryInMs === undefined ? '' : `; next in ${ms(retryInMs)}`}`,
  'events.dropped': ({ sink, count }) => `${counted(count, 'event')} dropped by sink ${sink}`,
  custom: ({ name, payload }) => `emitted ${name} ${JSON.stringify(payload)}`,
} satisfies { readonly [T in RunEvent['type']]: FactOf<T> };

function factOf<T extends RunEvent['type']>(event: EventOf<T>): string {
  const fact = facts[event.type as T] as unknown as FactOf<T> | undefined;
  // A newer core may know events that this version does not.
  return fact === undefined ? event.type : fact(event);
}

function traceOfRun(run: Run<unknown>): string {
  const lines = Array.from(run.stages.values(), (report) => {
    const time = report.startedAfterMs === undefined ? '-' : ms(report.startedAfterMs);
    return `${time.padStart(10)}  ${'  '.repeat(1 + depthOf(report.path))}${report.path} ${reportText(report)}`;
  });
  const end = ending({ durationMs: run.elapsedMs, counts: run.counts, unsettled: run.unsettled });
  return [`run ${run.pipeline}`, ...lines, `${ms(run.elapsedMs).padStart(10)}  ${statusText(run, end)}`].join('\n');
}

/** The same words as for the last event of the run. */
function statusText(run: Run<unknown>, end: string): string {
  if (run.status === 'completed') return `completed${run.degraded ? ', degraded,' : ''} ${end}`;
  if (run.status === 'failed') return `failed ${end}; ${errorText(run.error)}`;
  if (run.status === 'blocked') return `blocked${by(run.blockedBy)} ${end}; ${run.reason}`;
  if (run.status === 'suspended') return `suspended ${end}; waits for ${run.waits.map(({ waitId }) => waitId).join(', ')}`;
  return `cancelled${by(run.cancelledBy)} ${end}; ${run.reason}`;
}

function by(stage: string | undefined): string {
  return stage === undefined ? '' : ` by ${stage}`;
}

function reportText({ outcome, attempts, durationMs, queuedMs, unsettled }: StageReport): string {
  const took = durationMs === undefined || attempts === 0 ? '' : ` in ${ms(durationMs)}`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : '';
  const queued = queuedMs > 0 ? `, ${ms(queuedMs)} in the queue` : '';
  const open = unsettled ? ', unsettled' : '';
  return `${outcome.status}${took}${tries}${queued}${open}${causeOf(outcome)}`;
}

function causeOf(outcome: StageReport['outcome']): string {
  if (outcome.status === 'completed') return '';
  if (outcome.status === 'failed') return `: ${errorText(outcome.error)}`;
  const cause = outcome.status === 'skipped' && outcome.rootCause !== undefined ? ` (root cause: ${outcome.rootCause.stage})` : '';
  return `: ${outcome.reason}${cause}`;
}

function ending({
  durationMs,
  counts,
  unsettled,
}: {
  readonly durationMs: number;
  readonly counts: OutcomeCounts;
  readonly unsettled: readonly string[];
}): string {
  const ended = Object.entries(counts).flatMap(([status, count]) => (count > 0 ? [`${count} ${status}`] : []));
  return `in ${ms(durationMs)}: ${ended.join(', ')}${unsettled.length > 0 ? `; unsettled: ${unsettled.join(', ')}` : ''}`;
}

function errorText({ code, message }: ErrorSummary | { readonly code: string; readonly message: string }): string {
  return `${code} ${message}`;
}

function depthOf(path: string): number {
  return path.split('/').length - 1;
}

function ms(value: number): string {
  return `${rounded(value)} ms`;
}

/** At most two decimals: epoch milliseconds in a double hold no more than three. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
