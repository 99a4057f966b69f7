import type { ConditionSource } from '../condition.ts';
import type { EdgeSource } from '../edge.ts';
import type { StageDefinition, StageSource } from '../stage.ts';

const stageKinds = new Set<unknown>(['transform', 'enrich', 'agent', 'route', 'guard', 'work']);
for (const kind of ['branch', 'fallback', 'race', 'map', 'loop', 'guarded', 'subpipeline']) stageKinds.add(kind);

/** Whether `value` was made by `stage`, `route`, `guard`, `work` or a constructor of regions. */
export function isStage(value: unknown): value is StageSource {
  return typeof value === 'object' && value !== null && stageKinds.has((value as { kind?: unknown }).kind) && 'spec' in value;
}

/** The stages a source names, before replacements. */
export function stagesIn(source: unknown): readonly StageSource[] {
  if (isStage(source)) return [source];
  if (!isEdge(source)) return [];
  const [only] = source.of;
  const stages = source.kind === 'optional' && isEdge(only) && only.kind === 'firstOf' ? only.of : source.of;
  return stages.every(isStage) ? stages : [];
}

/** Whether `value` is a modified edge. */
export function isEdge(value: unknown): value is EdgeSource {
  return typeof value === 'object' && value !== null && 'of' in value && Array.isArray(value.of);
}

/** What a stage reads, waits for or chooses from, in its own scope; not what stands in its body. */
export function sourcesOf(spec: StageDefinition): unknown[] {
  const gate = typeof spec.when === 'object' ? [(spec.when as unknown as ConditionSource).route] : [];
  const heads = (spec.region?.heads ?? []).map(({ source }) => source);
  return [...Object.values(spec.needs ?? {}), ...(spec.after ?? []), ...gate, ...heads];
}
