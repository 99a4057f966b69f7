import type { DraftRegion, DraftStage, FailureMode, PipelinePolicy } from './draft.ts';
import type { Plan, PlannedStage } from './plan.ts';
import type { PlannedRegion } from './plan-region.ts';

/** The version of {@link PlanJson}. */
export const planJsonVersion = 1;

/** A plan as plain data: no functions, no schemas, only that they are there. Equal for equal graphs, whichever front end made them. */
export interface PlanJson {
  readonly stageflow: typeof planJsonVersion;
  readonly name: string;
  readonly version?: string;
  readonly failureMode?: FailureMode;
  readonly limits?: Readonly<Record<string, number>>;
  readonly inputs: readonly { readonly name: string; readonly contract: boolean }[];
  readonly services: readonly string[];
  /** Dependencies first. */
  readonly stages: readonly StageJson[];
  readonly outputs: readonly EdgeJson[];
  readonly also: readonly string[];
}

/** One edge: the key its reader knows it by, how it is read, and from where. */
export interface EdgeJson {
  readonly key: string;
  readonly read: string;
  readonly from: readonly string[];
}

/** One stage. What is absent has its default. */
export interface StageJson {
  readonly name: string;
  readonly kind: string;
  readonly needs: readonly EdgeJson[];
  readonly after?: readonly string[];
  /** The arms of a route that let it run; `'predicate'` where a function decides. */
  readonly when?: 'predicate' | { readonly route: string; readonly is: readonly string[] };
  /** Whether its output has a contract. */
  readonly contract?: true;
  /** Whether it gives chunks before its output. */
  readonly streams?: true;
  readonly onFailure?: 'skip';
  readonly failOpen?: true;
  readonly limits?: Readonly<Record<string, number>>;
  readonly retry?: Readonly<Record<string, number | string>>;
  readonly tags?: readonly string[];
  readonly version?: string;
  readonly region?: RegionJson;
  /** Whether a failure is taken into account before it reaches what is wanted. */
  readonly handled: boolean;
}

/** What a region holds. Options that are functions are left out. */
export interface RegionJson {
  readonly options?: Readonly<Record<string, number | string>>;
  /** Arms and alternatives by key: the stage that yields. */
  readonly heads?: readonly { readonly key: string; readonly stage: string }[];
  /** What it repeats, in a scope of its own. */
  readonly body?: ScopeJson;
  /** A nested pipeline. */
  readonly pipeline?: PlanJson;
}

/** What a region repeats. */
export interface ScopeJson {
  /** Stages around it that it reads. */
  readonly captures: readonly string[];
  readonly stages: readonly StageJson[];
  readonly output: string;
}

/**
 * A plan as plain data.
 *
 * @example
 * ```ts
 * const json = planJson(chat.plan);
 * ```
 */
export function planJson(plan: Plan): PlanJson {
  return pipelineJson(plan, false);
}

/** @param handledAround - Whether its failures are taken into account outside of it. */
function pipelineJson(plan: Plan, handledAround: boolean): PlanJson {
  const { draft, policy } = plan;
  const limits = numbers(policy, ['maxConcurrency', 'deadlineMs', 'graceMs', 'cleanupMs', 'maxCallDepth']);
  return {
    stageflow: planJsonVersion,
    name: plan.name,
    ...(plan.version === undefined ? {} : { version: plan.version }),
    ...(policy.failureMode === undefined ? {} : { failureMode: policy.failureMode }),
    ...(limits === undefined ? {} : { limits }),
    inputs: plan.inputs.map(({ name, schema }) => ({ name, contract: schema !== undefined })),
    services: plan.services,
    stages: plan.stages.map((stage) => stageJson(plan, stage, handledAround)),
    outputs: draft.outputs.map(({ key, read, from }) => ({ key, read, from })),
    also: draft.also,
  };
}

function stageJson(plan: Plan, stage: PlannedStage, handledAround: boolean): StageJson {
  const draft = plan.draft.stages[stage.index] as DraftStage;
  const limits = numbers(stage, ['timeoutMs', 'idleMs', 'budgetMs', 'graceMs']);
  const { retry } = stage;
  const handled = stage.handled || handledAround;
  return {
    name: stage.name,
    kind: stage.kind,
    needs: draft.needs.map(({ key, read, from }) => ({ key, read, from })),
    ...(draft.after.length === 0 ? {} : { after: draft.after }),
    ...(draft.when !== undefined ? { when: { route: draft.when.route, is: draft.when.arms } } : {}),
    ...(stage.when !== undefined ? { when: 'predicate' as const } : {}),
    ...(stage.output === undefined ? {} : { contract: true as const }),
    ...(stage.stream === undefined ? {} : { streams: true as const }),
    ...(stage.skipsOnFailure ? { onFailure: 'skip' as const } : {}),
    ...(stage.failOpen ? { failOpen: true as const } : {}),
    ...(limits === undefined ? {} : { limits }),
    ...(retry === undefined
      ? {}
      : { retry: { attempts: retry.attempts, backoff: retry.backoff, baseMs: retry.baseMs, maxMs: retry.maxMs, jitter: retry.jitter } }),
    ...(stage.tags.length === 0 ? {} : { tags: stage.tags }),
    ...(stage.version === undefined ? {} : { version: stage.version }),
    ...(stage.region === undefined ? {} : { region: regionJson(stage.region, draft.region as DraftRegion, handled) }),
    handled,
  };
}

function regionJson({ options, heads, body }: PlannedRegion, draft: DraftRegion, handled: boolean): RegionJson {
  const handledInside = handled || options['onItemError'] === 'skip' || options['onItemError'] === 'collect';
  const plain = Object.entries(options).filter(([, value]) => typeof value === 'number' || typeof value === 'string');
  return {
    ...(plain.length === 0 ? {} : { options: Object.fromEntries(plain) as Record<string, number | string> }),
    ...(heads.length === 0 ? {} : { heads: draft.heads.map(({ key, from }) => ({ key, stage: from })) }),
    ...(body === undefined
      ? {}
      : draft.child === undefined
        ? { body: scopeJson(body, handledInside) }
        : { pipeline: pipelineJson(body, handledInside) }),
  };
}

function scopeJson(body: Plan, handled: boolean): ScopeJson {
  const output = body.draft.outputs[0]?.from[0] as string;
  return { captures: body.captures, stages: body.stages.map((stage) => stageJson(body, stage, handled)), output };
}

function numbers(source: PipelinePolicy | PlannedStage, names: readonly string[]): Readonly<Record<string, number>> | undefined {
  const given = Object.entries(source).filter(([name, value]) => names.includes(name) && typeof value === 'number');
  return given.length === 0 ? undefined : Object.fromEntries(given as [string, number][]);
}
