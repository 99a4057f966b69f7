import { type DraftEdge, type DraftStage, isValueRead } from './draft.ts';
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
  /** The id of the region it stands in; `undefined` for what stands in the pipeline itself. */
  readonly group: string | undefined;
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

/** The id of what is read, where it is drawn. */
type IdOf = (read: DraftEdge['read'], name: string) => string | undefined;

/** Draws a plan: inputs and services, then the stages with what regions hold, then every edge. */
export function drawing(plan: Plan): Drawing {
  const nodes: DrawnNode[] = [];
  const arrows: DrawnArrow[] = [];
  const add = (role: string, label: string, kind: DrawnNode['kind'], group: string | undefined, wanted = false): string => {
    const id = `${role}${nodes.length}`;
    nodes.push({ id, label, kind, wanted, group });
    return id;
  };
  const drawScope = (scope: Plan, group: string | undefined, around: IdOf | undefined): void => {
    const ids = new Map<string, string>();
    const wanted = new Set(scope.draft.outputs.flatMap((output) => (isValueRead(output.read) ? [] : output.from)));
    if (group === undefined) {
      for (const { name } of scope.inputs) ids.set(`input:${name}`, add('input', name, 'input', group));
      for (const name of scope.services) ids.set(`service:${name}`, add('service', name, 'service', group));
    }
    for (const { name, kind } of scope.stages)
      ids.set(`stage:${name}`, add('stage', name, kind, group, wanted.has(name) && group === undefined));
    const idOf: IdOf = (read, name) =>
      // The pipeline itself knows all that it reads.
      ids.get(`${isValueRead(read) ? read : 'stage'}:${name}`) ?? (around as IdOf)(read, name);
    for (const { name, region } of scope.stages) {
      if (region?.body === undefined) continue;
      const own = ids.get(`stage:${name}`) as string;
      // A nested pipeline reads what its region is given; a body reads what stands around it.
      const isNested = region.options['pipeline'] !== undefined;
      drawScope(region.body, own, (read, from) => (read === 'local' || (isNested && read === 'input') ? undefined : idOf(read, from)));
    }
    for (const stage of scope.draft.stages) arrows.push(...arrowsOf(stage, idOf));
  };
  drawScope(plan, undefined, undefined);
  return { title: plan.name, nodes, arrows };
}

/** The arrows that end at a stage. What it reads from nowhere that is drawn, the item of a map, has none. */
function arrowsOf(stage: DraftStage, idOf: IdOf): DrawnArrow[] {
  const { name, needs, after, when, region } = stage;
  const to = idOf('value', name) as string;
  const arrow = (read: DraftEdge['read'], source: string, label: string, carriesValue: boolean): DrawnArrow[] => {
    const from = idOf(read, source);
    return from === undefined ? [] : [{ from, to, label, carriesValue }];
  };
  return [
    ...needs.flatMap(({ read, from }) => {
      const label = read === 'value' || isValueRead(read) ? '' : read === 'optionalFirstOf' ? 'optional firstOf' : read;
      return from.flatMap((source) => arrow(read, source, label, true));
    }),
    ...(region?.heads ?? []).flatMap(({ key, from }) => arrow('value', from, stage.kind === 'branch' ? key : '', true)),
    ...after.flatMap((source) => arrow('value', source, 'after', false)),
    ...(when === undefined ? [] : arrow('value', when.route, `is ${when.arms.join(' or ')}`, false)),
  ];
}
