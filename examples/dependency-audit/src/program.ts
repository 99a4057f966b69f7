import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createRuntime, isStageflowError, type StageflowError } from '@stageflow/core';
import { type CommandLine, readCommandLine, usage } from './command-line.ts';
import { type AuditJournal, auditKey, leaseMs, openJournal, type UnfinishedAudit } from './journal/audit-journal.ts';
import { type AuditRun, runAudit } from './journal/run-audit.ts';
import { codeOf } from './node-modules/disk.ts';
import { locateNodeModules } from './node-modules/locate.ts';
import { dependencyAudit } from './pipeline.ts';
import { printable } from './report/wording.ts';
import { writeReports } from './report/write-reports.ts';
import { progressSink, type Terminal } from './terminal/show-progress.ts';
import { type CountedMap, itemsEnded, ProgressBoard } from './terminal/stage-progress.ts';
import { cancelledLines, summaryLines } from './terminal/summary.ts';
import { UsageError } from './usage-error.ts';

/** Where the program prints, and what stops it. */
export interface Surroundings {
  readonly output: Terminal;
  readonly errors: Pick<Terminal, 'write'>;
  readonly signal: AbortSignal;
}

const exitCode = { passed: 0, blocked: 1, usage: 2, failed: 3, interrupted: 130 } as const;

/**
 * Audits, prints, and writes the reports.
 *
 * @param args - The command line, without the program.
 * @returns The exit code, as the usage explains them.
 */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await audit(readCommandLine(args), surroundings);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return print(surroundings.errors, error.message.split('\n'), exitCode.usage);
  }
}

async function audit(commandLine: CommandLine, { output, errors, signal }: Surroundings): Promise<number> {
  if (commandLine.help) return print(output, usage.split('\n'), exitCode.passed);
  const { path, policyFile, outputFolder, measureSizes } = commandLine;
  const input = { nodeModules: await locateNodeModules(path), policy: await readPolicy(policyFile), measureSizes };
  const say = (line: string): number => print(output, [line], exitCode.passed);
  const key = auditKey(input);
  const journal = await journalOf(commandLine, key, say);
  const unfinished = commandLine.isFresh ? undefined : await journal?.unfinished(key);
  if (unfinished !== undefined) say(continuing(unfinished));
  const stages = dependencyAudit.plan.stages.map(({ name }) => name);
  const board = new ProgressBoard(stages, auditedPackages, unfinished?.ended);
  const runtime = createRuntime({
    pipelines: [dependencyAudit],
    sinks: [progressSink(board, output)],
    interceptors: [board.interceptor],
    store: journal?.store,
    leaseMs,
  });
  let run: AuditRun;
  try {
    run = await runAudit(runtime, input, { key, journal, unfinished, signal, say });
  } catch (error) {
    throw isStageflowError(error, 'SF_INPUT_INVALID') ? new UsageError(policyProblems(policyFile, error)) : error;
  } finally {
    await runtime.close();
    await journal?.close(key);
  }
  const { report } = run.outputs;
  if (run.status === 'cancelled') return print(output, cancelledLines(run.reason, board), exitCode.interrupted);
  if (report === undefined)
    return print(
      errors,
      run.errors.map(({ message }) => message),
      exitCode.failed,
    );
  const files = await writeReports(report, run, outputFolder);
  return print(
    output,
    ['', ...summaryLines(report), '', `Reports: ${files.join(' and ')}`],
    report.passed ? exitCode.passed : exitCode.blocked,
  );
}

const auditedPackages: CountedMap = { name: 'packages', noun: 'package', last: 'package' };

/** @throws UsageError where the file that was named cannot be opened. An audit needs no journal: what goes wrong with the default one is told. */
async function journalOf({ journalFile }: CommandLine, key: string, say: (line: string) => void): Promise<AuditJournal | undefined> {
  const file = journalFile ?? fileURLToPath(new URL(`../.cache/${key}.sqlite`, import.meta.url));
  try {
    const journal = await openJournal(file);
    if (journal === undefined) say(`No journal: Node ${process.versions.node} has no SQLite. Killed, this audit cannot be continued.`);
    return journal;
  } catch (error) {
    const problem = `The journal "${file}" cannot be opened: ${error instanceof Error ? error.message : error}.`;
    if (journalFile !== undefined) throw new UsageError(problem);
    say(`${problem} Killed, this audit cannot be continued.`);
    return undefined;
  }
}

function continuing({ beganAt, ended }: UnfinishedAudit): string {
  const packages = itemsEnded(ended, auditedPackages);
  const had = packages === 1 ? 'package was' : 'packages were';
  return `Continuing the audit of ${new Date(beganAt).toLocaleTimeString('en-GB')}: ${packages} ${had} done.`;
}

function policyProblems(file: string, { details }: StageflowError<'SF_INPUT_INVALID'>): string {
  return [`The policy "${file}" is not valid:`, ...details.inputs.flatMap(({ issues }) => issues).map((issue) => `  ${issue}`)].join('\n');
}

async function readPolicy(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`The policy "${file}" cannot be read: ${codeOf(error)}.`);
  }
}

/** Prints lines in which a terminal finds nothing to obey, and returns `code`. */
function print(where: Pick<Terminal, 'write'>, lines: readonly string[], code: number): number {
  where.write(`${lines.map(printable).join('\n')}\n`);
  return code;
}
