// Projects as `npm create stageflow` makes them: made by the packed program, installed, started, tested and type-checked.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.mjs';
import { tarballOf } from './package-checks.mjs';
import { installPacked } from './packed-packages.mjs';
import { packagesIn, root } from './workspace.mjs';

const maker = 'packages/create-stageflow';

/** What only `start` of each template can show, by template. */
const starts = /** @type {Record<string, (cwd: string) => Promise<void>>} */ ({
  basic: async (cwd) => expectLines(await npm(cwd, ['start']), [/counting .*completed/, /^user 7 wrote 6 words\.$/]),
  durable: async (cwd) => {
    expectLines(await npm(cwd, ['start']), [/refunds .*suspended/, /^It waits for a person\./]);
    expectLines(await npm(cwd, ['run', 'decide', '--', 'yes']), [/^Refund 250 for order A-1\? yes$/, /^paid 250, approved by Grace$/]);
  },
  http: askForQuote,
});

/** @returns {string[]} The names of the templates. */
export function templateNames() {
  return readdirSync(join(root, maker, 'templates')).filter((template) => template !== 'each');
}

/** @returns {[name: string, check: () => unknown][]} One check a template, on the tarballs that `pack` wrote. Needs no network. */
export function createdProjectChecks() {
  return templateNames().map((template) => [
    `create-stageflow: a project from "${template}" starts, passes its tests and compiles`,
    () => inCreatedProject(template, installPacked, (cwd) => checkProject(template, cwd)),
  ]);
}

/**
 * Gives a project that the packed program made in a folder of its own.
 *
 * @param {string} template
 * @param {(project: string) => unknown} install
 * @param {(project: string) => unknown} use
 */
export async function inCreatedProject(template, install, use) {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'stageflow-created-'));
  try {
    const program = join(folder, 'program');
    mkdirSync(program);
    await command('tar', ['-xzf', tarballOf(packageIn(maker)), '-C', program, '--strip-components=1']);
    await command(process.execPath, [join(program, 'dist/main.js'), 'my-app', '--template', template], { cwd: folder, show: false });
    const project = join(folder, 'my-app');
    await install(project);
    await use(project);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Its commands do what its README says.
 *
 * @param {string} template
 * @param {string} cwd Where it is installed.
 */
export async function checkProject(template, cwd) {
  const start = starts[template];
  if (start === undefined) throw new Error(`Say in scripts/created-projects.mjs what a project from "${template}" prints.`);
  await start(cwd);
  expectLines(await npm(cwd, ['test']), [/^# pass [1-9]|^ℹ pass [1-9]/, /^# fail 0$|^ℹ fail 0$/]);
  await npm(cwd, ['run', 'typecheck']);
}

/**
 * The service answers one request, and ends when it is told to.
 *
 * @param {string} cwd
 */
async function askForQuote(cwd) {
  // In a group of its own: npm starts a shell, and that the compiler and the server.
  const child = spawn('npm', ['start'], { cwd, detached: true, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let printed = '';
  try {
    const url = await new Promise((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        printed += chunk;
        const listening = /listening on (\S+)/.exec(printed);
        if (listening) resolve(listening[1]);
      });
      child.once('error', reject);
      child.once('close', () => reject(new Error(`The service ended before it listened:\n${printed}`)));
    });
    const order = JSON.stringify({ product: 'pen', quantity: 3, country: 'DE' });
    const response = await fetch(`${url}/quotes`, { method: 'POST', body: order });
    const answer = await response.text();
    if (response.status !== 200 || JSON.parse(answer).total !== 11) throw new Error(`The service answered ${response.status} ${answer}`);
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await ended;
  }
  expectLines(printed, [/quoting .*completed/]);
}

/**
 * @param {string} cwd
 * @param {string[]} args
 */
function npm(cwd, args) {
  return command('npm', ['--no-update-notifier', ...args], { cwd, show: false });
}

/**
 * @param {string} printed
 * @param {RegExp[]} expected
 */
function expectLines(printed, expected) {
  const lines = printed.split('\n');
  const missing = expected.filter((pattern) => !lines.some((line) => pattern.test(line)));
  if (missing.length > 0) throw new Error(`Nothing like ${missing.join(' and ')} in:\n${printed}`);
}

/** @param {string} folder */
function packageIn(folder) {
  const found = packagesIn('packages').find((each) => each.folder === folder);
  if (found === undefined) throw new Error(`There is no ${folder}.`);
  return found;
}
