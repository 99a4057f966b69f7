import type { ErrorDetails } from '../error-details.ts';
import { didYouMean, type ErrorEntry, ended, entry } from '../error-entry.ts';

type Code =
  | 'SF_RESOURCE_UNKNOWN'
  | 'SF_RESOURCE_REFUSED'
  | 'SF_RESOURCE_ORDER'
  | 'SF_RUN_CONFLICT'
  | 'SF_RUN_REFUSED'
  | 'SF_RUN_DEPTH_EXCEEDED'
  | 'SF_PARENT_ENDED';

function refusal({ why, limit }: { readonly why: 'queue_full' | 'queue_timeout'; readonly limit: number }): string {
  return why === 'queue_full' ? `the queue of ${limit} is full` : `none came free within ${limit} ms`;
}

/** The codes of limits and of runs below others. */
export const limitErrors: { readonly [C in Code]: ErrorEntry<ErrorDetails[C]> } = {
  SF_RESOURCE_UNKNOWN: entry(
    (d) => `Stage "${d.stage}" names the resource "${d.resource}", which this runtime does not have.`,
    (d) => didYouMean(d.nearest, 'Add it to "limits.resources" of createRuntime().'),
  ),
  SF_RESOURCE_REFUSED: entry(
    (d) => `Stage "${d.stage}" got no slot of resource "${d.resource}"${d.key === undefined ? '' : ` for "${d.key}"`}: ${refusal(d)}.`,
    () => 'Retry later, or raise the capacity or the limits of the queue.',
    true,
  ),
  SF_RESOURCE_ORDER: entry(
    (d) => `Stage "${d.stage}" needs resource "${d.resource}" while a stage that called it holds "${d.held}", which comes after it.`,
    (d) => `Two such stages could wait for each other. Declare "${d.resource}" before "${d.held}", or let the caller name it, too.`,
  ),
  SF_RUN_CONFLICT: entry(
    (d) => `Pipeline "${d.pipeline}" was not run, because run "${d.other}" of the key "${d.key}" has not ended.`,
    () => 'Try again when it has ended, or say "queue" or "supersede" in place of "reject".',
    true,
  ),
  SF_RUN_REFUSED: entry(
    (d) => `Pipeline "${d.pipeline}" was not run, because no place was free: ${refusal(d)}.`,
    () => 'Try again later, or raise "limits.runs" of createRuntime().',
    true,
  ),
  SF_RUN_DEPTH_EXCEEDED: entry(
    (d) => `Pipeline "${d.pipeline}" was not run below run "${d.parentRunId}": runs may nest ${d.maxDepth} deep.`,
    () => 'Look for a pipeline that starts itself, or raise "limits.maxRunDepth" of createRuntime().',
  ),
  SF_PARENT_ENDED: entry(
    (d) => `Pipeline "${d.pipeline}" was not run below run "${d.parentRunId}": ${ended(d.why)}`,
    () => 'Start it while its parent is under way in this runtime; "parentRunId" alone only records where a run comes from.',
  ),
};
