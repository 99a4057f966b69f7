/** The states of a circuit that are shown; the third is that none of them is. */
export type BreakerState = 'open' | 'half_open';

interface Circuits {
  readonly breaker: string;
  readonly state: BreakerState;
  readonly count: number;
}

const mostKeys = 10_000;

/** How many circuits of each breaker do not let everything pass. A breaker with keys has one circuit for each, and keys make no labels. */
export class BreakerCircuits {
  readonly #breakers = new Map<string, Map<string, BreakerState>>();

  /** @param state - `undefined` for a circuit that is closed. */
  tell(breaker: string, key: string, state: BreakerState | undefined): void {
    const circuits = this.#breakers.get(breaker) ?? new Map<string, BreakerState>();
    this.#breakers.set(breaker, circuits);
    if (state === undefined) circuits.delete(key);
    else if (circuits.has(key) || circuits.size < mostKeys) circuits.set(key, state);
  }

  *[Symbol.iterator](): Iterator<Circuits> {
    for (const [breaker, circuits] of this.#breakers) {
      const states = [...circuits.values()];
      for (const state of ['open', 'half_open'] as const) yield { breaker, state, count: states.filter((one) => one === state).length };
    }
  }
}
