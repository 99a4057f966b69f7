import type { RunState } from '../execution/run-state.ts';
import { type RunOptions, startRun } from '../execution/start-run.ts';
import type { Plan } from '../plan/plan.ts';
import type { StoredRun } from '../ports/run-store.ts';
import { type Replay, ReplayJournal } from './replay-journal.ts';
import { restoreInput } from './restore-input.ts';

/** Does a kept run once more, and compares. */
export async function replay(plan: Plan, stored: StoredRun, services: unknown, options: RunOptions): Promise<Replay> {
  const controller = new AbortController();
  const journal = new ReplayJournal(plan, stored, () => controller.abort('an effect would be made that was not made then'));
  const openJournal = async (state: RunState): Promise<ReplayJournal> => {
    restoreInput(stored, state);
    return journal;
  };
  const given = { ...options, ...stored.identity, signal: controller.signal };
  const { result } = await startRun(plan, undefined, services, given, { targets: [], restoredInput: true, openJournal });
  const { status } = await result;
  return { status, sameCount: journal.sameCount, differences: journal.differences };
}
