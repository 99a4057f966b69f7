import { type DrawnNode, drawing } from './drawing.ts';
import type { Plan } from './plan.ts';

const shapes: { readonly [K in DrawnNode['kind']]: string } = {
  input: 'oval',
  service: 'cylinder',
  transform: 'box',
  enrich: 'box',
  agent: 'component',
  route: 'diamond',
  guard: 'hexagon',
  work: 'parallelogram',
  branch: 'diamond',
  fallback: 'cds',
  race: 'cds',
  map: 'box3d',
  loop: 'box3d',
  guarded: 'box3d',
  subpipeline: 'tab',
};

/**
 * A plan in the DOT language of Graphviz.
 *
 * @example
 * ```ts
 * writeFileSync('chat.dot', toDot(chat.plan));
 * ```
 */
export function toDot(plan: Plan): string {
  const { title, nodes, arrows } = drawing(plan);
  const boxes = boxesIn(undefined, nodes, '  ');
  const lines = arrows.map(({ from, to, label, carriesValue }) => {
    const attributes = [...(label === '' ? [] : [`label=${quoted(label)}`]), ...(carriesValue ? [] : ['style=dashed'])];
    return `  ${from} -> ${to}${attributes.length === 0 ? '' : ` [${attributes.join(', ')}]`};`;
  });
  return [`digraph ${quoted(title)} {`, '  rankdir=TB;', ...boxes, ...lines, '}', ''].join('\n');
}

/** The boxes of a group; what a region holds stands in a cluster with it. */
function boxesIn(group: string | undefined, nodes: readonly DrawnNode[], indent: string): string[] {
  return nodes
    .filter((node) => node.group === group)
    .flatMap(({ id, label, kind, wanted }) => {
      const box = `${id} [label=${quoted(label)}, shape=${shapes[kind]}${wanted ? ', penwidth=2' : ''}];`;
      const held = boxesIn(id, nodes, `${indent}  `);
      if (held.length === 0) return [`${indent}${box}`];
      return [`${indent}subgraph cluster_${id} {`, `${indent}  style=dashed;`, `${indent}  ${box}`, ...held, `${indent}}`];
    });
}

function quoted(text: string): string {
  // Names are free of control characters; the arms of a condition are free text.
  return `"${text.replace(/[\\"]/g, (character) => `\\${character}`).replace(/\p{Cc}/gu, ' ')}"`;
}
