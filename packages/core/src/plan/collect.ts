import type { ConditionSource } from '../condition.ts';
import type { EdgeSource } from '../edge.ts';
import type { InputSource } from '../inputs.ts';
import type { LocalOwner, LocalSource } from '../region.ts';
import { describeReceived } from '../schema.ts';
import type { StageSource } from '../stage.ts';
import type { DraftEdge, DraftRegion, DraftStage, PipelinePolicy, PlanDraft } from './draft.ts';
import { FreeLocals } from './free-locals.ts';
import { isEdge, isStage, sourcesOf, stagesIn } from './sources-of.ts';

type AnySource = StageSource | InputSource | LocalSource | { readonly kind: 'service'; readonly name: string } | EdgeSource;

/** What `pipeline()` is given, without its types, and what `with` changed since. */
export interface PipelineDefinition {
  readonly name: string;
  readonly version: string | undefined;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly also: Readonly<Record<string, unknown>>;
  readonly policy: PipelinePolicy;
  readonly replaced: ReadonlyMap<StageSource, StageSource>;
}

/** The draft of everything that can be reached from the outputs and `also`, as written, without recursion but into regions. */
export function collect(definition: PipelineDefinition): PlanDraft {
  const { name, version, outputs, also, policy, replaced } = definition;
  const collector = new Collector(replaced);
  return {
    name,
    version,
    stages: collector.scope([...Object.values(outputs), ...Object.values(also)], undefined).stages,
    outputs: collector.edges(outputs),
    also: Object.values(also).map((source) => collector.nameOf(source)),
    policy,
  };
}

/** The stages of one scope, and what they read of the scope around it: stages, and inputs, services and locals. */
interface CollectedScope {
  readonly stages: readonly DraftStage[];
  readonly capturedStages: ReadonlySet<StageSource>;
  readonly capturedValues: ReadonlyMap<string, DraftEdge>;
}

/** A region as found, with the stages around its body that the body reads. */
interface CollectedRegion {
  readonly draft: DraftRegion;
  readonly captured: readonly StageSource[];
}

class Collector {
  readonly #replaced: ReadonlyMap<StageSource, StageSource>;
  readonly #freeLocals: FreeLocals;

  constructor(replaced: ReadonlyMap<StageSource, StageSource>) {
    this.#replaced = replaced;
    this.#freeLocals = new FreeLocals((source) => this.#stagesBehind(source));
  }

