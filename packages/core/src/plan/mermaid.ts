import { type DrawnNode, drawing } from './drawing.ts';
import type { Plan } from './plan.ts';

const shapes: { readonly [K in DrawnNode['kind']]: readonly [string, string] } = {
  input: ['([', '])'],
  service: ['[(', ')]'],
  transform: ['[', ']'],
  enrich: ['[', ']'],
  agent: ['[[', ']]'],
  route: ['{', '}'],
  guard: ['{{', '}}'],
  work: ['[/', '/]'],
  branch: ['{', '}'],
  fallback: ['>', ']'],
  race: ['>', ']'],
  map: ['[[', ']]'],
  loop: ['[[', ']]'],
  guarded: ['[[', ']]'],
  subpipeline: ['[[', ']]'],
};

/**
 * A plan as a Mermaid flowchart.
 *
 * @example
 * ```ts
 * console.log(toMermaid(chat.plan));
 * ```
 */
export function toMermaid(plan: Plan): string {
  const { nodes, arrows } = drawing(plan);
  const boxes = boxesIn(undefined, nodes, '  ');
  const lines = arrows.map(
    ({ from, to, label, carriesValue }) => `  ${from} ${carriesValue ? '-->' : '-.->'}${label === '' ? '' : `|"${escaped(label)}"|`} ${to}`,
  );
  const wanted = nodes.filter((node) => node.wanted).map(({ id }) => `  style ${id} stroke-width:3px`);
  return ['flowchart TD', ...boxes, ...lines, ...wanted, ''].join('\n');
}

/** The boxes of a group, each region that holds others as a subgraph. */
function boxesIn(group: string | undefined, nodes: readonly DrawnNode[], indent: string): string[] {
  return nodes
    .filter((node) => node.group === group)
    .flatMap(({ id, label, kind }) => {
      const held = boxesIn(id, nodes, `${indent}  `);
      if (held.length === 0) return [`${indent}${id}${shapes[kind][0]}"${escaped(label)}"${shapes[kind][1]}`];
      return [`${indent}subgraph ${id}["${kind} ${escaped(label)}"]`, ...held, `${indent}end`];
    });
}

/** Labels are users' text: as Mermaid's entity codes, so that none of it is read as notation or markup. */
function escaped(text: string): string {
  return text.replace(/["#&<>`\\\p{Cc}]/gu, (character) => `#${character.charCodeAt(0)};`);
}
