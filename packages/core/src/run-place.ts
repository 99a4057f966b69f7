import { StageflowError } from './errors.ts';
import type { ActiveRuns, Admission, AdmissionOutcome, RunRequest } from './limits/active-runs.ts';
import type { ResourceOptions } from './limits/resource-pool.ts';

/** What waits for a place. */
interface Entrant {
  readonly accepted: { readonly runId: string; readonly pipeline: string };
  /** Why it need not begin any more. */
  readonly stop: object | undefined;
  /** Called when it is cancelled. */
  onCancel: (() => void) | undefined;
}

/**
 * The place that a run and all runs below it take together: so a run that waits for one below it never waits for a place
 * that it takes itself. It is free when the last of them has ended.
 */
export class RunPlace {
  readonly #admission: Admission;
  readonly #queue: ResourceOptions['queue'];
  #members = 1;

  constructor(runs: ActiveRuns, { queue }: ResourceOptions, request: RunRequest) {
    this.#admission = runs.admit(request);
    this.#queue = queue;
  }

  /** Whether a run may begin that has it. */
  get isTaken(): boolean {
    return this.#admission.outcome === 'admitted';
  }

  /** Another run takes it, too. */
  join(): this {
    this.#members++;
    return this;
  }

  leave(): void {
    this.#members--;
    if (this.#members === 0) this.#admission.leave();
  }

  /**
   * Waits until `run` may begin, or need not any more because it was cancelled.
   *
   * @throws SF_RUN_REFUSED, SF_RUNTIME_CLOSED
   */
  async admit(run: Entrant, signal: AbortSignal | undefined): Promise<void> {
    if (run.stop !== undefined || signal?.aborted === true) return;
    let giveUp!: () => void;
    const outcome = await new Promise<AdmissionOutcome>((resolve) => {
      giveUp = () => resolve('left');
      run.onCancel = giveUp;
      signal?.addEventListener('abort', giveUp);
      void Promise.resolve(this.#admission.outcome).then(resolve);
    });
    signal?.removeEventListener('abort', giveUp);
    run.onCancel = undefined;
    const { pipeline } = run.accepted;
    if (outcome === 'closed') throw new StageflowError('SF_RUNTIME_CLOSED', { pipeline });
    if (outcome !== 'queue_full' && outcome !== 'queue_timeout') return;
    const limit = (outcome === 'queue_full' ? this.#queue?.limit : this.#queue?.timeoutMs) as number;
    throw new StageflowError('SF_RUN_REFUSED', { pipeline, why: outcome, limit }, { pipeline, runId: run.accepted.runId });
  }
}
