import { StageflowError } from './errors.ts';
import { brokenRules, sinkQueueRules } from './plan/policy-problems.ts';
import type { EventSink } from './ports/event-sink.ts';
import { type SinkCounters, SinkQueue, type SinkQueueOptions } from './sink-queue.ts';

/** A sink, alone or with how its queue behaves. */
export type SinkEntry = EventSink | (SinkQueueOptions & { readonly sink: EventSink });

/** The sinks of a runtime, each behind a queue of its own. */
export class SinkQueues {
  readonly queues: readonly SinkQueue[];
  readonly #names: readonly string[];

  /** @throws SF_OPTION_INVALID for an option that cannot be, and for two sinks of one name. */
  constructor(entries: readonly SinkEntry[]) {
    const parts = entries.map((entry) => ('sink' in entry ? entry : { sink: entry }));
    this.queues = parts.map(({ sink, ...options }) => {
      const [broken] = brokenRules(sinkQueueRules(options));
      if (broken !== undefined) throw new StageflowError('SF_OPTION_INVALID', broken);
      return new SinkQueue(sink, options);
    });
    this.#names = parts.map(({ sink }) => sink.name);
    const twice = this.#names.find((name, at) => this.#names.indexOf(name) !== at);
    if (twice === undefined) return;
    const details = { option: 'sinks', expected: 'sinks of different names', received: `two sinks named "${twice}"` };
    throw new StageflowError('SF_OPTION_INVALID', details);
  }

  get counters(): Readonly<Record<string, SinkCounters>> {
    return Object.fromEntries(this.queues.map((queue, at) => [this.#names[at] as string, queue.counters]));
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.queues.map((queue) => queue.flush()));
  }
}
