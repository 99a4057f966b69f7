/** What a label says of whatever found no room. */
export const other = 'other';

const longestLabel = 128;

/** The values of a label: the first so many that come, and `other` for the rest, so that no name makes series without an end. */
export class BoundedLabels {
  readonly #limit: number;
  readonly #known = new Map<string, string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param within - Tells equal values of different owners apart; a pipeline, for the names of its stages. */
  of(value: string, within = ''): string {
    const key = `${within}/${value}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#limit) return other;
    const label = value.slice(0, longestLabel);
    this.#known.set(key, label);
    return label;
  }
}
