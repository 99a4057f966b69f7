import type { StageflowError } from '../errors.ts';
import { completeIdentity, type RunIdentity, uuidv7 } from '../identity.ts';
import type { Plan } from '../plan/plan.ts';
import type { Clock } from '../ports/clock.ts';
import { ScopeState } from './scope-state.ts';
import type { RunOptions } from './start-run.ts';

/** What is known of one run: the state of its outermost scope, and what concerns the run as a whole. */
export class RunState extends ScopeState {
  cleanupErrors: StageflowError[] | undefined = undefined;
  /** Stages of the pipeline that were skipped because somebody said so. */
  skippedByHand: Set<number> | undefined = undefined;
  /** Paths of the effects that were undone. */
  undone: readonly string[] | undefined = undefined;
  undoErrors: readonly StageflowError[] | undefined = undefined;
  /** Epoch milliseconds. */
  startedAt = 0;
  elapsedMs = 0;

  readonly #options: RunOptions;
  readonly #clock: Clock;
  #identity: RunIdentity | undefined = undefined;

  constructor(plan: Plan, options: RunOptions, clock: Clock, prefix = '') {
    super(plan, prefix, options.timings !== false);
    this.#options = options;
    this.#clock = clock;
  }

  /** Made when it is first read. */
  get identity(): RunIdentity {
    this.#identity ??= completeIdentity(this.#options, this.#options.makeId ?? (() => uuidv7(this.#clock.now())));
    return this.#identity;
  }
}
