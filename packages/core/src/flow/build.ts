import { StageflowError } from '../errors.ts';
import { pipeline } from '../pipeline.ts';
import { collect } from '../plan/collect.ts';
import type { PipelinePolicy } from '../plan/draft.ts';
import { validate } from '../plan/validate.ts';
import type { Needs } from '../source.ts';
import { type Stage, stageParts } from '../stage.ts';
import type { FlowDefinition } from './definition.ts';
import { NameLookup } from './name-lookup.ts';
import { sourcesBehind } from './references.ts';

/** What `build` takes, without its types. */
export interface BuildOptions extends PipelinePolicy {
  readonly outputs: unknown;
  readonly also?: unknown;
  readonly version?: string | undefined;
}

/**
 * The pipeline of `made`, the stages of a flow. `pipeline()` takes what it reaches and knows nothing of the rest; here
 * each stage was added on purpose, so one that is not reached is a problem, as it is in `definePipeline`.
 */
export function build(
  definition: FlowDefinition,
  made: ReadonlyMap<string, Stage>,
  { outputs, also = [], ...rest }: BuildOptions,
): unknown {
  const { name, given, steps } = definition;
  const lookup = new NameLookup(given, steps);
  const sources = {
    outputs: sourcesBehind(lookup.edges(outputs, '"outputs"', 'outputs'), made),
    also: Object.fromEntries(lookup.stages(also, `flow "${name}"`, 'also').map((each) => [each, made.get(each)])) as Needs,
  };
  const problems = [...definition.problems, ...lookup.problems];
  const { version, ...policy } = rest;
  const written = { name, version, policy, replaced: new Map() };
  const wanted = collect({ ...written, ...sources });
  const reached = new Set(wanted.stages.map(({ spec }) => spec));
  const isWhole = [...made.values()].every((stage) => reached.has(stageParts(stage).spec));
  if (isWhole && problems.length === 0) return pipeline(name, { ...rest, ...sources });

  const { stages } = collect({ ...written, ...sources, also: { ...sources.also, ...Object.fromEntries(made) } });
  const all = [...problems, ...validate({ ...wanted, stages }).problems];
  throw new StageflowError('SF_PLAN_INVALID', { pipeline: name, problems: all }, { pipeline: name });
}
