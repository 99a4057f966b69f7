import type { StageKind } from '../stage.ts';
import { Additions } from './additions.ts';
import type { FlowDefinition } from './definition.ts';

type Named = readonly [name: string, run: unknown];

interface Group {
  readonly kind?: StageKind | undefined;
  readonly needs?: readonly unknown[] | undefined;
}

/** What `chain` takes, without its types. */
export interface Chain extends Group {
  readonly from?: string | undefined;
  readonly stages: readonly Named[];
}

/** What `parallel` takes, without its types. */
export interface Parallel extends Group {
  readonly stages: Readonly<Record<string, unknown>>;
}

/** What `fanOutFanIn` takes, without its types. */
export interface FanOutFanIn extends Group {
  readonly split: Named;
  readonly workers: Readonly<Record<string, unknown>>;
  readonly merge: Named;
}

/** What `conditional` takes, without its types. */
export interface Conditional extends Group {
  readonly route: Named;
  readonly arms: Readonly<Record<string, unknown>>;
  readonly merge?: Named | undefined;
}

/** Stages one behind the other. */
export function addChain(definition: FlowDefinition, { from, stages, kind = 'transform', ...policy }: Chain): FlowDefinition {
  const additions = new Additions(definition);
  let upstream = from ?? definition.last;
  for (const [name, run] of stages) {
    additions.addUnwrapped(kind, name, { ...policy, needs: upstream === undefined ? [] : [upstream], run });
    upstream = name;
  }
  return additions.done(stages.length === 0 ? definition.last : upstream);
}

/** Stages that read the same. */
export function addParallel(definition: FlowDefinition, { needs, stages, kind = 'transform', ...policy }: Parallel): FlowDefinition {
  const additions = new Additions(definition);
  const upstream = needs ?? fromLast(definition);
  for (const [name, run] of Object.entries(stages)) additions.add(kind, name, { ...policy, needs: upstream, run });
  return additions.done(undefined);
}

/** A stage, some that read it, and one that reads those. */
export function addFanOutFanIn(definition: FlowDefinition, spec: FanOutFanIn): FlowDefinition {
  const { needs, split, workers, merge, kind = 'transform', ...policy } = spec;
  const additions = new Additions(definition);
  additions.add('transform', split[0], { needs: needs ?? fromLast(definition), run: split[1] });
  for (const [name, run] of Object.entries(workers)) additions.addUnwrapped(kind, name, { ...policy, needs: [split[0]], run });
  return additions.add('transform', merge[0], { needs: Object.keys(workers), run: merge[1] }).done(merge[0]);
}

/** A route, the stages it gates, and one that reads whichever of them ran. */
export function addConditional(definition: FlowDefinition, spec: Conditional): FlowDefinition {
  const { needs, route, arms, merge, kind = 'transform', ...policy } = spec;
  const additions = new Additions(definition);
  const upstream = needs ?? fromLast(definition);
  additions.add('route', route[0], { needs: upstream, run: route[1] });
  for (const [name, run] of Object.entries(arms)) {
    additions.add(kind, name, { ...policy, needs: upstream, when: { route: route[0], is: [name] }, run });
  }
  if (merge === undefined) return additions.done(undefined);
  const taken = { firstOf: Object.keys(arms), as: 'taken' };
  return additions.addUnwrapped('transform', merge[0], { needs: [taken], run: merge[1] }).done(merge[0]);
}

function fromLast({ last }: FlowDefinition): readonly string[] {
  return last === undefined ? [] : [last];
}
