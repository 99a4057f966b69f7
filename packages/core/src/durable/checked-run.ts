import { StageflowError } from '../errors.ts';
import type { JournalRecord, StoredRun, StoredStatus, StoredWait } from '../ports/run-store.ts';
import { decode } from './codec.ts';
import { revivedError } from './error-json.ts';
import { wasExpired } from './journaled-end.ts';

const runStatuses: Readonly<Record<StoredStatus, true>> = {
  running: true,
  suspended: true,
  completed: true,
  failed: true,
  blocked: true,
  cancelled: true,
};
const recordStatuses: Readonly<Record<JournalRecord['status'], true>> = {
  completed: true,
  skipped: true,
  failed: true,
  blocked: true,
  intent: true,
};
const waitStatuses: Readonly<Record<StoredWait['status'], true>> = { open: true, answered: true, withdrawn: true };

/** Why something cannot be read. */
interface Fault {
  readonly why: string;
  readonly cause?: unknown;
}

/** Where that is. */
interface Place {
  readonly at: string;
  readonly path?: string | undefined;
}

type PlacedFault = Fault & Place;

/**
 * The run, all of which this version can read, so that nothing of it begins that could not be brought to its end.
 *
 * @throws SF_JOURNAL_CORRUPT
 */
export function checkedRun(run: StoredRun, runId: string): StoredRun {
  refuse(faultOf(run, runId), runId);
  return run;
}

/** The wait, where this version can read it. @throws SF_JOURNAL_CORRUPT */
export function checkedWait(wait: StoredWait): StoredWait {
  refuse(faultOfWait(wait), wait.runId);
  return wait;
}

function refuse(fault: PlacedFault | undefined, runId: string): void {
  if (fault === undefined) return;
  const { at, why, path, cause } = fault;
  throw new StageflowError('SF_JOURNAL_CORRUPT', { runId, at, why }, { runId, path, ...(cause === undefined ? {} : { cause }) });
}

function faultOf(run: StoredRun, runId: string): PlacedFault | undefined {
  const wrong = run.runId === runId ? undefined : { why: `it says that it is run ${JSON.stringify(run.runId)}` };
  return (
    placed(wrong ?? unknownStatus(run.status, runStatuses), { at: 'the run' }) ??
    placed(noObject(run.identity), { at: 'its identity' }) ??
    placed(noObject(run.input), { at: 'its input' }) ??
    first(Object.entries(run.input), ([name, value]) => placed(unreadable(value), { at: `input "${name}"` })) ??
    first(run.records, faultOfRecord) ??
    first(run.waits, faultOfWait)
  );
}

function placed(fault: Fault | undefined, place: Place): PlacedFault | undefined {
  return fault && { ...fault, ...place };
}

function first<Item>(items: readonly Item[], faultIn: (item: Item, at: number) => PlacedFault | undefined): PlacedFault | undefined {
  for (const [at, item] of items.entries()) {
    const fault = faultIn(item, at);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOfRecord(record: JournalRecord, index: number): PlacedFault | undefined {
  const nameless = noObject(record) ?? (typeof record.path === 'string' ? undefined : { why: 'it has no path' });
  if (nameless !== undefined) return placed(nameless, { at: `record ${index + 1}` });
  const { path, status, attempts, fingerprint, output, error, values } = record;
  const fault =
    unknownStatus(status, recordStatuses) ??
    (Number.isSafeInteger(attempts) ? undefined : { why: 'it does not say how many attempts there were' }) ??
    (typeof fingerprint === 'string' ? undefined : { why: 'it does not say what stage made it' }) ??
    (output === undefined ? undefined : unreadable(output)) ??
    // Of what a stage called they are a print, which is not read.
    (status === 'intent' && values !== undefined ? unreadable(values) : undefined) ??
    (error === undefined ? undefined : unreadableBy(() => revivedError(error)));
  return placed(fault, { at: `the record of "${path}"`, path });
}

function faultOfWait(wait: StoredWait): PlacedFault | undefined {
  const { waitId, path, status, request, answer } = wait;
  const fault =
    unknownStatus(status, waitStatuses) ??
    (request === undefined ? undefined : unreadable(request)) ??
    (status === 'answered' && !wasExpired(wait) ? unreadable(answer) : undefined);
  return placed(fault, { at: `wait "${waitId}"`, path });
}

function unknownStatus(status: unknown, known: Readonly<Record<string, true>>): Fault | undefined {
  if (typeof status === 'string' && Object.hasOwn(known, status)) return undefined;
  return { why: `its status is ${JSON.stringify(status)}, which this version does not know` };
}

function noObject(value: unknown): Fault | undefined {
  return typeof value === 'object' && value !== null ? undefined : { why: 'it is no object' };
}

/** Of a value that was encoded. */
function unreadable(text: unknown): Fault | undefined {
  return typeof text === 'string' ? unreadableBy(() => decode(text)) : { why: 'a value is missing' };
}

/** What it says may have users' data in it, and stays in the cause. */
function unreadableBy(read: () => unknown): Fault | undefined {
  try {
    read();
    return undefined;
  } catch (cause) {
    return { why: 'a value has been cut off or changed, or a later version wrote it', cause };
  }
}
