import { dirname, join } from 'node:path';
import { command, findProgram } from './command.mjs';

/** The programs that no npm package provides: where to look for each, and the Debian package that has it. */
const wanted = [
  { programs: ['chromium', 'google-chrome'], variable: 'STAGEFLOW_CHROMIUM', debianPackage: 'chromium' },
  { programs: ['pgbouncer'], variable: 'STAGEFLOW_PGBOUNCER', debianPackage: 'pgbouncer' },
  { programs: ['prometheus'], variable: 'STAGEFLOW_PROMETHEUS', debianPackage: 'prometheus' },
  { programs: ['redis-server', 'valkey-server'], variable: 'STAGEFLOW_REDIS', debianPackage: 'redis-server' },
];

/** The browser to test in: `STAGEFLOW_CHROMIUM`, or the one on PATH. */
export function findChromium() {
  return process.env['STAGEFLOW_CHROMIUM'] ?? findProgram('chromium') ?? findProgram('google-chrome');
}

/**
 * The PgBouncer to test with: `STAGEFLOW_PGBOUNCER`, or the one on PATH.
 *
 * @throws If there is none, saying how to get it.
 */
export function findPgBouncer() {
  const pooler = process.env['STAGEFLOW_PGBOUNCER'] ?? findProgram('pgbouncer');
  if (!pooler) {
    const install = 'sudo apt-get install -y --no-install-recommends pgbouncer';
    throw new Error(`No PgBouncer found: set STAGEFLOW_PGBOUNCER to the program, or install it (Debian: ${install}).`);
  }
  return pooler;
}

/**
 * The Prometheus server to test with, and the tool beside it: `STAGEFLOW_PROMETHEUS`, or the one on PATH.
 *
 * @throws If there is none, saying how to get it.
 */
export function findPrometheus() {
  const server = process.env['STAGEFLOW_PROMETHEUS'] ?? findProgram('prometheus');
  if (!server) {
    const install = 'sudo apt-get install -y --no-install-recommends prometheus';
    throw new Error(`No Prometheus found: set STAGEFLOW_PROMETHEUS to the program, or install it (Debian: ${install}).`);
  }
  return { server, tool: join(dirname(server), 'promtool') };
}

/**
 * The Redis server to test with: `STAGEFLOW_REDIS`, or the one on PATH.
 *
 * @throws If there is none, saying how to get it.
 */
export function findRedis() {
  const server = process.env['STAGEFLOW_REDIS'] ?? findProgram('redis-server') ?? findProgram('valkey-server');
  if (!server) {
    const install = 'sudo apt-get install -y --no-install-recommends redis-server';
    throw new Error(`No Redis found: set STAGEFLOW_REDIS to the program, or install it (Debian: ${install}).`);
  }
  return server;
}

/** Installs what is missing where apt and root are at hand; says what to install elsewhere. */
export async function installSystemPackages() {
  const missing = wanted
    .filter(({ programs, variable }) => !process.env[variable] && !programs.some(findProgram))
    .map(({ debianPackage }) => debianPackage);
  if (missing.length === 0) return;
  if (!findProgram('apt-get') || process.getuid?.() !== 0) {
    const list = missing.join(' ');
    throw new Error(`Please install: ${list} (Debian: sudo apt-get install -y --no-install-recommends ${list})`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  console.log(`installing with apt: ${missing.join(', ')}`);
  const quiet = ['-q', '-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=300'];
  await command('apt-get', [...quiet, 'update'], { env, show: false });
  await command('apt-get', [...quiet, 'install', '-y', '--no-install-recommends', ...missing], { env, show: false });
}
