import type { Encoded } from '../durable/codec.ts';
import type { StageflowErrorJson } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';

/** Where a stored run is. The last four are terminal. */
export type StoredStatus = 'running' | 'suspended' | 'completed' | 'failed' | 'blocked' | 'cancelled';

/** A run as it is created. */
export interface NewRun {
  readonly runId: string;
  readonly pipeline: string;
  readonly version: string | undefined;
  readonly identity: RunIdentity;
  /** Parsed inputs by name; never parsed again. */
  readonly input: Readonly<Record<string, Encoded>>;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** What it begins with, of a run that it was made of: kept with it, or neither. @default none */
  readonly records?: readonly JournalRecord[] | undefined;
}

/** How a stage ended, or that an effect has begun. Small: one for each settled stage. */
export interface JournalRecord {
  /** Where in the run: unique among the records of a run that are no intents. What begins with `[` is of the run as a whole. */
  readonly path: string;
  /** `intent`: a `work` is about to run, and what became of it is not known until another record says so. */
  readonly status: 'completed' | 'skipped' | 'failed' | 'blocked' | 'intent';
  readonly attempts: number;
  /** Of the stage that made it: name, edges, contract, version. */
  readonly fingerprint: string;
  readonly output?: Encoded | undefined;
  readonly reason?: string | undefined;
  readonly error?: StageflowErrorJson | undefined;
  /**
   * Of what a stage called: the values of the call in print, so that another call in its place is noticed. Of the intent of
   * an effect that can be undone: its values, encoded.
   */
  readonly values?: string | undefined;
  /** Of an effect that did not complete: it may have been made all the same. @default false */
  readonly mayBeMade?: boolean | undefined;
  /** Of a stage that was skipped: somebody said so, and not the pipeline. @default false */
  readonly skippedByHand?: boolean | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Something that a run waits for from outside. */
export interface StoredWait {
  /** Unique in the store: run, path and type. */
  readonly waitId: string;
  readonly runId: string;
  readonly tenantId: string | undefined;
  readonly pipeline: string;
  readonly path: string;
  /** `answer` for `suspend()`, `review` for a guard's `review()`, else what `waitFor()` names. */
  readonly type: string;
  /** What the stage asks, as it was given to `suspend()` or `review()`. */
  readonly request: Encoded | undefined;
  readonly openedAt: number;
  /** Epoch milliseconds; `undefined` where it may wait for ever. */
  readonly expiresAt: number | undefined;
  readonly status: 'open' | 'answered' | 'withdrawn';
  /** Where it expired first, what stands for that. */
  readonly answer: Encoded | undefined;
  /** The answer once it has expired. @default a word that says so */
  readonly otherwise?: Encoded | undefined;
  /** People and roles of whom one has to be who answers. @default anybody */
  readonly mayDecide?: readonly string[] | undefined;
  /** How many people have to give the same answer. @default 1 */
  readonly quorum?: number | undefined;
  /** Who has said what so far, in that order. Kept by `vote()`. @default none */
  readonly votes?: readonly Vote[] | undefined;
}

/** What one person says to a wait. */
export interface Vote {
  readonly by: string;
  readonly answer: Encoded;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Everything that a store has of one run. */
export interface StoredRun extends NewRun {
  readonly status: StoredStatus;
  /** Counts activations; what an earlier one still commits is refused. */
  readonly epoch: number;
  readonly records: readonly JournalRecord[];
  readonly waits: readonly StoredWait[];
  /** Answers that came before anything waited for them. */
  readonly early: readonly { readonly type: string; readonly payload: Encoded }[];
  /** Whether somebody has paused it: it goes on when somebody resumes it. @default false */
  readonly isPaused?: boolean | undefined;
}

/** What one activation adds, all of it or nothing. */
export interface JournalBatch {
  /** When, by the clock of the activation: epoch milliseconds. With a terminal status, when the run ended. */
  readonly at: number;
  readonly records: readonly JournalRecord[];
  /** Waits that are open from now on. */
  readonly waits: readonly StoredWait[];
  /** The new status, where it changes. A terminal status withdraws every wait that is still open. */
  readonly status: StoredStatus | undefined;
  /** The outputs of a completed run. */
  readonly outputs: Encoded | undefined;
  /**
   * Where the status is `suspended`: ids of the waits that are open as far as the activation knows. Where one of them has
   * been answered by then, the run is due at once.
   */
  readonly resting?: readonly string[] | undefined;
  /** Where the status is `suspended`: whether the run is due at once, since it was let go of in the middle. @default false */
  readonly isDue?: boolean | undefined;
  /** Whether the run is paused from now on, or is not any more: one that is paused is never due. @default as before */
  readonly isPaused?: boolean | undefined;
}

/** What became of an answer. */
export type AnswerResult = 'answered' | 'already answered' | 'withdrawn' | 'unknown';

/** What became of a vote; `changed` where somebody else has voted since, and nothing was kept. */
export type VoteResult = AnswerResult | 'kept' | 'changed';

/** One more vote for a wait. */
export interface VoteRequest {
  readonly vote: Vote;
  /** How many votes there were when it was decided what this one comes to. */
  readonly after: number;
  /** The answer that the votes come to; absent while they are too few. */
  readonly answer?: Encoded | undefined;
}

/**
 * Where runs are kept so that they survive their process. Every method is atomic, and takes effect before it resolves.
 * Several processes may use one store at once.
 */
export interface RunStore {
  readonly name: string;
  /** Keeps a new run as `running` in epoch 1, leased to `owner`. Rejects where the id is taken. */
  create(run: NewRun, lease: Lease): Promise<void>;
  /** Everything of a run, or `undefined` where there is none of that id and tenant. */
  load(runId: string, tenantId: string | undefined): Promise<StoredRun | undefined>;
  /**
   * Takes a run that no other owner holds a lease of that has not run out, counts its epoch up, and ends its pause;
   * `undefined` where it cannot be had.
   */
  acquire(runId: string, lease: Lease): Promise<{ readonly epoch: number } | undefined>;
  /** Holds a lease longer; `false` where another activation has begun. */
  renew(runId: string, epoch: number, lease: Lease): Promise<boolean>;
  /** Adds to the journal; `false`, and nothing is added, where another activation has begun. Gives the lease up where the status is not `running`. */
  commit(runId: string, epoch: number, batch: JournalBatch): Promise<boolean>;
  /** Open waits, oldest first. */
  waits(filter: WaitFilter): Promise<readonly StoredWait[]>;
  /** Answers a wait: once. */
  answer(waitId: string, answer: Encoded, tenantId: string | undefined): Promise<AnswerResult>;
  /** Adds a vote to an open wait that has just `after` votes, and answers it where the request has an answer. */
  vote?(waitId: string, request: VoteRequest, tenantId: string | undefined): Promise<VoteResult>;
  /** Answers the oldest open wait of a type; where there is none, keeps the answer until something waits for it, at most `earlyLimit` a run. */
  deliver(runId: string, type: string, payload: Encoded, tenantId: string | undefined): Promise<DeliverResult>;
  /**
   * Runs that are to go on: those that are `running` and whose lease has run out, and those that rest and have something
   * that they had not when they came to rest, an answer or a wait that has expired; none that is paused. In the order of
   * their ids, at most `limit`, from the one after `after`.
   */
  due?(now: number, limit: number, after?: string): Promise<readonly DueRun[]>;
  /** Runs that ended before a time, those that ended first, at most `limit`. */
  ended?(endedBefore: number, limit: number): Promise<readonly RunKey[]>;
  /** Deletes runs, with everything of them. Those that have not ended stay. Resolves to how many were deleted. */
  remove?(runIds: readonly string[]): Promise<number>;
  /**
   * Calls back soon after a wait was answered, by whichever process, until the function that it resolves to is called. It
   * may call for no reason and may miss answers, where a connection was lost: callers ask `due` from time to time all the same.
   */
  watch?(onAnswer: (answered: AnsweredWait) => void): Promise<() => Promise<void>>;
}

/** Which run of which tenant. */
export interface RunKey {
  readonly runId: string;
  readonly tenantId: string | undefined;
}

/** A run that is to go on. */
export interface DueRun extends RunKey {
  readonly pipeline: string;
}

/** Which wait of which run was answered; both ids are empty where that is not known, or answers may have been missed. */
export interface AnsweredWait {
  readonly runId: string;
  readonly waitId: string;
}

/** Who holds a run, and until when, in epoch milliseconds. */
export interface Lease {
  readonly owner: string;
  readonly until: number;
  /** The time of the caller. */
  readonly now: number;
}

/** Which waits to list. */
export interface WaitFilter {
  readonly tenantId?: string | undefined;
  readonly runId?: string | undefined;
  readonly type?: string | undefined;
  readonly waitId?: string | undefined;
}

/** What became of a delivery; with the wait it answered. */
export type DeliverResult =
  | { readonly result: 'answered'; readonly waitId: string }
  | { readonly result: 'kept' | 'unknown run' | 'too many' };

/** How many early answers a store keeps for one run. */
export const earlyLimit = 100;
