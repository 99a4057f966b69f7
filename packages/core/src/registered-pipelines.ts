import { StageflowError } from './errors.ts';
import { nearestName } from './nearest-name.ts';
import type { RegisteredPipeline } from './pipeline.ts';

/** Pipelines by name. @throws SF_DUPLICATE_PIPELINE */
export function register(pipelines: readonly RegisteredPipeline[]): ReadonlyMap<string, RegisteredPipeline> {
  const byName = new Map<string, RegisteredPipeline>();
  for (const pipeline of pipelines) {
    const known = byName.get(pipeline.name);
    if (known !== undefined && known !== pipeline) throw new StageflowError('SF_DUPLICATE_PIPELINE', { pipeline: pipeline.name });
    byName.set(pipeline.name, pipeline);
  }
  return byName;
}

/** @throws SF_PIPELINE_UNKNOWN unless this very pipeline is one of them. */
export function requireRegistered(pipelines: ReadonlyMap<string, RegisteredPipeline>, pipeline: RegisteredPipeline): void {
  const { name } = pipeline;
  const known = pipelines.get(name);
  if (known === pipeline) return;
  const details = { pipeline: name, nearest: nearestName(name, pipelines.keys()), otherOfThatName: known !== undefined };
  throw new StageflowError('SF_PIPELINE_UNKNOWN', details);
}

/** @throws SF_SERVICE_MISSING unless there is every service that some pipeline reads. */
export function requireServices(pipelines: readonly RegisteredPipeline[], services: unknown): void {
  const given = Object(services ?? {}) as Record<string, unknown>;
  const missing = pipelines.flatMap(({ plan }) => plan.services.filter((name) => !Object.hasOwn(given, name) || given[name] === undefined));
  if (missing.length > 0) throw new StageflowError('SF_SERVICE_MISSING', { services: [...new Set(missing)] });
}
