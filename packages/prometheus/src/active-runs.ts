import { isTerminal, type RunEvent } from '@stageflow/core';
import type { RunLabels } from './run-labels.ts';

interface Count {
  readonly labels: RunLabels;
  count: number;
}

/** How many runs are under way, by their labels; a pipeline that has none stands at 0. */
export class ActiveRunCounts {
  readonly #counts = new Map<string, Count>();

  add(labels: RunLabels, by: 1 | -1): void {
    const key = `${labels.pipeline}/${labels.tenant ?? ''}`;
    const known = this.#counts.get(key) ?? { labels, count: 0 };
    known.count += by;
    this.#counts.set(key, known);
  }

  [Symbol.iterator](): Iterator<Count> {
    return this.#counts.values();
  }
}

/**
 * The runs of one runtime as far as their events say. Any event shows that its run is under way, and the last event of a run
 * is never lost, so the count is right again whatever was lost between.
 */
export class ActiveRuns {
  readonly #counts: ActiveRunCounts;
  readonly #latest = new Map<string, { readonly labels: RunLabels; seq: number }>();

  constructor(counts: ActiveRunCounts) {
    this.#counts = counts;
  }

  /** @returns Whether the event is new: a driver that walks a run again repeats its events, with the same numbers. */
  follow(event: RunEvent, labelsOf: (event: RunEvent) => RunLabels): boolean {
    const key = `${event.pipeline}/${event.epoch}/${event.runId}`;
    const latest = this.#latest.get(key);
    if (latest !== undefined && event.seq <= latest.seq) return false;
    if (isTerminal(event)) {
      if (latest !== undefined) this.#counts.add(latest.labels, -1);
      this.#latest.delete(key);
      return true;
    }
    if (latest !== undefined) latest.seq = event.seq;
    else this.#begin(key, event.seq, labelsOf(event));
    return true;
  }

  #begin(key: string, seq: number, labels: RunLabels): void {
    this.#latest.set(key, { labels, seq });
    this.#counts.add(labels, 1);
  }
}
