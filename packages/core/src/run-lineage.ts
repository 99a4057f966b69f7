import type { ActiveRun } from './active-run.ts';
import { StageflowError } from './errors.ts';
import type { IdentityOptions } from './identity.ts';
import type { RunRegistry } from './run-registry.ts';

/** How deep runs may nest where the runtime does not say. */
const defaultMaxDepth = 5;

/**
 * The run that another is to be started below.
 *
 * @throws SF_PARENT_ENDED, SF_RUN_DEPTH_EXCEEDED
 */
export function parentOf(
  runs: RunRegistry,
  pipeline: string,
  parent: string | { readonly runId: string } | undefined,
  maxDepth: number = defaultMaxDepth,
): ActiveRun | undefined {
  if (parent === undefined) return undefined;
  const parentRunId = typeof parent === 'string' ? parent : parent.runId;
  const found = runs.find(parentRunId);
  if (found === undefined) {
    throw new StageflowError('SF_PARENT_ENDED', { pipeline, parentRunId, why: 'it is not under way in this runtime' });
  }
  if (found.stopReason !== undefined) {
    throw new StageflowError('SF_PARENT_ENDED', { pipeline, parentRunId, why: `it is stopping: ${found.stopReason}` });
  }
  if (found.depth >= maxDepth) throw new StageflowError('SF_RUN_DEPTH_EXCEEDED', { pipeline, parentRunId, maxDepth });
  return found;
}

const inherited = [
  'requestId',
  'sessionId',
  'interactionId',
  'userId',
  'tenantId',
  'correlationId',
  'traceId',
  'spanId',
  'service',
  'mode',
  'metadata',
] as const;

/** What a run has of its parent where it is not given its own. */
export function inheritedFrom(parent: ActiveRun): IdentityOptions {
  const { identity } = parent;
  return Object.fromEntries(inherited.map((name) => [name, identity[name]]));
}
