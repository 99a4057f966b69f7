import { isTerminal, type RunEvent } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { ChildRunCounter, type ChildRuns } from './child-runs.ts';
import type { WideEvent } from './wide-event.ts';
import { WideRun } from './wide-run.ts';

/** What {@link wideEvents} takes. */
export interface WideEventsOptions {
  /** Takes a record. While a promise of it is pending, events wait in the sink's queue. */
  readonly write: (record: WideEvent) => void | Promise<void>;
  /** @default 'wide-events' */
  readonly name?: string | undefined;
}

/** A sink that makes records of events, and counts child runs. */
export interface WideEventSink extends EventSink {
  /** Of all runs that were started below another. */
  readonly childRuns: ChildRuns;
  /** Of those below one run, while it or one of them is under way; then `undefined`. The run's own record has them, too. */
  childRunsOf(runId: string): ChildRuns | undefined;
}

/**
 * Makes one record of each stage and one of each run from their events: everything that is known of it, once, with its true
 * status. A sink and not an interceptor, because stages that are skipped never reach an interceptor.
 *
 * @example
 * ```ts
 * const wide = wideEvents({ write: (record) => logger.info(record, record.type) });
 * const runtime = createRuntime({ pipelines: [chat], sinks: [wide] });
 * ```
 */
export function wideEvents({ write, name = 'wide-events' }: WideEventsOptions): WideEventSink {
  const runs = new Map<string, WideRun>();
  const all = new ChildRunCounter();
  const byParent = new Map<string, ChildRunCounter>();
  const begun = (event: RunEvent): WideRun => {
    const run = new WideRun(event);
    runs.set(event.runId, run);
    for (const counter of countersOf(event)) counter.begins();
    return run;
  };
  const countersOf = ({ parentRunId }: RunEvent): readonly ChildRunCounter[] => {
    if (parentRunId === undefined) return [];
    const below = byParent.get(parentRunId) ?? new ChildRunCounter();
    byParent.set(parentRunId, below);
    return [all, below];
  };
  const forget = (runId: string): void => {
    if (!runs.has(runId) && (byParent.get(runId)?.running ?? 0) === 0) byParent.delete(runId);
  };
  return {
    name,
    get childRuns() {
      return all.snapshot();
    },
    childRunsOf: (runId) => byParent.get(runId)?.snapshot(),
    emit(event) {
      const run = runs.get(event.runId) ?? begun(event);
      const records: WideEvent[] = run.take(event);
      if (isTerminal(event)) {
        runs.delete(event.runId);
        const record = run.ended(event, byParent.get(event.runId)?.snapshot());
        for (const counter of countersOf(event)) counter.ends(record.status, record.durationMs);
        forget(event.runId);
        if (event.parentRunId !== undefined) forget(event.parentRunId);
        records.push(record);
      }
      return inTurn(records, write);
    },
  };
}

/** Writes one record after the other; without a promise where none is given. */
function inTurn(records: readonly WideEvent[], write: WideEventsOptions['write']): void | Promise<void> {
  for (const [at, record] of records.entries()) {
    const written = write(record);
    if (written !== undefined) return written.then(() => inTurn(records.slice(at + 1), write));
  }
}
