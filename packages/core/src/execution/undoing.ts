import { summarizeError } from '../error-summary.ts';
import { describeThrown, StageflowError } from '../errors.ts';
import type { PlannedUndo } from '../plan/plan-undo.ts';
import { backoffDelayMs } from '../retry.ts';
import type { UndoContext } from '../undo.ts';
import type { Effect } from './effects.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import type { UndoJournal } from './journal.ts';
import type { Scheduler } from './scheduler.ts';
import type { Stop } from './stop.ts';

/** The undoing of a run's effects: the last made first, one at a time; what cannot be undone is reported and left. */
export class Undoing {
  readonly #scheduler: Scheduler;
  readonly #journal: UndoJournal | undefined;
  readonly #interruption = new AbortController();

  constructor(scheduler: Scheduler, journal: UndoJournal | undefined) {
    this.#scheduler = scheduler;
    this.#journal = journal;
  }

  /** Nothing further is undone by this process. */
  interrupt(): void {
    this.#interruption.abort(new StageflowError('SF_RUN_CANCELLED', { reason: 'the process lets go of the run' }));
  }

  /** Never rejects. @param end - How the run has ended. */
  async run(effects: readonly Effect[], end: Stop): Promise<void> {
    await this.#journal?.begin(end);
    for (const effect of [...effects].reverse()) {
      if (this.#interruption.signal.aborted) return;
      await this.#undo(effect);
    }
  }

  async #undo(effect: Effect): Promise<void> {
    const { state } = this.#scheduler;
    const known = this.#journal?.undone(effect.path);
    if (known?.error !== undefined) state.undoErrors = [...(state.undoErrors ?? []), known.error];
    else if (known !== undefined) state.undone = [...(state.undone ?? []), effect.path];
    if (known !== undefined) return;
    const { stage, path } = effect;
    this.#scheduler.emit({ type: 'undo.started', ...fieldsOf(effect, 1), result: effect.result.status });
    if (stage?.undo === undefined) {
      const why = 'an earlier process made it in a call of another stage, which this one does not make again';
      return this.#left(effect, 0, new Error(why));
    }
    const attempts = await this.#attempts(effect, stage.undo);
    if (attempts === undefined) return;
    state.undone = [...(state.undone ?? []), path];
    this.#scheduler.emit({ type: 'undo.completed', ...fieldsOf(effect, attempts) });
    await this.#journal?.end(path, attempts, undefined);
  }

  /** How many it took; `undefined` where it could not be undone, or not by this process. */
  async #attempts(effect: Effect, undo: PlannedUndo): Promise<number | undefined> {
    const { retry } = undo;
    const { options, clock } = this.#scheduler;
    let waitMs = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#attempt(effect, undo, attempt);
        return attempt;
      } catch (error) {
        if (this.#interruption.signal.aborted) return undefined;
        if (attempt >= retry.attempts || !isWorthwhile(undo, error, attempt)) {
          await this.#left(effect, attempt, error);
          return undefined;
        }
        waitMs = backoffDelayMs(retry, attempt, waitMs, (options.random ?? Math.random)());
        const failure = this.#failure(effect, attempt, error);
        this.#scheduler.emit({ type: 'undo.failed', ...fieldsOf(effect, attempt), error: summarizeError(failure), retryInMs: waitMs });
        await this.#first((done) => clock.schedule(done, waitMs));
      }
    }
  }

  /** One call, and its time. What does not settle once it is aborted is left behind after the run's grace. */
  async #attempt(effect: Effect, undo: PlannedUndo, attempt: number): Promise<void> {
    const { clock, state, limits } = this.#scheduler;
    const { identity, plan } = state;
    const controller = new AbortController();
    const context: UndoContext = {
      result: effect.result,
      runId: identity.runId,
      pipeline: plan.name,
      path: effect.path,
      idempotencyKey: idempotencyKeyOf(identity, effect.path, effect.stage, effect.values),
      attempt,
      signal: controller.signal,
    };
    let isOver = false;
    const call = Promise.resolve()
      .then(() => undo.run(this.#valuesOf(effect, undo) as never, context as never))
      .finally(() => {
        isOver = true;
      });
    await this.#first((done) => {
      call.then(done, done);
      return clock.schedule(done, undo.timeoutMs);
    });
    if (isOver) return void (await call);
    const late = new Error(`it had not finished after ${undo.timeoutMs} ms`);
    controller.abort(this.#interruption.signal.aborted ? this.#interruption.signal.reason : late);
    await new Promise<void>((resolve) => {
      const grace = clock.schedule(resolve, limits.graceMs);
      const done = (): void => {
        grace.cancel();
        resolve();
      };
      call.then(done, done);
    });
    throw late;
  }

  /** Waits until it is told so, or this process is to undo no more. */
  #first(begin: (done: () => void) => { cancel(): void }): Promise<void> {
    const { signal } = this.#interruption;
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      const timer = begin(done);
    });
  }

  /** What an earlier activation kept of them are values, and no services. */
  #valuesOf({ values }: Effect, { services }: PlannedUndo): Readonly<Record<string, unknown>> {
    const { plan, slots } = this.#scheduler.state;
    const given = Array.from(services, ([key, name]) => [key, values[key] ?? slots[plan.slotOf('service', name) as number]]);
    return Object.freeze({ ...values, ...Object.fromEntries(given) });
  }

  async #left(effect: Effect, attempt: number, cause: unknown): Promise<void> {
    const { state } = this.#scheduler;
    const error = this.#failure(effect, attempt, cause);
    state.undoErrors = [...(state.undoErrors ?? []), error];
    this.#scheduler.emit({ type: 'undo.failed', ...fieldsOf(effect, attempt), error: summarizeError(error), retryInMs: undefined });
    await this.#journal?.end(effect.path, attempt, error);
  }

  #failure({ name, path }: Effect, attempts: number, cause: unknown): StageflowError {
    const { identity, plan } = this.#scheduler.state;
    const location = { pipeline: plan.name, runId: identity.runId, path };
    return new StageflowError(
      'SF_COMPENSATION_FAILED',
      { stage: name, attempts, why: describeThrown(cause).message },
      { ...location, cause },
    );
  }
}

/** A classifier that throws has not said that another attempt is worth while. */
function isWorthwhile({ retry }: PlannedUndo, error: unknown, attempt: number): boolean {
  try {
    return retry.when(error, attempt);
  } catch {
    return false;
  }
}

function fieldsOf({ name, path }: Effect, attempt: number): { readonly stage: string; readonly path: string; readonly attempt: number } {
  return { stage: name, path, attempt };
}
