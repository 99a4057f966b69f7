import type { PlanJson } from '@stageflow/core/plan';
import type { AuditReport } from '../stages/report.ts';
import { bodyOf, wholePlan } from './graph-layout.ts';
import { graphSvg } from './graph-svg.ts';
import { itemsInWords, type MapSummary } from './map-summary.ts';
import type { TimelineBar } from './run-timeline.ts';
import { Html, html } from './safe-html.ts';
import type { Section } from './sections.ts';
import { style } from './style.ts';
import { timelineSvg } from './timeline-svg.ts';
import { inTime } from './wording.ts';

/** What a report shows of its run. */
export interface ReportedRun {
  readonly plan: PlanJson;
  readonly timeline: readonly TimelineBar[];
  readonly packages: MapSummary;
}

/** The report as one HTML file that needs nothing else: no script, no font, no network, and a policy that forbids them. */
export function htmlReport(report: AuditReport, { plan, timeline, packages }: ReportedRun): string {
  const { nodeModules, passed, verdict, packageCount, violations, sections } = report;
  const status = new Map(timeline.map((bar) => [bar.stage, bar.status]));
  const ofPackage = new Map(packages.stages.map((mapped) => [mapped.stage, mapped]));
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
<div class="wide graph">${graphSvg(wholePlan(plan), (stage) => ({
    status: status.get(stage) ?? '',
    ...(stage === 'packages' ? { count: `× ${packages.items}`, told: itemsInWords(packages, 'package') } : {}),
  }))}</div>
<p class="note">Within "packages", once for each of ${itemsInWords(packages, 'package')}.</p>
<div class="wide graph">${graphSvg(bodyOf(plan, 'packages'), (stage) => ({
    status: ofPackage.get(stage)?.status ?? '',
    told: ofPackage.get(stage)?.endings ?? '',
  }))}</div>
${packageTables(packages)}
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

function packageTables({ stages, slowest }: MapSummary): Html {
  return html`${tableHtml(
    [{ title: 'Stage of a package' }, { title: 'Ended' }, { title: 'Took together', numeric: true }, { title: 'Longest', numeric: true }],
    stages.map(({ stage, endings, totalMs, longestMs }) => [stage, endings, inTime(totalMs), inTime(longestMs)]),
  )}
${tableHtml(
  [{ title: 'Slowest packages' }, { title: 'Took', numeric: true }, { title: 'Most of it' }],
  slowest.map(({ key, durationMs, mostly }) => [key, inTime(durationMs), mostly]),
)}`;
}

function sectionHtml({ title, note, columns, rows }: Section): Html {
  const body = rows.length === 0 ? html`<p class="none">None.</p>` : tableHtml(columns, rows);
  return html`<section>
<h2>${title}</h2>
<p class="note">${note}</p>
${body}
</section>`;
}

function tableHtml(columns: Section['columns'], rows: Section['rows']): Html {
  const cell = (text: string, index: number): Html => html`<td${columns[index]?.numeric ? html` class="number"` : ''}>${text}</td>`;
  return html`<div class="wide"><table>
<thead><tr>${columns.map(({ title, numeric }) => html`<th${numeric ? html` class="number"` : ''} scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>`;
}
