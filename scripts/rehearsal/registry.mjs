import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pnpm } from '../command.mjs';
import { root } from '../workspace.mjs';

const home = join(root, 'internal/release-rehearsal');

/**
 * @typedef {object} Registry
 * @property {string} url Ends with a slash.
 * @property {string} publishConfig Path of an npmrc under which everything goes to this registry, and nothing elsewhere.
 * @property {string} scopeConfig The text of an npmrc under which packages of our scope come from it, and all others from where they always come.
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a registry on loopback that has no other one behind it and is empty.
 *
 * @param {string} folder Where it keeps what is published.
 * @returns {Promise<Registry>}
 */
export async function startRegistry(folder) {
  await pnpm(['install', '--frozen-lockfile', '--prefer-offline'], { cwd: home, show: false });
  const port = await freePort();
  const place = `127.0.0.1:${port}`;
  mkdirSync(folder, { recursive: true });
  const everybody = { access: '$all', publish: '$all', unpublish: '$all' };
  const config = {
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: 10 } },
    uplinks: {},
    packages: { '@stageflow/*': everybody, 'create-stageflow': everybody, '**': { access: '$all' } },
    web: { enable: false },
    log: { type: 'stdout', format: 'json', level: 'error' },
    listen: place,
  };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  const token = `//${place}/:_authToken=rehearsal\n`;
  const publishConfig = join(folder, 'publish.npmrc');
  writeFileSync(publishConfig, `registry=http://${place}/\n@stageflow:registry=http://${place}/\n${token}`);
  const program = join(home, 'node_modules/verdaccio/bin/verdaccio');
  const child = spawn(process.execPath, [program, '--config', join(folder, 'config.yaml')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'close');
  await answers(`http://${place}/-/ping`, child);
  return {
    url: `http://${place}/`,
    publishConfig,
    scopeConfig: `@stageflow:registry=http://${place}/\n`,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? address?.port : undefined;
}

/**
 * @param {string} url
 * @param {import('node:child_process').ChildProcess} child
 */
async function answers(url, child) {
  const giveUpAt = Date.now() + 60_000;
  while (Date.now() < giveUpAt && child.exitCode === null) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGTERM');
  throw new Error('The registry on loopback did not answer within a minute.');
}
