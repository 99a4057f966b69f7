import { readFile } from 'node:fs/promises';
import { createRuntime, isStageflowError, type StageflowError } from '@stageflow/core';
import { type CommandLine, readCommandLine, usage } from './command-line.ts';
import { codeOf } from './node-modules/disk.ts';
import { locateNodeModules } from './node-modules/locate.ts';
import { dependencyAudit } from './pipeline.ts';
import { printable } from './report/wording.ts';
import { writeReports } from './report/write-reports.ts';
import { showProgress, type Terminal } from './terminal/show-progress.ts';
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
  const handle = createRuntime({ pipelines: [dependencyAudit] }).start(dependencyAudit, input, { signal });
  const board = await showProgress(
    handle,
    dependencyAudit.plan.stages.map(({ name }) => name),
    output,
  );
  const run = await handle.result.catch((error: unknown) => {
    throw isStageflowError(error, 'SF_INPUT_INVALID') ? new UsageError(policyProblems(policyFile, error)) : error;
  });
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
