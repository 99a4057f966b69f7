import type { Journal, JournaledEnd, WaitAnswer, WaitListener, WaitRequest, WaitState } from '../execution/journal.ts';
import type { ScopeState } from '../execution/scope-state.ts';
import { sleepType } from '../execution/wait-for.ts';
import type { StageOutcome } from '../outcome.ts';
import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { JournalRecord, StoredRun, StoredWait } from '../ports/run-store.ts';
import type { OpenWait, RunStatus } from '../run.ts';
import { stageAt } from './changed-paths.ts';
import { decode, type Encoded, encode } from './codec.ts';
import { endOf, wasExpired } from './journaled-end.ts';
import { isOfStage } from './run-records.ts';

/** How a stage ended, in a form that can be compared and shown. */
export interface ReplayedEnd {
  readonly status: StageOutcome['status'];
  /** What it yielded, as a store keeps it. */
  readonly output: Encoded | undefined;
  /** Why it was skipped or blocked, or the code of its failure. */
  readonly reason: string | undefined;
}

/** A stage that did not end as it had. */
export interface ReplayDifference {
  readonly path: string;
  /** `undefined` where it had not ended. */
  readonly recorded: ReplayedEnd | undefined;
  /** `undefined` for an effect that would have been made, and was not. */
  readonly replayed: ReplayedEnd | undefined;
}

/** What became of a replay. */
export interface Replay {
  readonly status: RunStatus;
  /** How many stages ended as they had. */
  readonly sameCount: number;
  /** In the order in which they ended; none where the code does what it did. */
  readonly differences: readonly ReplayDifference[];
}

/**
 * The journal of a run that is done again to be compared: effects are not made but end as they had, questions have the
 * answers they had, sleeps are over at once, and nothing is written.
 */
export class ReplayJournal implements Journal {
  readonly epoch = 1;
  readonly restAfterMs = 0;
  readonly openWaits: readonly OpenWait[] = [];
  readonly differences: ReplayDifference[] = [];
  sameCount = 0;
  readonly #plan: Plan;
  readonly #onEffect: () => void;
  readonly #records: ReadonlyMap<string, JournalRecord>;
  readonly #effects: ReadonlySet<string>;
  readonly #waits: readonly StoredWait[];

  /** @param onEffect - Told that an effect would be made that had not been: the replay cannot go on. */
  constructor(plan: Plan, stored: StoredRun, onEffect: () => void) {
    const { waits } = stored;
    const records = stored.records.filter(isOfStage);
    this.#plan = plan;
    this.#onEffect = onEffect;
    this.#records = new Map(records.filter(({ status }) => status !== 'intent').map((record) => [record.path, record]));
    this.#effects = new Set(records.filter(({ status }) => status === 'intent').map(({ path }) => path));
    this.#waits = waits;
  }

  /** Effects, and which of those that race was first. */
  restored(path: string): JournaledEnd | undefined {
    const found = stageAt(this.#plan, path);
    const isRegion = found !== undefined && found !== 'called' && found.stage.region !== undefined;
    const record = this.#effects.has(path) || isRegion ? this.#records.get(path) : undefined;
    return record && endOf(record);
  }

  keep(): undefined {
    return undefined;
  }

  record(state: ScopeState, stage: PlannedStage, outcome: StageOutcome): void {
    const path = state.pathOf(stage);
    if (outcome.status === 'cancelled' || outcome.status === 'suspended') return;
    const record = this.#records.get(path);
    const recorded = record && inWords(endOf(record).outcome);
    const replayed = inWords(outcome);
    if (recorded?.status === replayed.status && recorded.output === replayed.output && recorded.reason === replayed.reason)
      this.sameCount++;
    else this.differences.push({ path, recorded, replayed });
  }

  mayBegin(state: ScopeState, stage: PlannedStage): boolean {
    this.differences.push({ path: state.pathOf(stage), recorded: undefined, replayed: undefined });
    this.#onEffect();
    return false;
  }

  wait({ path, type }: WaitRequest, { onOpen }: WaitListener): WaitState {
    const waitId = `${path}#${type}`;
    const answer = this.answer(path, type);
    if (answer?.expired === true || type === sleepType) return { waitId, state: 'expired' };
    if (answer !== undefined) return { waitId, state: 'answered', answer: answer.value };
    queueMicrotask(onOpen);
    return { waitId, state: 'open' };
  }

  answer(path: string, type: string): WaitAnswer | undefined {
    const wait = this.#waits.find((known) => known.path === path && known.type === type && known.status === 'answered');
    if (wait === undefined) return undefined;
    return wasExpired(wait) ? { expired: true } : { value: decode(wait.answer as Encoded) };
  }
}

function inWords(outcome: StageOutcome): ReplayedEnd {
  const encoded = outcome.status === 'completed' ? encode(outcome.output) : undefined;
  const output = encoded && ('text' in encoded ? encoded.text : (`${encoded.what} at ${encoded.refused}` as Encoded));
  const reason = outcome.status === 'failed' ? outcome.error.code : 'reason' in outcome ? outcome.reason : undefined;
  return { status: outcome.status, output, reason };
}
