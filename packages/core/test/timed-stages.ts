import { type Needs, type NoNeeds, type Run, type RunEvent, type RunOptions, type Stage, stage } from '@stageflow/core';
import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';

type Timed<N extends Needs> = Stage<string, N[keyof N]['~types']['in'], N[keyof N]['~types']['skips']>;

/** What was seen of one run. */
export interface Seen {
  readonly run: Run;
  readonly events: readonly RunEvent[];
  /** The milliseconds at which stages started, by path; those that did not are left out. */
  readonly starts: Readonly<Record<string, number>>;
  /** How stages ended, by path. */
  readonly ends: Readonly<Record<string, string>>;
}

/** Stages that take virtual time. */
export interface TimedStages {
  readonly clock: VirtualClock;
  /** The names of the stages whose signal aborted while they were at work, in that order. */
  readonly aborted: readonly string[];
  /** Yields its name after `ms`. */
  takes<N extends Needs = NoNeeds>(name: string, ms: number, needs?: N): Timed<N>;
  /** Throws its name after `ms`. */
  fails<N extends Needs = NoNeeds>(name: string, ms: number, needs?: N): Timed<N>;
  /** Never settles, whatever its signal says. */
  hangs<N extends Needs = NoNeeds>(name: string, needs?: N): Timed<N>;
  /** Runs a pipeline to its end. */
  see(
    pipeline: { run(input: never, options: never): Promise<Run> },
    input?: object,
    options?: RunOptions & { services?: object },
  ): Promise<Seen>;
}

/** Makes a clock, and stages that live by it. */
export function timedStages(): TimedStages {
  const clock = virtualClock();
  const aborted: string[] = [];
  const make = <N extends Needs>(name: string, needs: N | undefined, end: (signal: AbortSignal) => Promise<unknown>): Timed<N> =>
    stage(name, {
      needs: needs ?? {},
      run: async (_values, { signal }) => {
        const note = (): number => aborted.push(name);
        signal.addEventListener('abort', note);
        try {
          return await end(signal);
        } finally {
          signal.removeEventListener('abort', note);
        }
      },
    }) as unknown as Timed<N>;
  return {
    clock,
    aborted,
    takes: (name, ms, needs) => make(name, needs, (signal) => clock.sleep(ms, signal).then(() => name)),
    fails: (name, ms, needs) => make(name, needs, (signal) => clock.sleep(ms, signal).then(() => Promise.reject(new Error(name)))),
    hangs: (name, needs) => make(name, needs, () => new Promise(() => {})),
    see: async (pipeline, input = {}, options = {}) => {
      const sink = recordingSink();
      const run = await clock.settle(pipeline.run(input as never, { clock, sinks: [sink], ...options } as never));
      const reports = [...run.stages.values()];
      return {
        run,
        events: sink.events,
        starts: Object.fromEntries(
          reports.flatMap(({ path, startedAfterMs }) => (startedAfterMs === undefined ? [] : [[path, startedAfterMs]])),
        ),
        ends: Object.fromEntries(reports.map(({ path, status }) => [path, status])),
      };
    },
  };
}
