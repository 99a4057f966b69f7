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
  const boxes = nodes.map(
    ({ id, label, kind, wanted }) => `  ${id} [label=${quoted(label)}, shape=${shapes[kind]}${wanted ? ', penwidth=2' : ''}];`,
  );
  const lines = arrows.map(({ from, to, label, carriesValue }) => {
    const attributes = [...(label === '' ? [] : [`label=${quoted(label)}`]), ...(carriesValue ? [] : ['style=dashed'])];
    return `  ${from} -> ${to}${attributes.length === 0 ? '' : ` [${attributes.join(', ')}]`};`;
  });
  return [`digraph ${quoted(title)} {`, '  rankdir=TB;', ...boxes, ...lines, '}', ''].join('\n');
}

function quoted(text: string): string {
  // Names are free of control characters; the arms of a condition are free text.
  return `"${text.replace(/[\\"]/g, (character) => `\\${character}`).replace(/\p{Cc}/gu, ' ')}"`;
}
