import type { Cancel, Control, Skip } from './control.ts';
import { StageflowError } from './errors.ts';
import type { RunOptions } from './execution/start-run.ts';
import type { Guard, Verdict } from './guard.ts';
import { collect, type PipelineDefinition } from './plan/collect.ts';
import { mergeOverrides, type PolicyOverrides } from './plan/configure.ts';
import type { PipelinePolicy, PlanDraft } from './plan/draft.ts';
import type { Plan } from './plan/plan.ts';
import { problem } from './plan/validate.ts';
import type { CompletedRun, Run } from './run.ts';
import { planFrom, runnable } from './runnable.ts';
import type { Demand, Input, Needs, NoNeeds, Service, Skippable } from './source.ts';
import { makeStage, type Stage, type StagePolicy, type StageSource } from './stage.ts';
import type { StageContext } from './stage-context.ts';
import type { StreamingStage } from './streamed.ts';

type Simplify<T> = { [K in keyof T]: T[K] } & {};
type ToIntersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I : never;

/**
 * The object that `run()` takes: one member per input some stage reads; those that admit `undefined` may be left out,
 * save `unknown` and `any`, which would let every input be forgotten. Where two inputs of one name meet, the member satisfies both.
 */
export type RunInput<In extends Demand> = Simplify<
  ToIntersection<
    In extends Input<infer Name, infer Given>
      ? undefined extends Given
        ? unknown extends Given
          ? { readonly [K in Name]: Given }
          : { readonly [K in Name]?: Given | undefined }
        : { readonly [K in Name]: Given }
      : never
  >
>;

/** The services that a pipeline demands, by name. Where two of one name meet, the member satisfies both. */
export type RunServices<In extends Demand> = Simplify<
  ToIntersection<In extends Service<infer Name, infer T> ? { readonly [K in Name]: T } : never>
>;

/** What `run()` takes after the input: with `services` where some stage reads one. */
export type OptionsArgument<In extends Demand> = [Extract<In, Service>] extends [never]
  ? [options?: RunOptions]
  : string extends Extract<In, Service>['name']
    ? [options?: RunOptions & { readonly services?: RunServices<In> | undefined }]
    : [options: RunOptions & { readonly services: RunServices<In> }];

type UndefinedIf<Skips extends Skippable> = [Skips] extends [never] ? never : undefined;

/** The outputs of a completed run: `undefined` stands for a chosen skip, where the types say it can be. */
export type RunOutputs<Outputs extends Needs> = {
  readonly [K in keyof Outputs]: Outputs[K]['~types']['out'] | UndefinedIf<Outputs[K]['~types']['skips']>;
};

/** What {@link pipeline} takes. */
export interface PipelineSpec<Outputs extends Needs, Also extends Needs> extends PipelinePolicy {
  /** What a run returns, keyed as here. Everything these read, directly or through others, belongs to the pipeline. */
  readonly outputs: Outputs;
  /** Stages that run for their effect: part of the pipeline, absent from its outputs. */
  readonly also?: Also | undefined;
  /** The version of the pipeline's definition. @default none */
  readonly version?: string | undefined;
}

/**
 * A pipeline: immutable, and run any number of times, also at once.
 *
 * @typeParam In - The union of inputs and services its stages read.
 * @typeParam Outs - What a completed run returns.
 */
export interface Pipeline<in out In extends Demand = Demand, out Outs = unknown> extends RegisteredPipeline<In, Outs> {
  readonly version: string | undefined;
  /**
   * Runs the pipeline in this process.
   *
   * Resolves however the run ends; `run.status` says how. Rejects, before anything has run, with SF_INPUT_INVALID,
   * SF_SERVICE_MISSING or SF_OPTION_INVALID.
   *
   * @example
   * ```ts
   * const run = await chat.run({ text: 'hi' });
   * if (run.status === 'completed') console.log(run.outputs.answer);
   * ```
   */
  run(input: RunInput<In>, ...options: OptionsArgument<In>): Promise<Run<Outs>>;
  /** As {@link run}, for scripts: rejects unless the run completed. */
  runOrThrow(input: RunInput<In>, ...options: OptionsArgument<In>): Promise<CompletedRun<Outs>>;
  /**
   * The same pipeline with `stage` replaced wherever it is read: by another function over the same values, which keeps
   * the stage's name and policies, or by another stage that yields the same.
   *
   * @example
   * ```ts
   * const offline = chat.with(answer, ({ text }) => `you said ${text}`);
   * ```
   */
  with<S extends Stage>(stage: S, replacement: Replacement<S, In>): Pipeline<In, Outs>;
  /**
   * The same pipeline with policies of some stages overridden, by name; of a stage that a region holds, by the names
   * down to it: `totals/fetch`.
   *
   * @throws SF_PLAN_INVALID where a name or a value is wrong.
   * @example
   * ```ts
   * const patient = chat.configure({ answer: { timeoutMs: 60_000, retry: { attempts: 5 } } });
   * ```
   */
  configure(policies: Readonly<Record<string, StagePolicy>>): Pipeline<In, Outs>;
}

