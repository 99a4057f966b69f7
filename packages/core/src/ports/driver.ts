import type { Encoded } from '../durable/codec.ts';
import type { StageflowErrorJson } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';

/**
 * What the scheduler runs on where stages do not run beside it: a durable engine, a pool of workers. Every operation
 * returns at once; what it asked for ends later, one thing at a time.
 *
 * A driver keeps these rules. A callback is called once, never from within the operation that took it, and never two at
 * once. Everything a callback asks for, it has asked for when it returns. Given the same ends in the same order, the same
 * operations come with the same keys and the same content, so a walk can be repeated from its start.
 */
export interface Driver {
  /** Starts one attempt of a stage. */
  step(request: StepRequest, ended: (outcome: StepOutcome) => void): StartedOperation;
  /** A timer that survives the process. It wakes at `epochMs` or later. */
  sleepUntil(key: string, epochMs: number, woken: () => void): StartedOperation;
  /** Opens a wait; its `waitId` is unique in the run, and the same when the walk is repeated. An answer that came before counts. */
  awaitSignal(request: SignalRequest, answered: (answer: Encoded) => void): StartedOperation;
  /** Epoch milliseconds: the time of the end that is being delivered. Never goes back. */
  now(): number;
  /** In [0, 1), the same sequence whenever the walk is repeated. */
  random(): number;
}

/** Something that was asked of a driver. */
export interface StartedOperation {
  /**
   * It is not wanted any more. A step still ends, as whatever it ends; a timer or a wait is forgotten, its callback not
   * called. Does nothing where it was asked before or has ended.
   */
  cancel(reason: string): void;
}

/** One attempt of a stage, for whoever is to run it: plain data, but for what the host put into `identity.metadata`. */
export interface StepRequest {
  /** `path#attempt`, with `+n` for the n-th entry after an answer: unique in the run, the same when the walk is repeated. */
  readonly key: string;
  readonly pipeline: string;
  /** Of the stage, so that other code refuses it. */
  readonly fingerprint: string;
  /** The names of the regions the stage stands in, then its own. */
  readonly address: readonly string[];
  readonly path: string;
  /** 1-based. */
  readonly attempt: number;
  /** Milliseconds that it has run already, in earlier attempts and entries: what is spent of its budget. */
  readonly spentMs: number;
  /** By the keys of its needs; services are put in where it runs. */
  readonly values: Readonly<Record<string, Encoded>>;
  readonly identity: RunIdentity;
  /** What `context.extension()` reads. */
  readonly extensions: Readonly<Record<string, Encoded>>;
  /** Answers to its waits, by `waitId`. */
  readonly answers: Readonly<Record<string, Encoded>>;
  /** The waits whose time is over, by `waitId`. */
  readonly expired: readonly string[];
  /** What it has called to the end in earlier attempts and entries, by path: not called again. */
  readonly calls: Readonly<Record<string, Encoded>>;
}

/** What a stage asks of the outside. */
export interface SignalRequest {
  readonly waitId: string;
  readonly path: string;
  /** `answer`, `review`, or what `waitFor()` named. */
  readonly type: string;
  readonly request: Encoded | undefined;
  /** Epoch milliseconds. The scheduler sets the timer itself; this is for whoever lists what is waited for. */
  readonly expiresAt: number | undefined;
  /** What answers it then. @default nothing: it has expired */
  readonly otherwise?: Encoded | undefined;
}

/** How one attempt ended, as data: it can be written as JSON. */
export type StepOutcome = StepFacts &
  (
    | { readonly status: 'completed'; readonly output: Encoded }
    | { readonly status: 'skipped'; readonly reason: string }
    /** A guard said no. One that could not judge has `failed`. */
    | { readonly status: 'blocked'; readonly reason: string }
    /** `retry`: whether the stage's policy finds this worth another attempt, and how long what it threw asks to wait. */
    | {
        readonly status: 'failed';
        readonly error: StageflowErrorJson;
        readonly retry: false | { readonly afterMs: number };
        readonly calls: StepRequest['calls'];
      }
    | { readonly status: 'suspended'; readonly waits: readonly SignalRequest[]; readonly calls: StepRequest['calls'] }
    /** It obeyed its signal. */
    | { readonly status: 'aborted'; readonly reason: string }
    /** It stops the run. */
    | { readonly status: 'cancels the run'; readonly reason: string }
    /** Nobody knows what became of it. */
    | { readonly status: 'lost'; readonly reason: string }
  );

/** What is told of every attempt, by the clock of whoever ran it. */
export interface StepFacts {
  /** Epoch milliseconds. */
  readonly endedAt: number;
  /** Milliseconds that it ran. */
  readonly activeMs: number;
  /** Whether its function had not settled when it was given up. */
  readonly unsettled: boolean;
}
