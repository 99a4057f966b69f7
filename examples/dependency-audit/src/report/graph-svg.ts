import { type Drawable, layoutGraph, type PlacedArrow, type PlacedNode } from './graph-layout.ts';
import { type Html, html } from './safe-html.ts';

const boxWidth = 138;
const boxHeight = 34;
const columnWidth = 156;
const rowHeight = 78;

/** How a box is drawn. */
export interface BoxLook {
  /** How the stage ended, which gives the colour. */
  readonly status: string;
  /** After the name: how many items a map has. */
  readonly count?: string;
  /** In words, for who points at it. @default the status */
  readonly told?: string;
}

/** Draws a plan from top to bottom: inputs rounded, guards with cut corners, maps as a stack, every stage in the colour of how it ended. */
export function graphSvg(plan: Drawable, lookOf: (stage: string) => BoxLook): Html {
  const { nodes, arrows } = layoutGraph(plan);
  const columns = [...nodes, ...arrows.flatMap(({ points }) => points)].map(({ column }) => column);
  const left = Math.min(...columns);
  const width = (Math.max(...columns) - left) * columnWidth + boxWidth + 20;
  const height = Math.max(...nodes.map(({ row }) => row)) * rowHeight + boxHeight + 20;
  const x = (column: number): number => (column - left) * columnWidth + boxWidth / 2 + 10;
  const y = (row: number): number => row * rowHeight + boxHeight / 2 + 10;
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="The stages and what they read">
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>
${arrows.map((arrow) => arrowSvg(arrow, x, y))}
${nodes.map((node) => boxSvg(node, x(node.column), y(node.row), node.kind === 'input' ? { status: 'input' } : lookOf(node.name)))}</svg>`;
}

function arrowSvg({ read, points }: PlacedArrow, x: (column: number) => number, y: (row: number) => number): Html {
  const stops = points.map(({ row, column }) => ({ x: x(column), y: y(row) }));
  const curves = stops.slice(1).map((to, index) => {
    const from = stops[index] ?? to;
    const start = index === 0 ? from.y + boxHeight / 2 : from.y;
    const end = index === stops.length - 2 ? to.y - boxHeight / 2 - 2 : to.y;
    const bend = (end - start) / 2;
    return `M${from.x} ${start}C${from.x} ${start + bend} ${to.x} ${end - bend} ${to.x} ${end}`;
  });
  const isPlain = read === 'value' || read === 'input';
  return html`<g class="arrow ${isPlain ? 'plain' : 'tolerant'}">${isPlain ? '' : html`<title>${read}</title>`}${curves.map(
    (curve, index) => html`<path d="${curve}"${index === curves.length - 1 ? html` marker-end="url(#head)"` : ''}/>`,
  )}</g>`;
}

function boxSvg({ name, kind }: PlacedNode, x: number, y: number, { status, count, told = status }: BoxLook): Html {
  const [left, right, top, bottom] = [x - boxWidth / 2, x + boxWidth / 2, y - boxHeight / 2, y + boxHeight / 2];
  const cut = 12;
  const box = (shift: number): Html =>
    html`<rect x="${left + shift}" y="${top - shift}" width="${boxWidth}" height="${boxHeight}" rx="${kind === 'input' ? boxHeight / 2 : 6}"/>`;
  const shape =
    kind === 'guard'
      ? html`<path d="M${left + cut} ${top}H${right - cut}L${right} ${y}L${right - cut} ${bottom}H${left + cut}L${left} ${y}z"/>`
      : html`${kind === 'map' ? [box(6), box(3)] : ''}${box(0)}`;
  const label = count === undefined ? name : html`${name}<tspan class="tick"> ${count}</tspan>`;
  return html`<g class="node ${status}"><title>${kind} ${name}: ${told}</title>${shape}<text x="${x}" y="${y + 4}" text-anchor="middle">${label}</text></g>`;
}
