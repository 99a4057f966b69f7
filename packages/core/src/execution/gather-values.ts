import { freezeRecord } from '#freeze';
import type { PlannedStage } from '../plan/plan.ts';
import type { ScopeState } from './scope-state.ts';

/** The values of a stage whose needs have ended, in a record of their own: no two attempts share one. */
export function gatherValues(stage: PlannedStage, state: ScopeState): Readonly<Record<string, unknown>> {
  const values = new stage.Values();
  const { keys, slots, reads } = stage;
  if (reads === undefined) {
    for (let at = 0; at < keys.length; at++) values[keys[at] as string] = state.slots[slots[at] as number];
  } else {
    for (const [at, read] of reads.entries()) values[keys[at] as string] = state.value(read);
  }
  freezeRecord(values);
  return values;
}
