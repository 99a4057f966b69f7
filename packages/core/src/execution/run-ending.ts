import type { StageflowError } from '../errors.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { Timer } from '../ports/clock.ts';
import type { Run } from '../run.ts';
import { Cleanups } from './cleanup.ts';
import { Effects } from './effects.ts';
import { interceptedRun } from './intercepted-run.ts';
import { callThrough, type Interceptors, misused } from './interceptor-chain.ts';
import { endingOfRun, resultOf } from './result.ts';
import type { Scheduler } from './scheduler.ts';
import type { Scope } from './scope.ts';
import { Undoing } from './undoing.ts';

/** What stands between the last stage of a run and its end: cleanups, the undoing of effects, interceptors around the run. */
export class RunEnding {
  /** Why an interceptor did not let this activation of a kept run begin. */
  refusal: StageflowError | undefined = undefined;
  /** What can be undone of this run. */
  readonly effects: Effects = new Effects();
  readonly #scheduler: Scheduler;
  #cleanups: Cleanups | undefined = undefined;
  #undoing: Undoing | undefined = undefined;
  /** Resolves when all is undone that this process undoes; `undefined` where that has not begun. */
  #undone: Promise<void> | undefined = undefined;
  /** Takes the run as it will be reported, where interceptors stand around it. */
  #onSettled: ((run: Run) => void) | undefined = undefined;
  /** Whether interceptors of the run have not ended. */
  #within = false;
  #patience: Timer | undefined = undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /**
   * Begins within the interceptors of runs; one that throws fails the run, whatever has run. A run that was resumed is left
   * as it was until they let it begin: who may not resume it must not be able to end it either.
   */
  async beginWithin({ run: layers }: Interceptors, begin: () => void): Promise<void> {
    const scheduler = this.#scheduler;
    const { root } = scheduler;
    this.#within = true;
    let admitted = !scheduler.mustBeAdmitted;
    if (!admitted) scheduler.parked = true;
    const core = (): Promise<Run> =>
      new Promise((resolve) => {
        if (!admitted && !root.closing) scheduler.parked = false;
        admitted = true;
        this.#onSettled = resolve;
        if (root.closing) this.#settled();
        else begin();
      });
    let failure: StageflowError | undefined;
    try {
      await callThrough(layers, interceptedRun(scheduler), core, (layer) => {
        throw misused(layer, 'it answered with cached() in place of a run');
      });
    } catch (error) {
      failure = error as StageflowError;
    }
    this.#within = false;
    const settledInside = this.#onSettled === undefined;
    this.#onSettled = undefined;
    if (!admitted && !root.closing) this.refusal = failure;
    if (failure !== undefined) scheduler.fail(failure);
    if (root.closing && settledInside) this.#undoThen(() => this.#conclude());
  }

  defer(scope: Scope, stage: PlannedStage, cleanup: () => unknown): void {
    this.#cleanups ??= new Cleanups(this.#scheduler);
    this.#cleanups.add(scope, stage, cleanup);
  }

  /** Every stage has its outcome. */
  begin(): void {
    const scheduler = this.#scheduler;
    if (this.#onSettled === undefined) scheduler.deadline?.cancel();
    const settle = (): void => this.#undoThen(() => this.#settled());
    if (this.#cleanups === undefined) settle();
    else void this.#cleanups.run(scheduler.limits.cleanupMs).then(settle);
  }

  /** Whether effects are being undone. */
  get isUndoing(): boolean {
    return this.#undoing !== undefined;
  }

  /** What is not undone yet is left to whoever has the run next. */
  interrupt(): void {
    this.#undoing?.interrupt();
  }

  /** Whether all that is left of the run are the interceptors around it. */
  get isHeldBack(): boolean {
    return this.#within && this.#scheduler.root.closing;
  }

  /** The run is stopped while only interceptors are left of it: they have the grace, and then it ends without them. */
  giveUpInterceptors(): void {
    const { clock, limits } = this.#scheduler;
    this.#patience ??= clock.schedule(() => this.#undoThen(() => this.#conclude()), limits.graceMs);
  }

  /** Goes on once the effects of a run that ended badly are undone. */
  #undoThen(goOn: () => void): void {
    // Whoever else wants the run to end meanwhile waits for it.
    if (this.#undone !== undefined) return void this.#undone.then(goOn);
    const { journal, parked, isLost, root, limits, undoing } = this.#scheduler;
    if (parked || isLost || (journal !== undefined && journal.undo === undefined)) return goOn();
    const ending = endingOfRun(root);
    if (ending === undefined || (undoing === undefined && !limits.undoOn.includes(ending.status))) return goOn();
    const effects = this.effects.all(journal?.undo?.effects ?? []);
    if (effects.length === 0) return goOn();
    // What it is undone for is how it ends, whatever would stop it after that.
    root.stopped ??= ending;
    this.#undoing = new Undoing(this.#scheduler, journal?.undo);
    this.#undone = this.#undoing.run(effects, ending).then(() => {
      this.#undoing = undefined;
    });
    void this.#undone.then(goOn);
  }

  /** Everything is done but for what interceptors make of it. */
  #settled(): void {
    if (this.#onSettled === undefined) return this.#conclude();
    const tell = this.#onSettled;
    this.#onSettled = undefined;
    tell(resultOf(this.#scheduler));
  }

  #conclude(): void {
    this.#patience?.cancel();
    this.#scheduler.conclude();
  }
}
