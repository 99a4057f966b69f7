import type { InterceptedStage } from '@stageflow/core';
import type { IdempotencyIdentity, Timer } from '@stageflow/core/ports';
import type { StoreCalls } from './store-calls.ts';

/** The lease of a call that is being made: renewed until it is ended, three times in its time. */
export class EffectLease {
  /** Rejects with what `onLost` makes, where the lease is another's. Otherwise it stays pending. */
  readonly lost: Promise<never>;
  readonly #calls: StoreCalls;
  readonly #stage: InterceptedStage;
  readonly #identity: IdempotencyIdentity;
  readonly #token: number;
  readonly #leaseMs: number;
  #timer: Timer | undefined;
  #isOver = false;
  #lose!: (error: unknown) => void;

  constructor(
    calls: StoreCalls,
    stage: InterceptedStage,
    { identity, token, leaseMs }: { readonly identity: IdempotencyIdentity; readonly token: number; readonly leaseMs: number },
    onLost: () => unknown,
  ) {
    this.#calls = calls;
    this.#stage = stage;
    this.#identity = identity;
    this.#token = token;
    this.#leaseMs = leaseMs;
    this.lost = new Promise((_, reject) => {
      this.#lose = () => reject(onLost());
    });
    this.lost.catch(() => {});
    this.#later();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets the lease run out. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #later(): void {
    this.#timer = this.#stage.clock.schedule(() => void this.#renew(), this.#leaseMs / 3);
  }

  async #renew(): Promise<void> {
    const [identity, token, leaseMs] = [this.#identity, this.#token, this.#leaseMs];
    // A store that cannot be reached now may be at the next renewal.
    const holds = await this.#calls
      .call('renew', (store, options) => store.renew(identity, token, { ...options, leaseMs }))
      .catch(() => true);
    if (this.#isOver) return;
    if (holds) return this.#later();
    this.end();
    this.#lose(undefined);
  }
}
