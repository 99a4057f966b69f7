import type { Plan } from '@stageflow/core';
import { toMermaid } from '@stageflow/core/plan';
import type { AuditReport } from '../stages/report.ts';
import type { ReportedRun } from './html.ts';
import { itemsInWords } from './map-summary.ts';
import { absence } from './run-timeline.ts';
import type { Section } from './sections.ts';
import { inTime, printable } from './wording.ts';

/** The report as GitHub-flavoured Markdown, with the graph as Mermaid. */
export function markdownReport(report: AuditReport, plan: Plan, { timeline, packages }: Omit<ReportedRun, 'plan'>): string {
  const { nodeModules, verdict, packageCount, checks, violations, sections } = report;
  const parts = [
    '# Dependency audit',
    `${packageCount} packages in ${text(nodeModules)}. **${verdict}**`,
    table(
      ['Check', 'Found', 'Policy'],
      checks.map(({ check, found, verdict, violationCount }) => [
        check,
        found,
        violationCount > 0 ? `**${violationCount} violated**` : verdict,
      ]),
    ),
  ];
  if (violations.length > 0) {
    const rows = violations.map(({ check, subject, problem }) => [check, text(subject), text(problem)]);
    parts.push('## Violations', table(['Check', 'Where', 'What'], rows));
  }
  for (const section of sections) parts.push(...sectionParts(section));
  const bars = timeline.map((bar) => {
    if (bar.startMs === undefined) return [bar.stage, absence(bar), '', ''];
    return [bar.stage, bar.status, inTime(bar.startMs), inTime(bar.durationMs)];
  });
  const stages = packages.stages.map(({ stage, endings, totalMs, longestMs }) => [stage, endings, inTime(totalMs), inTime(longestMs)]);
  const slowest = packages.slowest.map(({ key, durationMs, mostly }) => [text(key), inTime(durationMs), mostly]);
  parts.push(
    '## The run',
    table(['Stage', 'Ended', 'Began after', 'Took'], bars),
    `Within \`packages\`, once for each of ${itemsInWords(packages, 'package')}:`,
    table(['Stage of a package', 'Ended', 'Took together', 'Longest'], stages),
    table(['Slowest packages', 'Took', 'Most of it'], slowest),
    `\`\`\`mermaid\n${toMermaid(plan).trim()}\n\`\`\``,
  );
  return `${parts.join('\n\n')}\n`;
}

function sectionParts({ title, note, columns, rows }: Section): string[] {
  const body =
    rows.length === 0
      ? 'None.'
      : table(
          columns.map((column) => column.title),
          rows.map((row) => row.map((cell, index) => (columns[index]?.numeric ? cell : text(cell)))),
        );
  return [`## ${title}`, note, body];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/**
 * Text from outside, shown as it is: nothing in it is read as Markdown, HTML or the name of somebody to notify. In a
 * code span where that is possible; what would end the span or the cell is spelled out by its code instead.
 */
function text(outside: string): string {
  const safe = printable(outside);
  if (safe !== '' && !/[`|\\]/.test(safe)) return `\`${safe}\``;
  return safe.replace(/[^\p{L}\p{N} .,/^=-]/gu, (character) => `&#${character.codePointAt(0)};`);
}
