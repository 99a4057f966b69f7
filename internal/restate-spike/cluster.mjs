// Everything one experiment needs: a server, workers behind a balancer, the deployment registered, what the workers observed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBalancer } from './balancer.mjs';
import { startServer } from './server.mjs';

/** @param {{ workers: readonly string[], env?: Record<string, string> }} options `env` for the workers. */
export async function startCluster({ workers: names, env = {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'restate-spike-seen-'));
  const observations = join(folder, 'observations.jsonl');
  writeFileSync(observations, '');
  const workers = new Map();
  const balancer = await startBalancer(() => [...workers.values()].map((worker) => worker.port));
  const server = await startServer();

  const startWorker = async (name) => {
    const child = spawn(
      process.execPath,
      ['--conditions=@stageflow/source', new URL('worker.mjs', import.meta.url).pathname, name, observations],
      {
        stdio: ['ignore', 'pipe', env['QUIET'] === '1' ? 'ignore' : 'inherit'],
        env: { ...process.env, RESTATE_LOGGING: 'ERROR', ...env },
      },
    );
    const exited = once(child, 'exit');
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.removeListener('exit', end));
    const port = await new Promise((resolve, reject) => {
      child.on('exit', (code) => reject(new Error(`worker ${name} ended with ${code}`)));
      child.stdout.on('data', (chunk) => {
        const ready = /ready (\d+)/.exec(String(chunk));
        if (ready) resolve(Number(ready[1]));
      });
    });
    workers.set(name, { child, exited, port });
  };
  const killWorker = async (name) => {
    const worker = workers.get(name);
    workers.delete(name);
    worker.child.kill('SIGKILL');
    await worker.exited;
  };

  const post = async (url, body, method = 'POST') => {
    const response = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw Object.assign(new Error(`${response.status} ${text}`), { status: response.status });
    return text === '' ? undefined : JSON.parse(text);
  };

  const seen = () =>
    readFileSync(observations, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));

  const stop = async () => {
    for (const name of [...workers.keys()]) await killWorker(name);
    await balancer.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };

  let registration;
  try {
    await Promise.all(names.map(startWorker));
    registration = await post(`${server.admin}/deployments`, { uri: balancer.url });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    server,
    balancer,
    registration,
    startWorker,
    killWorker,
    /** Starts a worker anew whenever it ends by itself, until `over` settles. */
    supervise: async (name, over) => {
      let isOver = false;
      const ends = over.finally(() => {
        isOver = true;
      });
      for (;;) {
        await Promise.race([workers.get(name).exited, ends]);
        if (isOver) return ends;
        await startWorker(name);
      }
    },
    /** Runs a pipeline to its end. */
    run: (runId, pipeline, input, more = {}) => post(`${server.ingress}/runs/${runId}/run`, { pipeline, input, ...more }),
    /** Starts one; resolves with its invocation id. */
    send: async (runId, pipeline, input, more = {}) =>
      (await post(`${server.ingress}/runs/${runId}/run/send`, { pipeline, input, ...more })).invocationId,
    attach: (runId) => post(`${server.ingress}/restate/workflow/runs/${runId}/attach`, undefined, 'GET'),
    call: (runId, handler, body) => post(`${server.ingress}/runs/${runId}/${handler}`, body),
    cancel: (invocationId) => post(`${server.admin}/invocations/${invocationId}/cancel`, undefined, 'PATCH'),
    query: (sql) =>
      fetch(`${server.admin}/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query: sql }),
      }).then((response) => response.json()),
    seen: (runId) => seen().filter((each) => each.runId === runId),
    /** Waits until a worker has observed it. */
    observed: async (runId, matches) => {
      for (let left = 2_000; left > 0; left--) {
        const found = seen().find((each) => each.runId === runId && matches(each));
        if (found !== undefined) return found;
        await sleep(5);
      }
      throw new Error(`never observed in ${runId}`);
    },
    stop,
  };
}
