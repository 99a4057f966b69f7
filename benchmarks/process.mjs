import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const child = join(import.meta.dirname, 'measure', 'child.mjs');
/** A young generation so large that a measurement of allocation meets no collection. */
const memoryFlags = ['--max-semi-space-size=1024', '--min-semi-space-size=1024'];
/**
 * Measures one contender on one workload, in a process of its own.
 *
 * @param {import('./schedule.mjs').Task} task
 * @param {import('./options.mjs').Options} options
 */
export function measure(task, { node, budgetMs, timeoutMs }) {
  const flags = ['--expose-gc', ...(task.mode === 'memory' ? memoryFlags : [])];
  const start = performance.now();
  const { stdout, stderr, status, signal, error } = spawnSync(node, [...flags, child, JSON.stringify({ ...task, budgetMs })], {
    encoding: 'utf8',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 64e6,
    env: { ...process.env, NODE_ENV: 'production', LANGSMITH_TRACING: 'false', MASTRA_TELEMETRY_DISABLED: '1' },
  });
  const seconds = (performance.now() - start) / 1000;
  const line = stdout?.split('\n').findLast((candidate) => candidate.startsWith('@@'));
  if (line !== undefined) return { ...task, ...JSON.parse(line.slice(2)), seconds };
  const isLate = error !== undefined && 'code' in error && error.code === 'ETIMEDOUT';
  const why = stderr?.split('\n').find((text) => /error/i.test(text)) ?? `ended with ${status ?? signal}`;
  return { ...task, error: isLate ? `longer than ${timeoutMs / 1000} s` : why.slice(0, 200), seconds };
}
