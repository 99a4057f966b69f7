import type { InterceptedRun, InterceptedStage, Interceptor, InterceptorScope, StageOutcome } from '@stageflow/core';
import { StageflowError } from '@stageflow/core';
import { authDenied } from './events.ts';
import { wrongOption } from './key-set.ts';
import { decide, type Policy, type PolicyRequest } from './policy.ts';
import { authOf } from './principal.ts';

/** What {@link authorization} takes. */
export interface AuthorizationOptions {
  readonly policy: Policy;
  /**
   * The stages that the policy is asked about, each time before one starts. A stage that no list names is not protected, so
   * mind the spelling. @default the run as a whole, once before anything of it runs
   */
  readonly only?: InterceptorScope | undefined;
}

/**
 * An interceptor that asks a policy before a run, or before some of its stages. What is denied is not called, and fails. It
 * stands after `authentication` in the list, and before whatever answers in place of stages.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const interceptors = [
 *   authentication({ validator }),
 *   authorization({ policy: requireOrganisation() }),
 *   authorization({ policy: requireRole('admin'), only: { tags: ['danger'] } }),
 * ];
 * ```
 */
export function authorization({ policy, only }: AuthorizationOptions): Interceptor {
  if (typeof policy !== 'function') throw wrongOption('policy', 'a function', typeof policy);
  const name = 'authorization';
  if (only === undefined) return { name, run: (run, next) => admitted(policy, run, undefined).then(next) };
  return { name, only, stage: (stage, next): Promise<StageOutcome> => admitted(policy, stage, stage).then(next) };
}

/** Resolves where the policy allows it. */
async function admitted(policy: Policy, subject: InterceptedRun | InterceptedStage, stage: PolicyRequest['stage']): Promise<void> {
  const { identity, pipeline, signal } = subject;
  const auth = authOf(subject);
  const decision = await decide(policy, { auth, identity, pipeline, stage, signal });
  if (decision.allowed) return;
  const { code, message, hint, docs, retryable, details } = decision.error;
  subject.emit(authDenied, { code, userId: auth.userId });
  const path = stage?.path;
  throw new StageflowError({ code, message: () => message, hint: () => hint, docs, retryable }, details, {
    pipeline,
    runId: identity.runId,
    path,
  });
}
