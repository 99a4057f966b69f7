import type { PlannedOutput, UnmarkedStage } from './plan.ts';

/**
 * Finds the stages whose failure cannot fail the run. A failure escapes where the stage is wanted, or where it skips a
 * stage from which a failure would escape. Readers stand after what they read, so one pass from the end decides.
 *
 * @param size - Of the stages of this plan and those it captures.
 * @returns For each of them, whether a failure of it escapes.
 */
export function markHandled(
  stages: readonly UnmarkedStage[],
  outputs: readonly PlannedOutput[],
  also: readonly number[],
  size: number,
): readonly boolean[] {
  const escapes = new Array<boolean>(size).fill(false);
  for (const index of also) escapes[index] = true;
  for (const { read } of outputs) {
    if (read.read === 'settled') continue;
    for (const slot of read.read === 'firstOf' ? read.slots : [read.slot]) if (slot < size) escapes[slot] = true;
  }
  for (let index = stages.length - 1; index >= 0; index--) {
    const stage = stages[index] as UnmarkedStage;
    stage.handled = stage.skipsOnFailure || !escapes[index];
    if (!escapes[index]) continue;
    for (const need of stage.needs) if (!need.toleratesFailure && need.stage >= 0) escapes[need.stage] = true;
    for (const read of stage.reads ?? []) if (read.read === 'firstOf') for (const slot of read.slots) escapes[slot] = true;
    for (const outer of stage.region?.escaping ?? []) escapes[outer] = true;
  }
  return escapes;
}
