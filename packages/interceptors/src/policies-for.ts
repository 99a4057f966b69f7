import type { InterceptorScope, Plan, StagePolicy } from '@stageflow/core';

/**
 * One policy for many stages: what `pipeline.configure()` takes to give it to all that match, at any depth. A policy of the same
 * stage that is laid over it later wins, option by option.
 *
 * Regions have no policies of their own; the stages in them do. Of a pipeline below another it takes those, too.
 *
 * @param plan - That of the pipeline.
 * @param scope - Which stages: those that match every list that is given.
 * @example
 * ```ts
 * const patient = chat.configure(policiesFor(chat.plan, { tags: ['http'] }, { timeoutMs: 2_000, retry: { attempts: 3 } }));
 * ```
 */
export function policiesFor(plan: Plan, scope: InterceptorScope, policy: StagePolicy): Readonly<Record<string, StagePolicy>> {
  return Object.fromEntries(Array.from(addressesIn(plan, scope, ''), (address) => [address, policy]));
}

/** Recurses as deep as regions are nested. */
function* addressesIn({ stages }: Plan, scope: InterceptorScope, prefix: string): Generator<string> {
  for (const stage of stages) {
    const address = prefix + stage.name;
    if (stage.region === undefined) {
      if (isIn(scope, stage)) yield address;
    } else if (stage.region.body !== undefined) yield* addressesIn(stage.region.body, scope, `${address}/`);
  }
}

function isIn({ kinds, stages, tags }: InterceptorScope, { kind, name, tags: own }: Plan['stages'][number]): boolean {
  if (kinds?.includes(kind) === false || stages?.includes(name) === false) return false;
  return tags === undefined || tags.some((tag) => own.includes(tag));
}
