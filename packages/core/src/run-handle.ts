import { type EventOf, isTerminal, type RunEvent } from './event.ts';
import { EventStream } from './event-stream.ts';
import type { RunState } from './execution/run-state.ts';
import { running, waiting } from './execution/status.ts';
import type { Run } from './run.ts';

/** A run that was started and not awaited. */
export interface RunHandle<Outs = unknown> {
  readonly runId: string;
  readonly pipeline: string;
  /** Resolves however the run ends; rejects as `run()` does. */
  readonly result: Promise<Run<Outs>>;
  /**
   * The run's events, from the first; a reader that comes late gets `run.snapshotted` and what follows. Ends with the
   * run, or at once where the input was refused. Each call gives a reader of its own; one that leaves changes nothing for the others.
   *
   * @param options.children - Whether it gets the events of the runs below this one, too; `runId` tells them apart, and
   *   `seq` counts for each. It still ends with this run. @default false
   */
  events(options?: { readonly children?: boolean | undefined }): AsyncIterableIterator<RunEvent>;
  /** Stops the run; it ends `cancelled`. Does nothing once the run has ended. */
  cancel(reason?: string): void;
  /**
   * From now on nothing new starts, and no further attempt; what is under way goes on. Right after `start()`, nothing starts
   * at all. A run that a store keeps is paused there too: should its process end, it goes on when somebody resumes it, and
   * not before. Its deadline goes on. Resolves when that is durable; of a run that has not begun, at once: it is then kept with
   * its beginning.
   */
  pause(): Promise<void>;
  /** Ends a pause. Resolves when that is durable, where a store keeps the run. */
  resume(): Promise<void>;
  /** Lets the next stage that is ready start, in a pause: its path, or `undefined` where none is ready, or no pause is. */
  step(): string | undefined;
  /**
   * Skips a stage of the pipeline that has not ended, as if it had returned `skip(reason)`. What of it runs is aborted where
   * the run is kept by a store, or the stage has limits; else its value is dropped when it comes. Where a required output is
   * left without a value by that, the run ends `cancelled` in place of `completed`. A store keeps the skip.
   *
   * @returns Whether it was skipped: not where it has ended, or the run has not begun or is ending.
   * @throws SF_UNKNOWN_STAGE
   */
  skip(stage: string, reason?: string): boolean;
}

/** Hands the events of one run to any number of readers. */
export class RunBroadcast {
  readonly #runId: string;
  readonly #streams = new Set<EventStream>();
  /** Those of them that get the events of the runs below. */
  readonly #withChildren = new Set<EventStream>();
  #latest: RunEvent | undefined;
  #over = false;
  #state: RunState | undefined;

  constructor(runId: string) {
    this.#runId = runId;
  }

  /** The run whose snapshot late readers get. */
  follow(state: RunState): void {
    this.#state = state;
  }

  push(event: RunEvent): void {
    this.#latest = event;
    for (const stream of this.#streams) stream.push(event);
    if (!isTerminal(event)) return;
    this.#over = true;
    this.#streams.clear();
    this.#withChildren.clear();
  }

  /** An event of a run below this one. */
  pushBelow(event: RunEvent): void {
    for (const stream of this.#withChildren) stream.push(event);
  }

  subscribe({ children = false }: { readonly children?: boolean | undefined } = {}): EventStream {
    const onLeave = (): void => {
      this.#streams.delete(stream);
      this.#withChildren.delete(stream);
    };
    const stream = new EventStream(undefined, onLeave, children ? this.#runId : undefined);
    const latest = this.#latest;
    if (latest !== undefined && this.#state !== undefined) {
      const { runId, pipeline, epoch, seq, at, elapsedMs, tenantId, traceId, correlationId, parentRunId } = latest;
      const envelope = { runId, pipeline, epoch, seq, at, elapsedMs, tenantId, traceId, correlationId, parentRunId };
      stream.push({ type: 'run.snapshotted', statuses: statusesOf(this.#state), ...envelope });
      if (isTerminal(latest)) stream.push(latest);
    }
    if (!this.#over) this.#streams.add(stream);
    if (!this.#over && children) this.#withChildren.add(stream);
    if (this.#over && latest === undefined) void stream.return();
    return stream;
  }

  /** The run never began: readers have nothing to wait for. */
  abandon(): void {
    this.#over = true;
    for (const stream of [...this.#streams]) void stream.return();
  }
}

type Statuses = EventOf<'run.snapshotted'>['statuses'];

function statusesOf(state: RunState): Statuses {
  return Object.fromEntries(state.plan.stages.map(({ index, name }) => [name, statusOf(state, index)]));
}

function statusOf(state: RunState, index: number): Statuses[string] {
  const status = state.status[index];
  return status === waiting ? 'waiting' : status === running ? 'running' : state.outcome(index).status;
}