  /** Everything that `roots` reach in one scope: the pipeline, or the body of the region that owns `owner`. */
  scope(roots: readonly unknown[], owner: LocalOwner | undefined): CollectedScope {
    const found = new Map<StageSource, DraftRegion | undefined>();
    const capturedStages = new Set<StageSource>();
    const capturedValues = new Map<string, DraftEdge>();
    const pending: StageSource[] = [];
    const visit = (source: unknown): void => {
      for (const stage of this.#stagesBehind(source)) {
        if (owner !== undefined && !this.#freeLocals.of(stage).has(owner)) capturedStages.add(stage);
        else if (!found.has(stage)) pending.push(stage);
      }
      if (owner === undefined || isStage(source) || isEdge(source)) return;
      const value = source as InputSource | LocalSource | undefined;
      if (value?.kind === 'local' && value.region === owner) return;
      const edge = this.#edge('', value as AnySource);
      if (edge.read !== 'unknown') capturedValues.set(`${edge.read}:${edge.from[0]}`, edge);
    };
    for (const root of roots) {
      visit(root);
      for (let stage = pending.pop(); stage !== undefined; stage = pending.pop()) {
        if (found.has(stage)) continue;
        const region = this.#region(stage);
        found.set(stage, region?.draft);
        for (const edge of region?.draft.captures ?? []) {
          if (owner === undefined || edge.read === 'value' || (edge.read === 'local' && isOwn(edge, owner))) continue;
          capturedValues.set(`${edge.read}:${edge.from[0]}`, edge);
        }
        for (const captured of [...(region?.captured ?? [])].reverse()) visit(captured);
        for (const source of sourcesOf(stage.spec).reverse()) visit(source);
      }
    }
    const stages = Array.from(found, ([stage, region]) => this.#draftStage(stage, region));
    return { stages, capturedStages, capturedValues };
  }

  nameOf(source: unknown): string {
    return isStage(source) ? this.#substitute(source).name : describeReceived(source);
  }

  edges(sources: Readonly<Record<string, unknown>>): DraftEdge[] {
    return Object.entries(sources).map(([key, source]) => this.#edge(key, source as AnySource));
  }

  #substitute(stage: StageSource): StageSource {
    return this.#replaced.get(stage) ?? stage;
  }

  /** The stages behind a source; none behind what is no source, which is reported and not followed. */
  #stagesBehind(source: unknown): readonly StageSource[] {
    return stagesIn(source).map((stage) => this.#substitute(stage));
  }

  #region({ name, spec }: StageSource): CollectedRegion | undefined {
    const { region } = spec;
    if (region === undefined) return undefined;
    const { open, options, heads = [], body, child } = region;
    const drawnHeads = heads.map(({ key, source, lazy }) => ({ key, from: this.nameOf(source), lazy }));
    if (body === undefined) {
      const captures = (child?.services ?? []).map((service): DraftEdge => ({ key: '', read: 'service', from: [service] }));
      return { draft: { open, options, heads: drawnHeads, body, child, captures }, captured: [] };
    }
    const { stages, capturedStages, capturedValues } = this.scope([body.output], body.owner);
    const captured = [...capturedStages];
    const outputs = [this.#edge('output', body.output as AnySource)];
    const draft: PlanDraft = {
      name,
      version: undefined,
      stages,
      outputs,
      also: [],
      policy: {},
      captures: captured.map((stage) => stage.name),
    };
    const captures = [...captured.map((stage) => this.#edge('', stage)), ...capturedValues.values()];
    return { draft: { open, options, heads: drawnHeads, body: draft, child, captures }, captured };
  }

  #draftStage({ name, kind, spec }: StageSource, region: DraftRegion | undefined): DraftStage {
    const condition = typeof spec.when === 'object' ? (spec.when as unknown as ConditionSource) : undefined;
    return {
      name,
      kind,
      needs: this.edges(spec.needs ?? {}),
      after: (spec.after ?? []).map((source) => this.nameOf(source)),
      when: condition && { route: this.nameOf(condition.route), arms: condition.arms },
      spec,
      region,
    };
  }

  #edge(key: string, source: AnySource): DraftEdge {
    if (isStage(source)) return { key, read: 'value', from: [this.#substitute(source).name] };
    if (isEdge(source)) return this.#modifiedEdge(key, source);
    if (source?.kind === 'input') return { key, read: 'input', from: [source.name], schema: source.schema };
    if (source?.kind === 'service') return { key, read: 'service', from: [source.name] };
    if (source?.kind === 'local') return { key, read: 'local', from: [source.name] };
    return { key, read: 'unknown', from: [], received: describeReceived(source) };
  }

  #modifiedEdge(key: string, edge: EdgeSource): DraftEdge {
    const [only] = edge.of;
    if (edge.kind === 'optional' && isEdge(only) && only.kind === 'firstOf' && only.of.every(isStage)) {
      return { key, read: 'optionalFirstOf', from: only.of.map((stage) => this.nameOf(stage)) };
    }
    if (!edge.of.every(isStage))
      return { key, read: 'unknown', from: [], received: `${edge.kind}() of ${edge.of.map(describeReceived).join(', ')}` };
    const from = edge.of.map((stage) => this.nameOf(stage));
    return edge.stream === undefined ? { key, read: edge.kind, from } : { key, read: edge.kind, from, stream: edge.stream };
  }
}

/** Names of locals have no dot, names of regions may. */
function isOwn({ from: [local = ''] }: DraftEdge, owner: LocalOwner): boolean {
  return local.slice(0, local.lastIndexOf('.')) === owner.name;
}
