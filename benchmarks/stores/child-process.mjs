import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const child = join(import.meta.dirname, 'measure', 'child.mjs');
const env = { ...process.env, NODE_ENV: 'production', LANGSMITH_TRACING: 'false' };

/**
 * Measures one task in a process of its own, with an empty folder and an empty database. Not synchronous: the server, a child
 * of this process, must not wait for somebody to read what it says.
 *
 * @param {{ part: string, contender: string }} task
 * @param {{ database: () => Promise<{ url: string, drop(): Promise<void> }>, timeoutMs: number }} setting
 */
export async function measure(task, { database, timeoutMs }) {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-bench-'));
  const { url, drop } = await database();
  const start = performance.now();
  const { stdout, stderr, end } = await output(JSON.stringify({ ...task, place: { folder, url } }), timeoutMs);
  await drop();
  rmSync(folder, { recursive: true, force: true });
  const seconds = (performance.now() - start) / 1000;
  const line = stdout.split('\n').findLast((candidate) => candidate.startsWith('@@'));
  if (line !== undefined) return { ...task, ...JSON.parse(line.slice(2)), seconds };
  const why = end === 'SIGKILL' ? `longer than ${timeoutMs / 1000} s` : stderr.split('\n').find((text) => /error/i.test(text));
  return { ...task, error: (why ?? `ended with ${end}`).slice(0, 300), seconds };
}

/** @returns {Promise<{ stdout: string, stderr: string, end: number | string }>} */
function output(task, timeoutMs) {
  return new Promise((resolve, reject) => {
    const started = spawn(process.execPath, [child, task], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      started[stream].setEncoding('utf8').on('data', (text) => {
        said[stream] += text;
      });
    }
    const timer = setTimeout(() => started.kill('SIGKILL'), timeoutMs);
    started.once('error', reject);
    started.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ ...said, end: code ?? signal });
    });
  });
}
