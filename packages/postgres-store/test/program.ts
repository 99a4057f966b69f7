import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program of `test/programs` that runs in a process of its own. */
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

/** Starts a program; nothing waits for it. */
export function startProgram(name: string, args: readonly string[]): RunningProgram {
  const path = fileURLToPath(new URL(`programs/${name}`, import.meta.url));
  const started = spawn(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', path, ...args]);
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
