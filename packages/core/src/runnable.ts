import { StageflowError } from './errors.ts';
import { type RunOptions, startRun } from './execution/start-run.ts';
import { configureDraft, type PolicyOverrides } from './plan/configure.ts';
import type { PlanDraft } from './plan/draft.ts';
import { compile, type Plan } from './plan/plan.ts';
import { validate } from './plan/validate.ts';
import type { CompletedRun, Run } from './run.ts';

type Options = RunOptions & { readonly services?: unknown };

/** A plan with the verbs that every pipeline has, whichever front end made it. */
export interface Runnable {
  readonly name: string;
  readonly version: string | undefined;
  readonly plan: Plan;
  run(input: unknown, options?: Options): Promise<Run>;
  runOrThrow(input: unknown, options?: Options): Promise<CompletedRun<Readonly<Record<string, unknown>>>>;
}

/**
 * Checks and compiles a draft with overrides laid over it.
 *
 * @throws SF_PLAN_INVALID with every problem.
 */
export function planFrom(draft: PlanDraft, overrides: PolicyOverrides): Plan {
  const configured = configureDraft(draft, overrides);
  const checked = validate(configured.draft);
  const problems = [...configured.problems, ...checked.problems];
  if (problems.length > 0) throw new StageflowError('SF_PLAN_INVALID', { pipeline: draft.name, problems }, { pipeline: draft.name });
  return compile(checked.draft);
}

/** Puts the verbs on a plan. */
export function runnable(plan: Plan): Runnable {
  const run = (input: unknown, options: Options = {}): Promise<Run> => {
    try {
      const started = startRun(plan, input, options.services, options);
      return started instanceof Promise ? started.then(({ result }) => result) : started.result;
    } catch (error) {
      return Promise.reject(error);
    }
  };
  return {
    name: plan.name,
    version: plan.version,
    plan,
    run,
    runOrThrow: async (input, options) => completedOrThrow(await run(input, options)),
  };
}

/** The run, if it completed; else throws what kept it from completing. */
export function completedOrThrow<Outs>(run: Run<Outs>): CompletedRun<Outs> {
  if (run.status === 'completed') return run;
  if (run.status === 'failed') throw run.error;
  const location = { pipeline: run.pipeline, runId: run.runId };
  if (run.status === 'blocked')
    throw new StageflowError('SF_RUN_BLOCKED', { stage: run.blockedBy, reason: run.reason }, { ...location, path: run.blockedBy });
  if (run.status === 'suspended') {
    throw new StageflowError('SF_RUN_SUSPENDED', { waits: run.waits.map(({ waitId }) => waitId) }, location);
  }
  throw new StageflowError('SF_RUN_CANCELLED', { reason: run.reason }, { ...location, path: run.cancelledBy });
}
