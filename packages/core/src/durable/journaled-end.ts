import { StageflowError } from '../errors.ts';
import type { JournaledEnd } from '../execution/journal.ts';
import type { StageOutcome } from '../outcome.ts';
import type { JournalRecord, StoredWait } from '../ports/run-store.ts';
import { decode, type Encoded } from './codec.ts';
import { revivedError } from './error-json.ts';

/** The answer of a wait that has expired, where nobody said what else it is to be. No value is written like this. */
export const expiredAnswer = '{"$sf":"expired"}' as Encoded;

/** Whether nobody answered in time, and there was no default. */
export function wasExpired({ answer }: StoredWait): boolean {
  return answer === expiredAnswer;
}

/** How a stage ended, as a record has it. */
export function endOf(record: JournalRecord): JournaledEnd {
  const { attempts, values, error, skippedByHand } = record;
  return { outcome: outcomeOf(record), attempts, values, skippedByHand, failure: error && revivedError(error) };
}

function outcomeOf({ status, output, reason, error, path }: JournalRecord): StageOutcome {
  const failure = error && revivedError(error);
  switch (status) {
    case 'completed':
      return { status, output: output === undefined ? undefined : decode(output) };
    case 'failed':
      return { status, error: failure ?? new StageflowError('SF_STAGE_FAILED', { stage: path, thrown: 'it failed before.' }) };
    case 'blocked':
      return { status, reason: reason ?? '', error: failure };
    default:
      return { status: 'skipped', reason: reason ?? '' };
  }
}
