import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { findPrometheus } from '../../../scripts/system-packages.mjs';

/** A real Prometheus server that scrapes one process each second. */
export interface PrometheusServer {
  /** Asks the HTTP API; gives `data` of the answer. */
  ask(path: string, parameters: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts `serve-metrics.ts` in a process of its own, and gives the port it prints. */
export async function serveMetrics(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const program = join(import.meta.dirname, 'programs/serve-metrics.ts');
  const child = spawn(process.execPath, ['--conditions=@stageflow/source', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await firstMatch(child, 'stdout', /^(\d+)$/);
  return { port: Number(port), stop: () => ended(child, () => child.stdin?.end()) };
}

export async function startPrometheus(port: number): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  writeFileSync(config, configuration(port));
  const child = spawn(
    findPrometheus().server,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--enable-feature=exemplar-storage',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const address = await firstMatch(child, 'stderr', /"?Listening on"? address=(127\.0\.0\.1:\d+)/);
  return {
    async ask(path, parameters) {
      const response = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
      const answer = (await response.json()) as { readonly status: string; readonly data: unknown; readonly error?: string };
      if (answer.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`);
      return answer.data;
    },
    async stop() {
      await ended(child, () => child.kill('SIGTERM'));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What `promtool check metrics` says about an exposition in the text format. */
export async function checkMetrics(text: string): Promise<{ readonly code: number; readonly output: string }> {
  const checking = promisify(execFile)(findPrometheus().tool, ['check', 'metrics']);
  checking.child.stdin?.end(text);
  return checking.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  );
}

function configuration(port: number): string {
  return `global:
  scrape_interval: 1s
scrape_configs:
  - job_name: stageflow
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`;
}

async function firstMatch(child: ChildProcess, from: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
  const stream = child[from];
  if (!stream) throw new Error(`no ${from}`);
  const seen: string[] = [];
  const failed = once(child, 'close').then(([code]) => Promise.reject(new Error(`ended with ${code}:\n${seen.join('\n')}`)));
  const found = new Promise<string>((resolve) => {
    // Goes on to read after the match, so that the process never waits for a full pipe.
    createInterface({ input: stream }).on('line', (line) => {
      if (seen.length < 100) seen.push(line);
      const [, match] = pattern.exec(line) ?? [];
      if (match !== undefined) resolve(match);
    });
  });
  failed.catch(() => undefined);
  return Promise.race([found, failed]);
}

async function ended(child: ChildProcess, tell: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  tell();
  await closed;
}
