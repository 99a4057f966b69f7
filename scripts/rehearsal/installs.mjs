// What somebody meets who installs a release: that it works, and that nothing else comes along.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.mjs';
import { checkProject, templateNames } from '../created-projects.mjs';
import { bun, installRuntimes, node, runtimesAvailable } from '../platforms.mjs';
import { corePackage, entriesOf, packagesIn, root } from '../workspace.mjs';
import { browserBundle, workerBundle } from './bundles.mjs';
import { compileEverywhere } from './compiled.mjs';
import { coldImportMs, inEmptyFolder, install, installedIn } from './consumer.mjs';

/**
 * @typedef {import('./registry.mjs').Registry} Registry
 * @typedef {import('./releases.mjs').Versions} Versions
 * @typedef {[name: string, check: () => unknown]} Check
 * @typedef {import('../workspace.mjs').WorkspacePackage} WorkspacePackage
 */

const core = corePackage().manifest.name;
const greeting = 'HELLO, ADA!\n';
const managers = /** @type {const} */ (['npm', 'pnpm']);

/**
 * @param {Registry} registry
 * @param {Versions} versions What is released.
 * @returns {Check[]}
 */
export function installChecks(registry, versions) {
  const importable = packagesIn('packages').filter((each) => entriesOf(each).length > 0);
  const adapters = importable.filter(({ manifest }) => manifest.name !== core);
  return [
    ...managers.map(
      (manager) => /** @type {Check} */ ([`${manager}: core alone, and the quick start`, () => coreAlone(registry, versions, manager)]),
    ),
    ...managers.flatMap((manager) =>
      adapters.map(
        (adapter) =>
          /** @type {Check} */ ([`${manager}: core and ${adapter.manifest.name}`, () => withAdapter(registry, versions, manager, adapter)]),
      ),
    ),
    [
      'the types under every compiler, bundler and nodenext',
      () => inEmptyFolder(registry, (folder) => compileEverywhere(folder, importable)),
    ],
    ...(runtimesAvailable ? runtimeChecks(registry) : []),
    ['a bundle for the browser', () => inQuickStart(registry, browserBundle)],
    ['a bundle for a worker', () => inQuickStart(registry, workerBundle)],
    ...templateNames().map(
      (template) =>
        /** @type {Check} */ ([
          `npm create stageflow: ${template}`,
          () => inEmptyFolder(registry, (folder) => create(registry, folder, template)),
        ]),
    ),
  ];
}

/**
 * @param {Registry} registry
 * @param {Versions} first What was released before.
 * @param {string} adapter
 * @returns {Check[]}
 */
export function upgradeChecks(registry, first, adapter) {
  return managers.map((manager) => [
    `${manager}: core and ${adapter} are upgraded`,
    () =>
      inEmptyFolder(registry, async (folder) => {
        await install(
          folder,
          manager,
          [core, adapter].map((name) => `${name}@${first[name]}`),
        );
        const { packages: before } = installedIn(folder);
        await install(folder, manager, [`${core}@latest`, `${adapter}@latest`]);
        const { packages: after } = installedIn(folder);
        console.log(`${before.join(', ')} -> ${after.join(', ')}`);
        const stayed = after.filter((each) => before.includes(each));
        if (before.length !== 2 || after.length !== 2 || stayed.length > 0) throw new Error(`not upgraded: ${stayed.join(', ')}`);
        await runQuickStart(folder);
      }),
  ]);
}

/**
 * @param {Registry} registry
 * @param {Versions} versions
 * @param {import('./consumer.mjs').PackageManager} manager
 */
function coreAlone(registry, versions, manager) {
  return inEmptyFolder(registry, async (folder) => {
    await install(folder, manager, [core]);
    await report(folder, core, [`${core}@${versions[core]}`]);
    await runQuickStart(folder);
    await command(process.execPath, ['--input-type=commonjs', '-e', `require('${core}').pipeline.call`], { cwd: folder, show: false });
  });
}

/**
 * @param {Registry} registry
 * @param {Versions} versions
 * @param {import('./consumer.mjs').PackageManager} manager
 * @param {WorkspacePackage} adapter
 */
