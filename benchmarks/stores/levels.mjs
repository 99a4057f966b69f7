import { stageCount } from './work.mjs';

/** The journal levels that are measured: what `journal` may be among the options of a run. */
export const levels = ['stage', 'exit', 'none'];

/**
 * What a completed run leaves at each level: its row, at least so many records, in at most so many commits. A level that core
 * takes no notice of is found out by it.
 */
export const keptAt = {
  stage: { runs: 1, records: stageCount, commits: stageCount + 2 },
  exit: { runs: 1, records: 0, commits: 2 },
  none: { runs: 0, records: 0, commits: 0 },
};
