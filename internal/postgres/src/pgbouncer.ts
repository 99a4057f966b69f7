import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPgBouncer } from '../../../scripts/system-packages.mjs';
import { freePort } from './free-port.ts';
import { ended, hasSaid } from './server-process.ts';
import { unprivileged } from './unprivileged.ts';

/** A PgBouncer of this process alone, on 127.0.0.1. */
export interface PgBouncer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts PgBouncer in transaction mode before a server. It ends with this process, whatever happens.
 *
 * @param server - The URL of the server.
 * @param connections - How many connections to the server all clients share.
 * @throws Where there is no PgBouncer, or it does not start: with what it has said.
 */
export async function startPgBouncer(server: string, connections: number): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-pgbouncer-'));
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, settings(new URL(server), port, connections));
  const ids = unprivileged();
  if (ids !== undefined) for (const path of [folder, file]) chownSync(path, ids.uid, ids.gid);
  const bouncer = spawn(findPgBouncer(), [file], { ...ids, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  await hasSaid(bouncer, 'process up');
  const kill = (): void => void bouncer.kill('SIGKILL');
  process.once('exit', kill);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      process.off('exit', kill);
      kill();
      await ended(bouncer);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function settings({ hostname, port, username }: URL, listenPort: number, connections: number): string {
  return `[databases]
postgres = host=${hostname} port=${port} user=${username}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 200
`;
}
