import type { JournalRecord } from '../ports/run-store.ts';

/** Where records of the undoing of a run stand: no stage has a path that begins like this. */
export const undoPath = '[undo]';

/** Whether a record is of a stage, and not of the run as a whole. */
export function isOfStage({ path }: JournalRecord): boolean {
  return !path.startsWith('[');
}

/** The paths of the effects that are made no more, since they were undone or this was tried. */
export function undonePaths(records: readonly JournalRecord[]): ReadonlySet<string> {
  const prefix = `${undoPath}/`;
  return new Set(records.filter(({ path }) => path.startsWith(prefix)).map(({ path }) => path.slice(prefix.length)));
}
