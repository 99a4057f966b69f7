import type { ConditionSource } from '../condition.ts';
import type { EdgeSource } from '../edge.ts';
import type { InputSource } from '../inputs.ts';
import { describeReceived } from '../schema.ts';
import type { StageDefinition, StageSource } from '../stage.ts';
import type { DraftEdge, DraftStage, PipelinePolicy, PlanDraft } from './draft.ts';

type AnySource = StageSource | InputSource | { readonly kind: 'service'; readonly name: string } | EdgeSource;

const stageKinds = new Set<unknown>(['transform', 'enrich', 'agent', 'route', 'guard', 'work']);

/** What `pipeline()` is given, without its types, and what `with` changed since. */
export interface PipelineDefinition {
  readonly name: string;
  readonly version: string | undefined;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly also: Readonly<Record<string, unknown>>;
  readonly policy: PipelinePolicy;
  readonly replaced: ReadonlyMap<StageSource, StageSource>;
}

/** The draft of everything that can be reached from the outputs and `also`, as written, without recursion. */
export function collect(definition: PipelineDefinition): PlanDraft {
  const substitute = (stage: StageSource): StageSource => definition.replaced.get(stage) ?? stage;
  const found = new Set<StageSource>();
  const pending: StageSource[] = [];
  const visit = (source: unknown): void => {
    for (const read of stagesReadBy(source)) {
      const stage = substitute(read);
      if (!found.has(stage)) pending.push(stage);
    }
  };
  const discover = (roots: readonly unknown[]): void => {
    for (const root of roots) {
      visit(root);
      for (let stage = pending.pop(); stage !== undefined; stage = pending.pop()) {
        if (found.has(stage)) continue;
        found.add(stage);
        for (const source of sourcesOf(stage.spec).reverse()) visit(source);
      }
    }
  };
  discover([...Object.values(definition.outputs), ...Object.values(definition.also)]);

  const nameOf = (stage: StageSource): string => substitute(stage).name;
  return {
    name: definition.name,
    version: definition.version,
    stages: Array.from(found, (stage) => draftStage(stage, nameOf)),
    outputs: edges(definition.outputs, nameOf),
    also: Object.values(definition.also).map((source) => (isStage(source) ? nameOf(source) : describeReceived(source))),
    policy: definition.policy,
  };
}

/** Whether `value` was made by `stage`, `route`, `guard` or `work`. */
export function isStage(value: unknown): value is StageSource {
  return typeof value === 'object' && value !== null && stageKinds.has((value as { kind?: unknown }).kind) && 'spec' in value;
}

/** The stages behind a source; none behind what is no source, which is reported and not followed. */
function stagesReadBy(source: unknown): readonly StageSource[] {
  if (isStage(source)) return [source];
  if (!isEdge(source)) return [];
  const [only] = source.of;
  const stages = source.kind === 'optional' && isEdge(only) && only.kind === 'firstOf' ? only.of : source.of;
  return stages.every(isStage) ? stages : [];
}

function isEdge(value: unknown): value is EdgeSource {
  return typeof value === 'object' && value !== null && 'of' in value && Array.isArray(value.of);
}

function sourcesOf(spec: StageDefinition): unknown[] {
  const gate = typeof spec.when === 'object' ? [(spec.when as unknown as ConditionSource).route] : [];
  return [...Object.values(spec.needs ?? {}), ...(spec.after ?? []), ...gate];
}

function draftStage({ name, kind, spec }: StageSource, nameOf: (stage: StageSource) => string): DraftStage {
  const condition = typeof spec.when === 'object' ? (spec.when as unknown as ConditionSource) : undefined;
  return {
    name,
    kind,
    needs: edges(spec.needs ?? {}, nameOf),
    after: (spec.after ?? []).map((source) => (isStage(source) ? nameOf(source) : describeReceived(source))),
    when: condition && {
      route: isStage(condition.route) ? nameOf(condition.route) : describeReceived(condition.route),
      arms: condition.arms,
    },
    spec,
  };
}

function edges(sources: Readonly<Record<string, unknown>>, nameOf: (stage: StageSource) => string): DraftEdge[] {
  return Object.entries(sources).map(([key, source]) => draftEdge(key, source as AnySource, nameOf));
}

function draftEdge(key: string, source: AnySource, nameOf: (stage: StageSource) => string): DraftEdge {
  if (isStage(source)) return { key, read: 'value', from: [nameOf(source)] };
  if (isEdge(source)) return modifiedEdge(key, source, nameOf);
  if (source?.kind === 'input') return { key, read: 'input', from: [source.name], schema: source.schema };
  if (source?.kind === 'service') return { key, read: 'service', from: [source.name] };
  return { key, read: 'unknown', from: [], received: describeReceived(source) };
}

function modifiedEdge(key: string, edge: EdgeSource, nameOf: (stage: StageSource) => string): DraftEdge {
  const [only] = edge.of;
  if (edge.kind === 'optional' && isEdge(only) && only.kind === 'firstOf' && only.of.every(isStage)) {
    return { key, read: 'optionalFirstOf', from: only.of.map(nameOf) };
  }
  if (!edge.of.every(isStage))
    return { key, read: 'unknown', from: [], received: `${edge.kind}() of ${edge.of.map(describeReceived).join(', ')}` };
  return { key, read: edge.kind, from: edge.of.map(nameOf) };
}
