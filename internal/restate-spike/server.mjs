// One Restate server on loopback, with a folder and ports of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const manifest = createRequire(import.meta.url).resolve('@restatedev/restate-server-linux-x64/package.json');
const binary = join(dirname(manifest), 'bin/restate-server');

/** Starts the server; resolves when admin and ingress answer. `stop` ends it by its pid and removes its folder. */
export async function startServer() {
  const directory = mkdtempSync(join(tmpdir(), 'restate-spike-'));
  const [ingressPort, adminPort, nodePort] = await freePorts(3);
  const startedAt = performance.now();
  const child = spawn(
    binary,
    [
      '--bind-ip',
      '127.0.0.1',
      '--bind-port',
      `${nodePort}`,
      '--listen-mode',
      'tcp',
      '--base-dir',
      directory,
      '--node-name',
      'spike',
      '--no-logo',
    ],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        // It leaves a folder for each partition in the temporary one.
        TMPDIR: directory,
        RESTATE_DISABLE_TELEMETRY: 'true',
        DO_NOT_TRACK: '1',
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingressPort}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${adminPort}`,
        RESTATE_LOG_DISABLE_ANSI_CODES: 'true',
      },
    },
  );
  // Whatever ends this process, the server does not outlive it.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const log = join(directory, 'server.log');
  const logStream = createWriteStream(log);
  child.stdout.pipe(logStream, { end: false });
  child.stderr.pipe(logStream, { end: false });
  const exited = once(child, 'exit');
  const ingress = `http://127.0.0.1:${ingressPort}`;
  const admin = `http://127.0.0.1:${adminPort}`;
  const stop = async () => {
    child.kill('SIGTERM');
    const ended = await Promise.race([exited.then(() => true), sleep(5_000, false, { ref: false })]);
    if (!ended) {
      child.kill('SIGKILL');
      await exited;
    }
    process.removeListener('exit', end);
    logStream.end();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all([answers(`${admin}/health`, child), answers(`${ingress}/restate/health`, child)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ingress, admin, log, pid: child.pid, readyMs: performance.now() - startedAt, stop };
}

/** Takes ports that are free now, all at once so that they differ. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

async function answers(url, child) {
  for (let left = 200; left > 0; left--) {
    if (child.exitCode !== null) throw new Error(`restate-server ended with ${child.exitCode}`);
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await sleep(50);
  }
  throw new Error(`${url} did not answer`);
}
