import type { ErrorDetails } from '../error-details.ts';
import { type ErrorEntry, ended, entry, reasons } from '../error-entry.ts';

type DurabilityCode =
  | 'SF_NOT_SERIALIZABLE'
  | 'SF_ANSWER_INVALID'
  | 'SF_WAIT_EXPIRED'
  | 'SF_WAIT_CLOSED'
  | 'SF_DECISION_REFUSED'
  | 'SF_RUN_EXISTS'
  | 'SF_RUN_UNKNOWN'
  | 'SF_RUN_NOT_RESUMABLE'
  | 'SF_RUN_TAKEN_OVER'
  | 'SF_PLAN_CHANGED'
  | 'SF_JOURNAL_CORRUPT'
  | 'SF_STORE_VERSION'
  | 'SF_STORE_FAILED'
  | 'SF_COMPENSATION_FAILED';

/** What goes wrong with runs that are kept, that wait, that another process takes over, and whose effects are undone. */
export const durabilityErrors: { readonly [C in DurabilityCode]: ErrorEntry<ErrorDetails[C]> } = {
  SF_NOT_SERIALIZABLE: entry(
    (d) => `What "${d.stage}" yields cannot be kept: at ${d.at} it has ${d.received}.`,
    (d) =>
      d.received === 'an instance of Promise'
        ? 'Await it: Promise.all() awaits a list of promises, and map() makes each item a stage.'
        : 'Yield plain data, dates, maps, sets, bytes or errors; hand clients and functions on as services.',
  ),
  SF_ANSWER_INVALID: entry(
    (d) => `The answer "${d.wait}" that "${d.stage}" waits for is invalid: ${reasons(d.issues)}`,
    () => 'Answer with what the stage asks for.',
  ),
  SF_WAIT_EXPIRED: entry(
    (d) => `"${d.stage}" waited for "${d.wait}", and no answer came in time.`,
    () => 'Answer sooner, or give the wait more time.',
  ),
  SF_WAIT_CLOSED: entry(
    (d) => `Wait "${d.waitId}" takes no answer: ${ended(d.why)}`,
    () => 'Where somebody was faster there is nothing to do. runtime.waits() lists the waits that are open.',
  ),
  SF_DECISION_REFUSED: entry(
    (d) => `Wait "${d.waitId}" takes no answer from ${d.by === undefined ? 'somebody unnamed' : `"${d.by}"`}: ${ended(d.why)}`,
    (d) =>
      d.by === undefined ? 'Say who decides: decide(waitId, answer, { by: { id, roles } }).' : 'Have somebody decide who may, and has not.',
  ),
  SF_RUN_EXISTS: entry(
    (d) => `A run "${d.runId}" is kept already.`,
    () => 'Give each run an id of its own, or resume the one that is kept.',
  ),
  SF_RUN_UNKNOWN: entry(
    (d) => `The store has no run "${d.runId}".`,
    () => 'Check the id and the tenant.',
  ),
  SF_RUN_NOT_RESUMABLE: entry(
    (d) => `Run "${d.runId}" cannot be resumed: ${ended(d.why)}`,
    () => 'A run is resumed by one process at a time, until it has ended.',
  ),
  SF_RUN_TAKEN_OVER: entry(
    (d) => `Another process has gone on with run "${d.runId}" after activation ${d.epoch}.`,
    () => 'Nothing to do: what this activation did after that is not kept. Raise leaseMs if the process was merely slow.',
  ),
  SF_PLAN_CHANGED: entry(
    (d) =>
      `Run "${d.runId}" was begun with another version of pipeline "${d.pipeline}": ${d.paths.map((path) => `"${path}"`).join(', ')} changed.`,
    () =>
      'Resume it with the code that began it; or fork() it from what changed, which does that anew; or, where what is kept still means the same, resume it with compatible: true.',
  ),
  SF_JOURNAL_CORRUPT: entry(
    (d) => `What is kept of run "${d.runId}" cannot be read, at ${d.at}: ${ended(d.why)}`,
    () => 'Nothing of the run was called. Restore what was kept, or go on with the version of Stageflow that wrote it.',
  ),
  SF_STORE_VERSION: entry(
    (d) => `${d.subject} is of version ${d.version}, and this package knows versions up to ${d.known}.`,
    (d) => `Update ${d.package}. What is kept was left as it is.`,
  ),
  SF_STORE_FAILED: entry(
    (d) => `Store "${d.store}" failed: ${ended(d.why)}`,
    () => 'See "cause". What was kept before is kept; resume the run when the store is back.',
    true,
  ),
  SF_COMPENSATION_FAILED: entry(
    (d) =>
      `The effect of stage "${d.stage}" could not be undone${d.attempts === 0 ? '' : ` in ${d.attempts} attempt${d.attempts === 1 ? '' : 's'}`}: ${ended(d.why)}`,
    () => 'The effect is still there: undo it by hand. run.undoErrors names every effect that is left.',
  ),
};
