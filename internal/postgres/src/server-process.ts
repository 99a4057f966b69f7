import type { ChildProcess } from 'node:child_process';

/** The last that a process has said on its stderr. */
export function lastSaid(process: ChildProcess): () => string {
  let text = '';
  process.stderr?.on('data', (chunk) => {
    text = (text + String(chunk)).slice(-20_000);
  });
  return () => text;
}

/** Resolves to the code of a process when it has ended. */
export function ended(process: ChildProcess): Promise<number | null> {
  if (process.exitCode !== null || process.signalCode !== null) return Promise.resolve(process.exitCode);
  return new Promise((resolve, reject) => {
    process.once('exit', resolve);
    process.once('error', reject);
  });
}

/** Resolves when a process has said something on its stderr, and rejects where it ends before. */
export function hasSaid(process: ChildProcess, text: string): Promise<void> {
  const said = lastSaid(process);
  return new Promise((resolve, reject) => {
    process.once('error', reject);
    process.once('exit', (code) => reject(new Error(`${process.spawnfile} ended with ${code}: ${said()}`)));
    process.stderr?.on('data', () => {
      if (said().includes(text)) resolve();
    });
  });
}
