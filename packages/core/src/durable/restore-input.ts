import type { RunState } from '../execution/run-state.ts';
import type { StoredRun } from '../ports/run-store.ts';
import { decode } from './codec.ts';

/** Gives a run the inputs that were kept, parsed already. */
export function restoreInput({ input }: StoredRun, { plan, slots }: RunState): void {
  for (const [name, value] of Object.entries(input)) {
    const slot = plan.slotOf('input', name);
    if (slot !== undefined) slots[slot] = decode(value);
  }
}
