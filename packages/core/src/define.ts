import { StageflowError } from './errors.ts';
import type { RunOptions } from './execution/start-run.ts';
import type { RegisteredPipeline } from './pipeline.ts';
import { mergeOverrides, type PolicyOverrides } from './plan/configure.ts';
import { dataProblems } from './plan/data-problems.ts';
import type { DraftCondition, DraftEdge, DraftStage, PipelinePolicy, PlanDraft } from './plan/draft.ts';
import type { CompletedRun, Run } from './run.ts';
import { planFrom, runnable } from './runnable.ts';
import { describeReceived, type Schema } from './schema.ts';
import type { Input } from './source.ts';
import type { StageDefinition, StageKind, StagePolicy, Streams } from './stage.ts';
import type { StageContext } from './stage-context.ts';
import type { StreamedOptions } from './streamed.ts';
import type { Undo } from './undo.ts';
import type { Deduplicate } from './work.ts';

/** Where a value comes from, as data: the name of a stage, or one of these. */
export type SourceSpec =
  | string
  | { readonly input: string; readonly schema?: Schema | undefined }
  | { readonly service: string }
  | { readonly optional: string }
  | { readonly settled: string }
  | ({ readonly streamed: string } & StreamedOptions)
  | { readonly firstOf: readonly string[]; readonly optional?: boolean | undefined };

/** One stage as data. Stages refer to each other by name, in any order. */
export interface StageSpecData extends StagePolicy {
  readonly name: string;
  /** @default 'transform' */
  readonly kind?: StageKind | undefined;
  readonly needs?: Readonly<Record<string, SourceSpec>> | undefined;
  /** Names of stages that must have ended first. */
  readonly after?: readonly string[] | undefined;
  /** Runs only if the route chose one of `is`; or a synchronous predicate over the values. */
  readonly when?:
    | { readonly route: string; readonly is: readonly string[] }
    | ((values: Readonly<Record<string, unknown>>) => boolean)
    | undefined;
  readonly output?: Schema | undefined;
  readonly onFailure?: 'fail' | 'skip' | undefined;
  readonly streams?: Streams | undefined;
  /** Guards only. */
  readonly failOpen?: boolean | undefined;
  /** Guards only, required there: what is judged. */
  readonly subject?: SourceSpec | undefined;
  readonly idempotencyKey?: ((values: Readonly<Record<string, unknown>>) => string) | undefined;
  readonly deduplicate?: Deduplicate<Readonly<Record<string, unknown>>> | undefined;
  readonly undo?: Undo<Readonly<Record<string, unknown>>, unknown> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly version?: string | undefined;
  /** The work; of a guard, the check. */
  run(values: Readonly<Record<string, unknown>>, context: StageContext): unknown;
}

/** A pipeline as data. */
export interface PipelineSpecData extends PipelinePolicy {
  readonly name: string;
  readonly version?: string | undefined;
  readonly stages: readonly StageSpecData[];
  readonly outputs: Readonly<Record<string, SourceSpec>>;
  /** Names of stages that run for their effect. */
  readonly also?: readonly string[] | undefined;
}

/** A pipeline made from data: its inputs and outputs are known at run time only. */
export interface DefinedPipeline extends RegisteredPipeline<Input, Readonly<Record<string, unknown>>> {
  readonly version: string | undefined;
  /** See `Pipeline.run`. */
  run(input: Readonly<Record<string, unknown>>, options?: DefinedRunOptions): Promise<Run>;
  /** See `Pipeline.runOrThrow`. */
  runOrThrow(
    input: Readonly<Record<string, unknown>>,
    options?: DefinedRunOptions,
  ): Promise<CompletedRun<Readonly<Record<string, unknown>>>>;
  /** See `Pipeline.configure`. */
  configure(policies: PolicyOverrides): DefinedPipeline;
}

/** What a run of a {@link DefinedPipeline} can be given besides its input. */
export interface DefinedRunOptions extends RunOptions {
  readonly services?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Makes a pipeline from data: for graphs that are read from a file or built in a loop. It compiles to the plan that the
 * same graph has when it is written by reference.
 *
 * @throws SF_PLAN_INVALID with all problems at once: unknown names with the nearest that exists, circles with their
 *   path, stages that nothing needs, bad policies and names.
 * @example
 * ```ts
 * const defined = definePipeline({
 *   name: 'count',
 *   stages: [
 *     { name: 'words', needs: { text: { input: 'text' } }, run: ({ text }) => String(text).split(' ') },
 *     { name: 'count', needs: { words: 'words' }, run: ({ words }) => (words as string[]).length },
 *   ],
 *   outputs: { count: 'count' },
 * });
 * ```
 */
export function definePipeline(spec: PipelineSpecData): DefinedPipeline {
  const problems = dataProblems(spec);
  if (problems.length > 0) {
    const pipeline = String((spec as { readonly name?: unknown } | null)?.name);
    throw new StageflowError('SF_PLAN_INVALID', { pipeline, problems }, { pipeline });
  }
  return build(draftOf(spec), {});
}

function build(draft: PlanDraft, overrides: PolicyOverrides): DefinedPipeline {
  return Object.freeze({
    ...runnable(planFrom(draft, overrides)),
    configure: (policies: PolicyOverrides) => build(draft, mergeOverrides(overrides, policies)),
  }) as DefinedPipeline;
}

function draftOf({ name, version, stages, outputs, also, ...policy }: PipelineSpecData): PlanDraft {
  return { name, version, stages: stages.map(draftStage), outputs: edges(outputs), also: also ?? [], policy };
}

function draftStage(stage: StageSpecData): DraftStage {
  const { name, kind = 'transform', needs = {}, after = [], when, subject, ...rest } = stage;
  const condition: DraftCondition | undefined = typeof when === 'object' ? { route: when.route, arms: when.is } : undefined;
  const judged = kind === 'guard' ? [edge('subject', subject as SourceSpec)] : [];
  const predicate = typeof when === 'function' ? { when } : {};
  const spec = { ...rest, ...predicate } as unknown as StageDefinition;
  return { name, kind, needs: [...edges(needs), ...judged], after, when: condition, spec };
}

function edges(sources: Readonly<Record<string, SourceSpec>>): DraftEdge[] {
  return Object.entries(sources ?? {}).map(([key, source]) => edge(key, source));
}

function edge(key: string, source: SourceSpec): DraftEdge {
  if (typeof source === 'string') return { key, read: 'value', from: [source] };
  if (typeof source === 'object' && source !== null) {
    if ('firstOf' in source && Array.isArray(source.firstOf)) {
      return { key, read: source.optional === true ? 'optionalFirstOf' : 'firstOf', from: source.firstOf };
    }
    if ('input' in source && typeof source.input === 'string')
      return { key, read: 'input', from: [source.input], schema: source.schema as Schema | undefined };
    if ('service' in source && typeof source.service === 'string') return { key, read: 'service', from: [source.service] };
    if ('optional' in source && typeof source.optional === 'string') return { key, read: 'optional', from: [source.optional] };
    if ('streamed' in source && typeof source.streamed === 'string') {
      const { streamed, ...stream } = source;
      return { key, read: 'streamed', from: [streamed], stream };
    }
    if ('settled' in source && typeof source.settled === 'string') return { key, read: 'settled', from: [source.settled] };
  }
  return { key, read: 'unknown', from: [], received: describeReceived(source) };
}