/** What may stand in for a stage: another that yields the same and reads nothing new, or a function over the same values. */
export type Replacement<S extends Stage, In extends Demand> =
  S extends Stage<infer Out, Demand, infer Skips, infer Values>
    ? Stage<Out, In, Skips> | ((values: Values, context: StageContext) => Returned<S, Out, Skips> | PromiseLike<Returned<S, Out, Skips>>)
    : never;

/**
 * What a function in place of `S` may return: of a guard a verdict, else a value or a control value, `skip` only where `S`
 * may skip; where `S` streams, also a generator of its chunks that ends with one of these.
 */
type Returned<S extends Stage, Out, Skips extends Skippable> = S extends Guard
  ? Verdict<Out> | Cancel
  : Left<Out, Skips> | (S extends StreamingStage<unknown, infer Chunk> ? AsyncGenerator<Chunk, Left<Out, Skips>> : never);

type Left<Out, Skips extends Skippable> = Out | Exclude<Control, Skip> | ([Skips] extends [never] ? never : Skip);

/** A pipeline as a runtime runs it, made by reference or from data. */
export interface RegisteredPipeline<out In extends Demand = Demand, out Outs = unknown> {
  readonly '~types': { readonly in: In; readonly out: Outs };
  readonly name: string;
  /** The compiled form: what is drawn, exported and executed. */
  readonly plan: Plan;
}

/**
 * Makes a pipeline of everything that is reached from `outputs` and `also`.
 *
 * @param name - Identifies the pipeline in events, stores and runtimes.
 * @throws SF_PLAN_INVALID with every problem at once: bad and duplicate names, bad policies, sources that are none.
 * @example
 * ```ts
 * const { name } = inputs<{ name: string }>();
 * const greet = stage('greet', { needs: { name }, run: ({ name }) => `Hello, ${name}` });
 * export const welcome = pipeline('welcome', { outputs: { greet } });
 * ```
 */
export function pipeline<const Outputs extends Needs, const Also extends Needs = NoNeeds>(
  name: string,
  spec: PipelineSpec<Outputs, Also>,
): Pipeline<
  Outputs[keyof Outputs]['~types']['in'] | Also[keyof Also]['~types']['in'],
  { readonly [K in keyof Outputs]: Outputs[K]['~types']['out'] | UndefinedIf<Outputs[K]['~types']['skips']> }
> {
  const { outputs, also = {}, version, ...policy } = spec;
  return build({ name, version, outputs, also, policy, replaced: new Map(), overrides: {} }) as never;
}

interface Definition extends PipelineDefinition {
  readonly overrides: PolicyOverrides;
}

function build(definition: Definition): Pipeline<never, unknown> {
  const plan = planFrom(collect(definition), definition.overrides);
  return Object.freeze({
    ...runnable(plan),
    with: (stage: unknown, replacement: unknown) =>
      build({ ...definition, replaced: replaced(definition, stage as StageSource, replacement) }),
    configure: (policies: PolicyOverrides) => build({ ...definition, overrides: mergeOverrides(definition.overrides, policies) }),
  }) as never;
}

function replaced(definition: Definition, stage: StageSource, replacement: unknown): ReadonlyMap<StageSource, StageSource> {
  if (!holds(collect(definition), definition.replaced.get(stage) ?? stage)) {
    const details = { stage: String(stage?.name), reader: 'with()', nearest: undefined };
    throw new StageflowError('SF_PLAN_INVALID', { pipeline: definition.name, problems: [problem('SF_UNKNOWN_STAGE', details)] });
  }
  const standIn = typeof replacement === 'function' ? withFunction(stage, replacement) : (replacement as StageSource);
  return new Map(definition.replaced).set(stage, standIn);
}

/** A region that a function stands in for holds nothing any more. */
function withFunction({ kind, name, spec }: StageSource, run: unknown): StageSource {
  return spec.region === undefined
    ? makeStage(kind, name, { ...spec, run })
    : makeStage<StageSource>('transform', name, { needs: spec.needs, run });
}

/** Whether a stage is part of a draft, or of what its regions repeat. */
function holds({ stages }: PlanDraft, wanted: StageSource | undefined): boolean {
  return stages.some(
    ({ name, spec, region }) =>
      (name === wanted?.name && spec === wanted.spec) || (region?.body !== undefined && holds(region.body, wanted)),
  );
}
