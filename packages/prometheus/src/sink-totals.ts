import type { Runtime } from '@stageflow/core';

/** What of a runtime is watched. */
export type WatchedRuntime = Pick<Runtime, 'sinks'>;

const results = ['delivered', 'dropped', 'failed'] as const;

interface Total {
  readonly sink: string;
  readonly result: (typeof results)[number];
  readonly count: number;
}

/** What became of the events given to the sinks of runtimes: read when it is asked for, and kept when a runtime is let go. */
export class SinkTotals {
  readonly #runtimes = new Set<WatchedRuntime>();
  #past: readonly Total[] = [];

  watch(runtime: WatchedRuntime): () => void {
    this.#runtimes.add(runtime);
    return () => {
      if (this.#runtimes.delete(runtime)) this.#past = summed([...this.#past, ...totalsOf(runtime)]);
    };
  }

  [Symbol.iterator](): Iterator<Total> {
    return summed([...this.#past, ...[...this.#runtimes].flatMap(totalsOf)]).values();
  }
}

function totalsOf({ sinks }: WatchedRuntime): readonly Total[] {
  return Object.entries(sinks).flatMap(([sink, counters]) => results.map((result) => ({ sink, result, count: counters[result] })));
}

function summed(totals: readonly Total[]): readonly Total[] {
  const sums = new Map<string, Total>();
  for (const { sink, result, count } of totals) {
    const key = `${result}/${sink}`;
    sums.set(key, { sink, result, count: count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}