function withAdapter(registry, versions, manager, adapter) {
  const { name, dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = adapter.manifest;
  const asked = [core, name];
  return inEmptyFolder(registry, async (folder) => {
    await install(folder, manager, asked);
    const brings = Object.keys({ ...dependencies, ...peerDependencies }).filter(
      (each) => each !== core && !peerDependenciesMeta[each]?.optional,
    );
    await report(
      folder,
      name,
      asked.map((each) => `${each}@${versions[each]}`),
      brings,
    );
    await runQuickStart(folder);
    // Entries that belong into a test runner are loaded there.
    for (const { specifier } of entriesOf(adapter).filter(({ subpath }) => subpath !== './vitest')) {
      await command(process.execPath, ['--input-type=module', '-e', `import '${specifier}'`], { cwd: folder, show: false });
      await command(process.execPath, ['--input-type=commonjs', '-e', `require('${specifier}')`], { cwd: folder, show: false });
    }
  });
}

/**
 * Prints what was installed, and refuses what nobody asked for.
 *
 * @param {string} folder
 * @param {string} specifier Whose import is timed.
 * @param {readonly string[]} expected `name@version` of ours.
 * @param {readonly string[]} [brings] Names of others that must be there; only where there are any may further ones be.
 */
async function report(folder, specifier, expected, brings = []) {
  const { packages, bytes } = installedIn(folder);
  const kilobytes = Math.round(bytes / 1000);
  console.log(`${packages.length} packages, ${kilobytes} kB, cold import ${(await coldImportMs(folder, specifier)).toFixed(0)} ms`);
  const ours = packages.filter((each) => each.startsWith('@stageflow/'));
  if (ours.join() !== expected.toSorted().join()) throw new Error(`expected ${expected.join(', ')}, installed were ${ours.join(', ')}`);
  const others = packages.filter((each) => !ours.includes(each));
  const missing = brings.filter((name) => !others.some((each) => each.startsWith(`${name}@`)));
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
  if (brings.length === 0 && others.length > 0) throw new Error(`came along: ${others.join(', ')}`);
  if (others.length > 0) console.log(`of others: ${others.join(', ')}`);
}

/**
 * @param {string} folder
 * @param {readonly string[]} [program] What runs TypeScript.
 */
async function runQuickStart(folder, [program = process.execPath, ...args] = []) {
  cpSync(join(root, 'examples/quickstart/src/main.ts'), join(folder, 'main.ts'));
  const printed = await command(program, [...args, 'main.ts'], { cwd: folder, show: false });
  if (printed !== greeting) throw new Error(`The quick start printed ${JSON.stringify(printed)}.`);
}

/**
 * @param {Registry} registry
 * @param {(folder: string) => unknown} use
 */
function inQuickStart(registry, use) {
  return inEmptyFolder(registry, async (folder) => {
    await install(folder, 'npm', [core]);
    cpSync(join(root, 'examples/quickstart/src/main.ts'), join(folder, 'main.ts'));
    await use(folder);
  });
}

/**
 * @param {Registry} registry
 * @returns {Check[]}
 */
function runtimeChecks(registry) {
  const required = `require('./platform-smoke.mjs').runSmoke(require('${core}')).then(console.log)`;
  return [
    ['Node 20, 22, 26 and Bun', installRuntimes],
    ...[20, 22, 26].map(
      (major) =>
        /** @type {Check} */ ([
          `Node ${major}: import and require()`,
          () =>
            inEmptyFolder(registry, async (folder) => {
              await install(folder, 'npm', [core]);
              cpSync(join(root, 'scripts/platform-smoke.mjs'), join(folder, 'platform-smoke.mjs'));
              const imported = `import * as core from '${core}'; import { runSmoke } from './platform-smoke.mjs'; console.log(await runSmoke(core));`;
              await command(node(major), ['--input-type=module', '-e', imported], { cwd: folder });
              await command(node(major), ['--no-warnings', '--input-type=commonjs', '-e', required], { cwd: folder });
            }),
        ]),
    ),
    [
      'Bun: installs core and runs the quick start',
      () =>
        inEmptyFolder(registry, async (folder) => {
          await command(bun, ['add', core], { cwd: folder, show: false });
          await runQuickStart(folder, [bun]);
          console.log(`${installedIn(folder).packages.join(', ')}`);
        }),
    ],
  ];
}

/**
 * `npm create` asks the registry of the rehearsal for the program, which depends on nothing; the project is installed as any other.
 *
 * @param {Registry} registry
 * @param {string} folder
 * @param {string} template
 */
async function create(registry, folder, template) {
  const args = ['create', '--yes', `--registry=${registry.url}`, 'stageflow@latest', 'my-app', '--', '--template', template];
  console.log((await command('npm', args, { cwd: folder, show: false })).trim());
  const project = join(folder, 'my-app');
  if (!existsSync(join(project, 'package.json'))) throw new Error('No project was made.');
  cpSync(join(folder, '.npmrc'), join(project, '.npmrc'));
  await command('npm', ['install', '--no-audit', '--no-fund', '--no-update-notifier'], { cwd: project, show: false });
  const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  const { packages, bytes } = installedIn(project);
  console.log(`${JSON.stringify(dependencies)}\n${packages.length} packages, ${Math.round(bytes / 1000)} kB`);
  await checkProject(template, project);
}
