/** At so many keys those that can be forgotten are looked for the first time. */
const manyKeys = 1_000;

/**
 * A map of any number of keys that forgets those which are as good as never used: when there are many, and twice as many as were
 * left the last time.
 */
export class ForgetfulMap<V> {
  readonly #values = new Map<string, V>();
  #tidyAt = manyKeys;

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  /** @param canForget - Of the values that are there; asked when there are many. */
  set(key: string, value: V, canForget: (value: V) => boolean): void {
    if (this.#values.size >= this.#tidyAt) {
      for (const [other, each] of this.#values) if (canForget(each)) this.#values.delete(other);
      this.#tidyAt = Math.max(manyKeys, 2 * this.#values.size);
    }
    this.#values.set(key, value);
  }

  entries(): readonly (readonly [key: string, value: V])[] {
    return [...this.#values];
  }
}
