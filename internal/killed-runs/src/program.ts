import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program that runs in a process of its own. */
export interface RunningProgram {
  readonly process: ChildProcess;
  /** How it ended. */
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly output: string;
    readonly errors: string;
  }>;
}

/**
 * Starts a program; nothing waits for it.
 *
 * @param program - The file, as a URL.
 * @param limits.fileBlocks - How large its files may grow, in blocks of the shell's: writing more fails, as on a full disk.
 */
export function startProgram(
  program: URL,
  args: readonly string[],
  { fileBlocks }: { readonly fileBlocks?: number | undefined } = {},
): RunningProgram {
  const node = [process.execPath, '--no-warnings', '--conditions=@stageflow/source', fileURLToPath(program), ...args];
  const limit = fileBlocks === undefined ? 'unlimited' : String(fileBlocks);
  const started = spawn('sh', ['-c', `ulimit -f ${limit} && exec "$@"`, 'sh', ...node]);
  let [output, errors] = ['', ''];
  started.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  started.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const ended = new Promise<Awaited<RunningProgram['ended']>>((resolve) => {
    started.on('close', (code, signal) => resolve({ code, signal, output, errors }));
  });
  return { process: started, ended };
}
