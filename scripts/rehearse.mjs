// A release as it would be, on a registry on loopback: versions, publishing, and then what somebody meets who installs it.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installChecks, upgradeChecks } from './rehearsal/installs.mjs';
import { startRegistry } from './rehearsal/registry.mjs';
import { listed, openClone, release } from './rehearsal/releases.mjs';
import { createSteps } from './steps.mjs';
import { corePackage, packagesIn, root } from './workspace.mjs';

/** An adapter that depends on core alone, to be released by itself. */
const alone = '@stageflow/redis-idempotency';

/**
 * Rehearses a release of what is committed. Steps build on each other: the first that is red ends it.
 *
 * @returns {Promise<number>} The exit code.
 */
export async function rehearse() {
  const folder = mkdtempSync(join(root, '.cache/rehearsal-'));
  const clone = join(folder, 'clone');
  const steps = createSteps();
  const core = corePackage().manifest.name;
  /** @type {import('./rehearsal/registry.mjs').Registry | undefined} */
  let registry;
  /** @type {import('./rehearsal/releases.mjs').Versions} */
  let first = {};
  try {
    await steps.run('a registry on loopback', async () => {
      registry = await startRegistry(join(folder, 'registry'));
      console.log(registry.url);
    });
    if (registry === undefined) return finish(steps);
    const published = registry;
    const ready = await steps.run('a clone that can publish nowhere else', () => openClone(clone, published));
    if (!ready) return finish(steps);
    const released = await steps.run('the first release publishes every package', async () => {
      first = await release(clone, published);
      console.log(listed(first));
      const missing = packagesIn('packages').filter(({ manifest }) => first[manifest.name] === undefined);
      if (missing.length > 0) throw new Error(`no changeset releases ${missing.map(({ manifest }) => manifest.name).join(', ')}`);
    });
    if (!released) return finish(steps);
    for (const [name, check] of installChecks(published, first)) await steps.run(name, check);
    await steps.run('a minor of core forces no major of an adapter', async () => {
      const second = await release(clone, published, [{ name: core, bump: 'minor' }]);
      console.log(listed(second));
      const majors = Object.entries(second).filter(([name, version]) => version.split('.')[0] !== first[name]?.split('.')[0]);
      if (second[core] === undefined || majors.length > 0) throw new Error(`majors: ${listed(Object.fromEntries(majors))}`);
    });
    await steps.run('an adapter is released alone', async () => {
      const third = await release(clone, published, [{ name: alone, bump: 'patch' }]);
      console.log(listed(third));
      if (Object.keys(third).join() !== alone) throw new Error(`released were: ${listed(third)}`);
    });
    for (const [name, check] of upgradeChecks(published, first, alone)) await steps.run(name, check);
    return finish(steps);
  } finally {
    await registry?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {ReturnType<typeof createSteps>} steps */
function finish(steps) {
  console.log(`\n${steps.table()}`);
  return steps.records.every(({ passed }) => passed) ? 0 : 1;
}
