import { absence, type TimelineBar } from './run-timeline.ts';
import { type Html, html } from './safe-html.ts';
import { inTime } from './wording.ts';

const width = 960;
const labelWidth = 150;
const numberWidth = 80;
const rowHeight = 28;
const barHeight = 14;
const chartWidth = width - labelWidth - numberWidth;

/** Draws when each stage waited and ran, one bar a stage. */
export function timelineSvg(bars: readonly TimelineBar[]): Html {
  const endMs = Math.max(1, ...bars.map(({ startMs = 0, durationMs }) => startMs + durationMs));
  const x = (ms: number): number => labelWidth + (ms / endMs) * chartWidth;
  const height = bars.length * rowHeight + 30;
  const ticks = ticksUpTo(endMs).map(
    (ms) => html`<line class="grid" x1="${x(ms).toFixed(1)}" x2="${x(ms).toFixed(1)}" y1="0" y2="${height - 24}"/>
<text class="tick" x="${x(ms).toFixed(1)}" y="${height - 8}" text-anchor="middle">${ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`}</text>`,
  );
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="When each stage ran">${ticks}
${bars.map((bar, row) => barSvg(bar, row * rowHeight, x))}</svg>`;
}

function barSvg(given: TimelineBar, top: number, x: (ms: number) => number): Html {
  const { stage, status, startMs, durationMs, queuedMs } = given;
  const middle = top + rowHeight / 2;
  const label = html`<text class="label" x="${labelWidth - 12}" y="${middle + 4}" text-anchor="end">${stage}</text>`;
  if (startMs === undefined) return html`${label}<text class="tick" x="${labelWidth}" y="${middle + 4}">${absence(given)}</text>`;
  const left = x(startMs);
  const barWidth = Math.max(3, x(startMs + durationMs) - left);
  const bar = (from: number, span: number, name: string): Html =>
    html`<rect class="${name}" x="${from.toFixed(1)}" y="${middle - barHeight / 2}" width="${span.toFixed(1)}" height="${barHeight}" rx="3"/>`;
  const queued = queuedMs > 0 ? bar(x(startMs - queuedMs), left - x(startMs - queuedMs), 'bar queued') : '';
  return html`<g><title>${stage}: ${status} after ${inTime(durationMs)}${queuedMs > 0 ? `, queued ${inTime(queuedMs)}` : ''}</title>${label}${queued}
${bar(left, barWidth, `bar ${status}`)}<text class="tick" x="${(left + barWidth + 8).toFixed(1)}" y="${middle + 4}">${inTime(durationMs)}</text></g>`;
}

/** Four to eight round numbers from 0. */
function ticksUpTo(endMs: number): number[] {
  const rough = endMs / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  return Array.from({ length: Math.floor(endMs / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}
