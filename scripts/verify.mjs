// Everything that must hold, as steps: `npm test` and CI end here.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { command } from './command.mjs';
import { checkConformance } from './conformance.mjs';
import { createdProjectChecks } from './created-projects.mjs';
import { checkLinks } from './docs-links.mjs';
import { siteChecks } from './docs-site/docs-site.mjs';
import { checkSnippets } from './docs-snippets.mjs';
import { checkErrorPages } from './error-pages.mjs';
import { checkFeatures } from './feature-links.mjs';
import { pack, packageChecks } from './package-checks.mjs';
import { checkPackedExamples } from './packed-examples.mjs';
import { packedCoreChecks, runtimesAvailable, suiteChecks } from './platforms.mjs';
import { checkQuickStart } from './quick-start.mjs';
import { createSteps } from './steps.mjs';
import { installSystemPackages } from './system-packages.mjs';
import { readTestCounts, summarise } from './test-results.mjs';
import { checkTypeCost } from './types/type-cost.mjs';
import { runOnWebStandards } from './web-standard-globals.mjs';
import { corePackage, entriesOf, packagesIn, root } from './workspace.mjs';

const report = join(root, '.cache/vitest.json');
const testStep = 'tests, types and coverage';

/** @returns {Promise<number>} The exit code. */
export async function verify() {
  rmSync(report, { force: true });
  const packages = packagesIn('packages');
  const steps = createSteps();
  await steps.run('system packages', installSystemPackages);
  await steps.run('build', build);
  await steps.run('lint', () => command('biome', ['ci', '--colors=off', '.']));
  await steps.run('repository lint', () => command(process.execPath, ['scripts/repository-lint.mjs']));
  await steps.run('typecheck tests, examples and scripts', () => command('tsc', ['-p', 'tsconfig.check.json']));
  await steps.run('error pages', checkErrorPages);
  await steps.run('the snippets of the documentation are what the compiler takes, and run', checkSnippets);
  await steps.run('type cost of 10, 100 and 500 stages', checkTypeCost);
  await steps.run('every numbered case is accounted for', checkConformance);
  await steps.run('links of the documentation', checkLinks);
  await steps.run('the quick start is the example', checkQuickStart);
  await steps.run('each feature has its proof', checkFeatures);
  for (const [name, check] of siteChecks) await steps.run(name, check);
  await steps.run(testStep, () =>
    command('vitest', ['run', '--coverage', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]),
  );
  for (const [name, check] of packages.flatMap(packageChecks)) await steps.run(name, check);
  await steps.run('typecheck examples against the tarballs', checkPackedExamples);
  for (const [name, check] of createdProjectChecks()) await steps.run(name, check);
  await steps.run('core on web-standard globals only', checkCoreGlobals);
  for (const [name, check] of packedCoreChecks()) await steps.run(name, check);
  // The suite on the other versions of Node: always in CI, by `pnpm run test:platforms` elsewhere.
  if (process.env['CI']) for (const [name, check] of suiteChecks()) await steps.run(name, check);
  if (!runtimesAvailable) console.log('\nLeft out here: Node 20, 22, 26 and Bun. Their checks run on Linux on x64.');
  else if (!process.env['CI']) console.log('\nLeft out here: the suite on Node 22 and 26. It runs in CI and by: pnpm run test:platforms');
  return finish(steps);
}

/**
 * The platforms alone: what verify does of them, and the suite on the other versions of Node.
 *
 * @returns {Promise<number>} The exit code.
 */
export async function verifyPlatforms() {
  const steps = createSteps();
  await steps.run('system packages', installSystemPackages);
  await steps.run('build', build);
  await steps.run('pack core', () => pack(corePackage()));
  for (const [name, check] of [...packedCoreChecks(), ...suiteChecks()]) await steps.run(name, check);
  console.log(`\n${steps.table()}`);
  return steps.records.every(({ passed }) => passed) ? 0 : 1;
}

/** @param {ReturnType<typeof createSteps>} steps */
function finish(steps) {
  const { line, green } = summarise(readTestCounts(report), steps.records, testStep);
  console.log(`\n${steps.table()}\n\n${line}`);
  return green ? 0 : 1;
}

async function checkCoreGlobals() {
  const scripts = entriesOf(corePackage()).map(({ script }) => script);
  const missing = scripts.filter((script) => !existsSync(script));
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}`);
  console.log(await runOnWebStandards(scripts, join(root, 'scripts/platform-smoke.mjs')));
}
