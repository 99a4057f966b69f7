import type { StageflowError } from '../errors.ts';
import type { StageOutcome } from '../outcome.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { OpenWait } from '../run.ts';
import type { Effect } from './effects.ts';
import type { ScopeState } from './scope-state.ts';
import type { Stop } from './stop.ts';

/** A stage as it ended in an earlier activation. */
export interface JournaledEnd {
  readonly outcome: StageOutcome;
  readonly attempts: number;
  /** Of what a stage called: the values of the call in print. */
  readonly values?: string | undefined;
  /** Whether it was skipped because somebody said so. */
  readonly skippedByHand?: boolean | undefined;
  /** Why it was skipped, where `onFailure` made a skip of a failure. */
  readonly failure?: StageflowError | undefined;
}

/** What is asked of the outside. */
export interface WaitRequest {
  readonly path: string;
  readonly type: string;
  readonly request: unknown;
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined;
  /** The answer once it has expired. @default none: who waits is told that it has expired */
  readonly otherwise?: unknown;
  readonly mayDecide?: readonly string[] | undefined;
  readonly quorum?: number | undefined;
}

/** Where a wait is. */
export type WaitState = {
  readonly waitId: string;
} /** With the time at which it expires, which is counted from the first activation that waited for it. */ & (
  | { readonly state: 'open'; readonly expiresAt?: number | undefined }
  | { readonly state: 'expired' }
  | { readonly state: 'answered'; readonly answer: unknown }
);

/** How a wait was answered. */
export type WaitAnswer = { readonly value: unknown; readonly expired?: false } | { readonly expired: true };

/** Told of a wait that is open. */
export interface WaitListener {
  /** Called once, when the wait is durable and an answer that came before it would have been found. */
  readonly onOpen: () => void;
  /** Called once, when the answer comes while this activation lives. */
  readonly onAnswer: () => void;
}

/** What is said of an end besides how it came about. */
export interface RecordNote {
  /** Of an effect that did not complete: whether it may have been made all the same. */
  readonly mayBeMade?: boolean | undefined;
  /** Of a skip: whether somebody said so. */
  readonly skippedByHand?: boolean | undefined;
}

/** What survives of the undoing of a run. */
export interface UndoJournal {
  /** How the run ended, where an earlier activation has begun to undo it. */
  readonly ending: Stop | undefined;
  /** Effects of earlier activations, in the order in which they were made. */
  readonly effects: readonly Effect[];
  /** Resolves when what ended the run is durable: from then on nothing else of it happens. */
  begin(ending: Stop): Promise<void>;
  /** What became of an effect of which an earlier activation has said so. */
  undone(path: string): { readonly error: StageflowError | undefined } | undefined;
  /** Resolves when it is durable that an effect was undone, or could not be. */
  end(path: string, attempts: number, error: StageflowError | undefined): Promise<void>;
}

/** What survives of one run. The engine knows no store, only this. */
export interface Journal {
  /** Which activation this is, from 1. */
  readonly epoch: number;
  restored(path: string): JournaledEnd | undefined;
  /** Takes the output of a stage that is about to complete, or what it asks; the error where that cannot be kept. */
  keep(path: string, output: unknown): StageflowError | undefined;
  record(state: ScopeState, stage: PlannedStage, outcome: StageOutcome, note?: RecordNote): void;
  /** `true` where an effect may begin; else calls back when everything before it is durable, or the error where it cannot be kept. */
  mayBegin(state: ScopeState, stage: PlannedStage, whenDurable: () => void): boolean | StageflowError;
  /** Opens a wait, or finds it. */
  wait(request: WaitRequest, listener: WaitListener): WaitState;
  /** The answer to a wait that was opened before. */
  answer(path: string, type: string): WaitAnswer | undefined;
  /** A wait has lasted as long as it may: answers it, unless somebody has. Absent where who keeps the waits does that. */
  expire?(waitId: string): void;
  /** How long a run may do nothing but sleep, in milliseconds, before it comes to rest. */
  readonly restAfterMs: number;
  readonly openWaits: readonly OpenWait[];
  /** Resolves when it is durable that the run is paused, or is not any more. */
  setPaused?(isPaused: boolean): Promise<void>;
  /** Absent where nothing may be undone. */
  readonly undo?: UndoJournal | undefined;
}
