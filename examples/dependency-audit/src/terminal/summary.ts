import type { AuditReport } from '../stages/report.ts';
import type { ProgressBoard } from './stage-progress.ts';

const columns = 80;
const shownViolations = 10;
/** Names are chosen by strangers and can be of any length. */
const longestViolation = 200;

/** The summary of an audit as a table of at most 80 columns, then its violations. */
export function summaryLines({ packageCount, nodeModules, verdict, checks, violations }: AuditReport): string[] {
  const rows = checks.map(({ check, found, verdict, violationCount }) => {
    return [check, found, violationCount > 0 ? `${violationCount} violated` : verdict];
  });
  const shown = violations
    .slice(0, shownViolations)
    .map(({ check, subject, problem }) => `  ${check}: ${subject} ${problem}`.slice(0, longestViolation));
  const rest = violations.length - shown.length;
  return [
    `${packageCount} packages in ${nodeModules}`,
    '',
    ...table(['check', 'found', 'policy'], rows),
    '',
    verdict,
    ...shown,
    ...(rest > 0 ? [`  and ${rest} more in the report`] : []),
  ];
}

/** What had been done when a run was stopped before its end. */
export function cancelledLines(reason: string, { stages }: ProgressBoard): string[] {
  const width = Math.max(...stages.map(({ stage }) => stage.length));
  const rows = stages.map(({ stage, status, message }) => `  ${stage.padEnd(width)}  ${message === '' ? status : `${status}: ${message}`}`);
  return ['', `Cancelled: ${reason}. No report was written. How far it got:`, ...rows];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
      .slice(0, columns);
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
