import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { JournalRecord } from '../ports/run-store.ts';
import { fingerprint } from './fingerprint.ts';
import { isOfStage } from './run-records.ts';

/** The recorded stages that this plan does not have, or has otherwise. */
export function changedPaths(plan: Plan, records: readonly JournalRecord[]): readonly string[] {
  const changed = records.filter(isOfStage).filter((record) => {
    const found = stageAt(plan, record.path);
    return found === 'called' ? false : found === undefined || fingerprint(found.plan, found.stage) !== record.fingerprint;
  });
  return [...new Set(changed.map(({ path }) => path))];
}

/** The stage at a path; `called` for what a stage called, which the plan does not know. */
export function stageAt(plan: Plan, path: string): { readonly plan: Plan; readonly stage: PlannedStage } | 'called' | undefined {
  const [first = '', ...rest] = segments(path);
  const stage = plan.stages[plan.indexByName.get(first) ?? -1];
  if (stage === undefined || rest.length === 0) return stage && { plan, stage };
  const body = stage.region?.body;
  return body === undefined ? 'called' : stageAt(body, rest.join('/'));
}

/** The name of the stage of the pipeline itself that a path is of, or in. */
export function topStage(path: string): string {
  return segments(path)[0] as string;
}

/** The names of a path, without keys; a key may hold a slash, brackets in it are escaped. */
function segments(path: string): string[] {
  return path.replace(/\[[^[\]]*\]/g, '').split('/');
}
