import type { Demand, RunEvent, RunOptions, Skippable, Stage, StageOutcome, StageReport } from '@stageflow/core';
import { definePipeline, type SourceSpec, type StageSpecData } from '@stageflow/core/define';
import { stageParts } from '@stageflow/core/plan';
import { recordingSink } from './recording-sink.ts';

/**
 * How a stage ended when it was run by itself: its outcome, with more about it in members that equality and printing
 * pass over, so that a test may compare it with a plain outcome.
 */
export type StageRun<Out> = StageOutcome<Out> & {
  /** Attempts, durations, version. */
  readonly report: StageReport;
  /** What the run emitted, in order. */
  readonly events: readonly RunEvent[];
};

/**
 * Runs one stage by itself, as a pipeline would: policies, `when`, contract, verdict, cleanup. Nothing it needs is run:
 * `values` are what its function receives.
 *
 * What decides outside of the stage whether it starts is left out: `after`, and a `when` made by `route.is(…)`.
 *
 * @param values - By the keys of the stage's needs, services too; of a guard, what it judges is `subject`.
 * @param options - As for `pipeline.run`: a clock, a signal, extensions, configuration.
 * @example
 * ```ts
 * expect(await runStage(greet, { name: 'Ada' })).toEqual({ status: 'completed', output: 'Hello, Ada' });
 * ```
 */
export async function runStage<Out, Skips extends Skippable, Values>(
  stage: Stage<Out, Demand, Skips, Values>,
  values: NoInfer<Values>,
  options: RunOptions = {},
): Promise<StageRun<Out>> {
  const sink = recordingSink();
  const alone = definePipeline({ name: stage.name, stages: [withoutNeeds(stage)], outputs: { output: stage.name } });
  const run = await alone.run(values as Readonly<Record<string, unknown>>, { ...options, sinks: [sink, ...(options.sinks ?? [])] });
  const report = run.stages.get(stage.name) as StageReport;
  return Object.defineProperties({ ...report.outcome }, { report: { value: report }, events: { value: sink.events } }) as StageRun<Out>;
}

/** The same stage as data, with an input in place of each need. */
function withoutNeeds(stage: Stage): StageSpecData {
  const { name, kind, spec } = stageParts(stage);
  // Callers without types may pass an input or a pipeline.
  if (typeof (spec as unknown) !== 'object') {
    throw new TypeError(
      `runStage() takes what stage(), route(), guard() or work() made; "${name}" is of kind "${kind}" and has no function.`,
    );
  }
  const { needs = {}, after: _, when, ...definition } = spec;
  const inputs = Object.fromEntries(Object.keys(needs).map((key): [string, SourceSpec] => [key, { input: key }]));
  const { subject, ...others } = inputs;
  return {
    ...definition,
    name,
    kind,
    needs: kind === 'guard' ? others : inputs,
    subject: kind === 'guard' ? subject : undefined,
    when: typeof when === 'function' ? (when as StageSpecData['when']) : undefined,
  } as StageSpecData;
}
