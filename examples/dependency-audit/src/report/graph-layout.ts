import type { PlanJson, StageJson } from '@stageflow/core/plan';

/** What is drawn: sources from outside, and stages. */
export interface Drawable {
  readonly inputs: readonly string[];
  readonly stages: readonly StageJson[];
}

/** One box: an input or a stage, in the row after the last thing it reads. */
export interface PlacedNode {
  readonly name: string;
  readonly kind: string;
  /** From the top, 0-based. */
  readonly row: number;
  /** Of the middle; 0 is the middle of the drawing, 1 the distance of two neighbours. */
  readonly column: number;
}

/** One arrow, as the points it passes: its ends, and a free place in each row between. */
export interface PlacedArrow {
  readonly read: string;
  readonly points: readonly { readonly row: number; readonly column: number }[];
}

interface Node {
  readonly name: string;
  readonly kind: string;
  row: number;
  column: number;
}

const sweeps = 12;
/** Against a box. */
const bendWidth = 0.3;

/** A pipeline, its regions as one box each. */
export function wholePlan({ inputs, stages }: PlanJson): Drawable {
  return { inputs: inputs.map(({ name }) => name), stages };
}

/** What a region repeats, with what that reads from outside. */
export function bodyOf(plan: PlanJson, region: string): Drawable {
  const stages = plan.stages.find(({ name }) => name === region)?.region?.body?.stages ?? [];
  const own = new Set(stages.map(({ name }) => name));
  const read = stages.flatMap(({ needs }) => needs.flatMap(({ from }) => from));
  return { inputs: [...new Set(read.filter((name) => !own.has(name)))], stages };
}

/**
 * Places a plan in rows, as K. Sugiyama et al. do ("Methods for visual understanding of hierarchical system
 * structures", 1981): arrows that span several rows get a place in each, and each row is sorted by where its
 * neighbours stand until few arrows cross.
 */
export function layoutGraph(plan: Drawable): { readonly nodes: readonly PlacedNode[]; readonly arrows: readonly PlacedArrow[] } {
  const inputs = plan.inputs.map((name): Node => ({ name, kind: 'input', row: 0, column: 0 }));
  const stages = plan.stages.map(({ name, kind }): Node => ({ name, kind, row: 0, column: 0 }));
  const find = (nodes: readonly Node[], name: string): Node[] => nodes.filter((node) => node.name === name);
  const outside = new Set(plan.inputs);
  const arrows: { readonly read: string; readonly path: Node[] }[] = [];
  for (const [index, { needs }] of plan.stages.entries()) {
    const reader = stages[index];
    if (reader === undefined) continue;
    for (const { read, from } of needs) {
      for (const source of from.flatMap((name) => find(outside.has(name) ? inputs : stages, name))) {
        arrows.push({ read, path: [source, reader] });
        reader.row = Math.max(reader.row, source.row + 1);
      }
    }
  }
  const rows: Node[][] = [];
  for (const node of [...inputs, ...stages]) rowAt(rows, node.row).push(node);
  for (const { path } of arrows) throughRows(path, rows);
  for (let sweep = 0; sweep < sweeps; sweep++) sortRows(rows, arrows, sweep % 2 === 0);
  const point = ({ row, column }: Node): { row: number; column: number } => ({ row, column });
  return { nodes: [...inputs, ...stages], arrows: arrows.map(({ read, path }) => ({ read, points: path.map(point) })) };
}

function rowAt(rows: Node[][], row: number): Node[] {
  rows[row] ??= [];
  return rows[row];
}

/** Gives an arrow a place in every row between its ends. */
function throughRows(path: Node[], rows: Node[][]): void {
  const [source, reader] = path;
  if (source === undefined || reader === undefined) return;
  const between = Array.from({ length: reader.row - source.row - 1 }, (_, step): Node => {
    return { name: '', kind: 'bend', row: source.row + step + 1, column: 0 };
  });
  for (const bend of between) rowAt(rows, bend.row).push(bend);
  path.splice(1, 0, ...between);
}

function sortRows(rows: readonly Node[][], arrows: readonly { readonly path: readonly Node[] }[], downwards: boolean): void {
  const neighbours = new Map<Node, Node[]>();
  for (const { path } of arrows) {
    for (const [index, node] of path.entries()) {
      const neighbour = path[index + (downwards ? -1 : 1)];
      if (neighbour !== undefined) neighbours.set(node, [...(neighbours.get(node) ?? []), neighbour]);
    }
  }
  for (const row of downwards ? rows : rows.toReversed()) {
    const wished = new Map(row.map((node) => [node, mean(neighbours.get(node)?.map(({ column }) => column)) ?? node.column]));
    row.sort((left, right) => (wished.get(left) ?? 0) - (wished.get(right) ?? 0));
    placeSideBySide(row);
  }
}

/** Gives the nodes of a row their columns, the row centred; a bend takes less room than a box. */
function placeSideBySide(row: readonly Node[]): void {
  const widthOf = ({ kind }: Node): number => (kind === 'bend' ? bendWidth : 1);
  let left = -row.reduce((sum, node) => sum + widthOf(node), 0) / 2;
  for (const node of row) {
    node.column = left + widthOf(node) / 2;
    left += widthOf(node);
  }
}

function mean(numbers: readonly number[] = []): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
