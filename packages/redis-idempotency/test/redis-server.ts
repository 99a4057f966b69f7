import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findRedis } from '../../../scripts/system-packages.mjs';

/** A real Redis server on loopback. Unless its settings say otherwise, it keeps nothing when it ends. */
export interface RedisServer {
  readonly port: number;
  /** Ends the process by SIGKILL; it may be started again, on its port, with what its settings made it keep. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** The process stands still: connections stay open, and nothing is answered. */
  pause(): void;
  goOn(): void;
  /** For good. */
  remove(): Promise<void>;
}

/** Starts a server on a port that is free. `settings` are those of its configuration file. */
export async function startRedis(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-redis-'));
  const all = { bind: '127.0.0.1', port: String(port), save: '', appendonly: 'no', dir: folder, ...settings };
  let child = await started(all);
  const stop = () => ended(child);
  return {
    port,
    stop,
    async start() {
      child = await started(all);
    },
    pause: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function started(settings: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(findRedis(), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output: string[] = [];
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (output.length < 100) output.push(line);
      if (line.includes('Ready to accept connections')) resolve();
    });
  });
  const failed = once(child, 'close').then(([code]) => Promise.reject(new Error(`redis ended with ${code}:\n${output.join('\n')}`)));
  failed.catch(() => undefined);
  await Promise.race([ready, failed]);
  return child;
}

/** By SIGKILL, which also ends a process that was made to stand still. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** A port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
