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
  const boxes = nodes.map(({ id, label, kind }) => `  ${id}${shapes[kind][0]}"${escaped(label)}"${shapes[kind][1]}`);
  const lines = arrows.map(
    ({ from, to, label, carriesValue }) => `  ${from} ${carriesValue ? '-->' : '-.->'}${label === '' ? '' : `|"${escaped(label)}"|`} ${to}`,
  );
  const wanted = nodes.filter((node) => node.wanted).map(({ id }) => `  style ${id} stroke-width:3px`);
  return ['flowchart TD', ...boxes, ...lines, ...wanted, ''].join('\n');
}

/** Labels are users' text: as Mermaid's entity codes, so that none of it is read as notation or markup. */
function escaped(text: string): string {
  return text.replace(/["#&<>`\\\p{Cc}]/gu, (character) => `#${character.charCodeAt(0)};`);
}
