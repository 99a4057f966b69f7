import type { PlanJson } from '@stageflow/core/plan';
import type { AuditReport } from '../stages/report.ts';
import { graphSvg } from './graph-svg.ts';
import type { TimelineBar } from './run-timeline.ts';
import { Html, html } from './safe-html.ts';
import type { Section } from './sections.ts';
import { style } from './style.ts';
import { timelineSvg } from './timeline-svg.ts';
import { inTime } from './wording.ts';

/** The report as one HTML file that needs nothing else: no script, no font, no network, and a policy that forbids them. */
export function htmlReport(report: AuditReport, plan: PlanJson, timeline: readonly TimelineBar[]): string {
  const { nodeModules, passed, verdict, packageCount, violations, sections } = report;
  const status = new Map(timeline.map((bar) => [bar.stage, bar.status]));
  const totalMs = Math.max(0, ...timeline.map(({ startMs = 0, durationMs }) => startMs + durationMs));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Dependency audit: ${passed ? 'passed' : 'blocked'}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
<header>
<h1>Dependency audit</h1>
<p class="place">${nodeModules}</p>
<p class="verdict ${passed ? 'good' : 'bad'}">${verdict}</p>
</header>
${cards(report)}
${violations.length === 0 ? '' : violationTable(report)}
${sections.map(sectionHtml)}
<section>
<h2>The run</h2>
<p class="note">${packageCount} packages in ${inTime(totalMs)}. Stages that do not need each other ran side by side; pale is time spent waiting for a slot.</p>
<div class="wide">${timelineSvg(timeline)}</div>
<p class="note">What each stage reads. A dashed arrow reads a value that may be absent, or how a stage ended.</p>
<div class="wide graph">${graphSvg(plan, (stage) => status.get(stage) ?? '')}</div>
</section>
</main>
</body>
</html>
`;
  return page.markup;
}

function cards({ checks }: AuditReport): Html {
  return html`<ul class="cards">${checks.map(({ check, found, verdict, violationCount }) => {
    const tone = verdict === 'passed' ? 'good' : verdict === 'violated' ? 'bad' : 'quiet';
    return html`<li><h3>${check}</h3><p>${found}</p><p class="tag ${tone}">${violationCount > 0 ? `${violationCount} violated` : verdict}</p></li>`;
  })}</ul>`;
}

function violationTable({ violations }: AuditReport): Html {
  const columns = [{ title: 'Check' }, { title: 'Where' }, { title: 'What' }];
  const rows = violations.map(({ check, subject, problem }) => [check, subject, problem]);
  return sectionHtml({ title: 'Violations', note: 'What has to change, in the tree or in the policy.', columns, rows });
}

function sectionHtml({ title, note, columns, rows }: Section): Html {
  if (rows.length === 0) return html`<section><h2>${title}</h2><p class="note">${note}</p><p class="none">None.</p></section>`;
  const cell = (text: string, index: number): Html => html`<td${columns[index]?.numeric ? html` class="number"` : ''}>${text}</td>`;
  return html`<section>
<h2>${title}</h2>
<p class="note">${note}</p>
<div class="wide"><table>
<thead><tr>${columns.map(({ title, numeric }) => html`<th${numeric ? html` class="number"` : ''} scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>
</section>`;
}
