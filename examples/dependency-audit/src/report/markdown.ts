import type { Plan } from '@stageflow/core';
import { toMermaid } from '@stageflow/core/plan';
import type { AuditReport } from '../stages/report.ts';
import type { TimelineBar } from './run-timeline.ts';
import type { Section } from './sections.ts';
import { inTime, printable } from './wording.ts';

/** The report as GitHub-flavoured Markdown, with the graph as Mermaid. */
export function markdownReport(report: AuditReport, plan: Plan, timeline: readonly TimelineBar[]): string {
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
  const bars = timeline.map(({ stage, status, startMs, durationMs }) => {
    return [stage, status, startMs === undefined ? '' : inTime(startMs), startMs === undefined ? '' : inTime(durationMs)];
  });
  parts.push('## The run', table(['Stage', 'Ended', 'Began after', 'Took'], bars), `\`\`\`mermaid\n${toMermaid(plan).trim()}\n\`\`\``);
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
