import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of `test/programs` that runs in a process of its own. */
export interface RunningProgram {
  readonly process: ChildProcess;
  /** What it prints until it ends, however it does. */
  readonly output: Promise<string>;
}

/** Starts a program; nothing waits for it. */
export function startProgram(name: string, args: readonly string[]): RunningProgram {
  const path = fileURLToPath(new URL(`programs/${name}`, import.meta.url));
  const started = spawn(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  started.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  return { process: started, output: once(started, 'close').then(() => output) };
}
