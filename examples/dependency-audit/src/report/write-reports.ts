import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@stageflow/core';
import { planJson } from '@stageflow/core/plan';
import { codeOf } from '../node-modules/disk.ts';
import { dependencyAudit } from '../pipeline.ts';
import type { AuditReport } from '../stages/report.ts';
import { UsageError } from '../usage-error.ts';
import { htmlReport } from './html.ts';
import { mapSummary } from './map-summary.ts';
import { markdownReport } from './markdown.ts';
import { timelineOf } from './run-timeline.ts';

/**
 * Writes report.md and report.html. Done after the run, not by a stage of it, because they show the whole run.
 *
 * @returns Their paths.
 * @throws UsageError where the folder cannot be written.
 */
export async function writeReports(report: AuditReport, run: Run<unknown>, folder: string): Promise<string[]> {
  const { plan } = dependencyAudit;
  const shown = { timeline: timelineOf(run), packages: mapSummary(run, 'packages') };
  const files = [
    [join(folder, 'report.md'), markdownReport(report, plan, shown)],
    [join(folder, 'report.html'), htmlReport(report, { plan: planJson(plan), ...shown })],
  ] as const;
  try {
    await mkdir(folder, { recursive: true });
    for (const [file, text] of files) await writeFile(file, text);
  } catch (error) {
    throw new UsageError(`The reports cannot be written to "${folder}": ${codeOf(error)}.`);
  }
  return files.map(([file]) => file);
}
