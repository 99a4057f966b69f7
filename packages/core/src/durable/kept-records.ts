import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { JournalRecord } from '../ports/run-store.ts';
import { changedPaths, topStage } from './changed-paths.ts';
import { isOfStage, undonePaths } from './run-records.ts';

/**
 * The records of a run that a fork of it keeps: of stages that completed or were skipped by choice, are what they were, and
 * have nothing before them that is done again; no effect that was undone. Within a region an item, turn or draft is kept or done again as a whole.
 *
 * @param from - The stage of the pipeline that is done again, whatever became of it.
 */
export function keptRecords(plan: Plan, all: readonly JournalRecord[], from: string | undefined): readonly JournalRecord[] {
  const records = all.filter(isOfStage);
  const undone = undonePaths(all);
  const changed = new Set(changedPaths(plan, records));
  const isSound = ({ path, status }: JournalRecord): boolean =>
    (status === 'completed' || status === 'skipped') && !changed.has(path) && !undone.has(path);
  const ends = records.filter(({ status }) => status !== 'intent');
  const sound = new Set(ends.filter(isSound).map(({ path }) => path));
  // What a stage called does not matter where the stage itself came through.
  const unsound = ends.filter((record) => !isSound(record) && !sound.has(topStage(record.path)));
  const again = new Set(unsound.map(({ path }) => path).filter((path) => scopeOf(path) === ''));
  if (from !== undefined) again.add(from);
  const touched = new Set([...again, ...unsound.map(({ path }) => topStage(path))]);
  // Stages stand behind those they need.
  for (const stage of plan.stages) {
    if (!waitsFor(plan, stage).some((name) => touched.has(name))) continue;
    again.add(stage.name);
    touched.add(stage.name);
  }
  const scopes = unsound.map(({ path }) => scopeOf(path)).filter((scope) => scope !== '');
  const isKept = (record: JournalRecord): boolean =>
    isSound(record) && !again.has(topStage(record.path)) && !scopes.some((scope) => record.path.startsWith(scope));
  const kept = new Set(ends.filter(isKept).map(({ path }) => path));
  // Of effects also that they were to be made; not with what, since they are for the run that made them to undo.
  return records
    .filter(({ path }) => kept.has(path))
    .map((record) => (record.status === 'intent' ? { ...record, values: undefined } : record));
}

/** What stands before the name of a stage in its path; a key in brackets may hold a slash. */
function scopeOf(path: string): string {
  return path.replace(/(?:[^/[\]]|\[[^[\]]*\])*$/, '');
}

/** Everything whose end matters to a stage. */
function waitsFor(plan: Plan, { needs, region }: PlannedStage): readonly string[] {
  const indices = [
    ...needs.flatMap(({ stage, group }) => plan.groups[group]?.stages ?? [stage]),
    ...(region?.heads.map(({ stage }) => stage) ?? []),
    ...(region?.captures.map(({ outer }) => outer) ?? []),
  ];
  return indices.map((index) => (plan.stages[index] as PlannedStage).name);
}
