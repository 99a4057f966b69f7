import type { Plan, PlannedStage } from './plan.ts';

/** A plan as boxes and arrows: what every drawing is made of. Ids are short and safe in any notation; labels are not. */
export interface Drawing {
  readonly title: string;
  readonly nodes: readonly DrawnNode[];
  readonly arrows: readonly DrawnArrow[];
}

/** One box. */
export interface DrawnNode {
  readonly id: string;
  readonly label: string;
  readonly kind: PlannedStage['kind'] | 'input' | 'service';
  /** Whether it is an output of the pipeline. */
  readonly wanted: boolean;
}

/** One arrow, from what is read to its reader. */
export interface DrawnArrow {
  readonly from: string;
  readonly to: string;
  /** How it is read; empty for a plain value. */
  readonly label: string;
  /** Whether a value travels along it. */
  readonly carriesValue: boolean;
}

/** Draws a plan: inputs and services, then the stages, then every edge. */
export function drawing(plan: Plan): Drawing {
  const ids = new Map<string, string>();
  const wanted = new Set(plan.draft.outputs.flatMap((output) => (output.read === 'input' || output.read === 'service' ? [] : output.from)));
  const nodes: DrawnNode[] = [];
  const add = (role: string, name: string, kind: DrawnNode['kind'], isWanted = false): void => {
    ids.set(`${role}:${name}`, `${role}${nodes.length}`);
    nodes.push({ id: `${role}${nodes.length}`, label: name, kind, wanted: isWanted });
  };
  for (const { name } of plan.inputs) add('input', name, 'input');
  for (const name of plan.services) add('service', name, 'service');
  for (const stage of plan.stages) add('stage', stage.name, stage.kind, wanted.has(stage.name));
  const id = (role: string, name: string): string => ids.get(`${role}:${name}`) as string;
  const arrows = plan.draft.stages.flatMap(({ name, needs, after, when }): DrawnArrow[] => {
    const to = id('stage', name);
    const values = needs.flatMap(({ read, from }) =>
      from.map((source) => {
        const role = read === 'input' || read === 'service' ? read : 'stage';
        const label = read === 'value' || role !== 'stage' ? '' : read === 'optionalFirstOf' ? 'optional firstOf' : read;
        return { from: id(role, source), to, label, carriesValue: true };
      }),
    );
    const order = after.map((source) => ({ from: id('stage', source), to, label: 'after', carriesValue: false }));
    const gate =
      when === undefined ? [] : [{ from: id('stage', when.route), to, label: `is ${when.arms.join(' or ')}`, carriesValue: false }];
    return [...values, ...order, ...gate];
  });
  return { title: plan.name, nodes, arrows };
}
