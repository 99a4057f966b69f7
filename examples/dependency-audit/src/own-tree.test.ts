import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { dependencyAudit } from './pipeline.ts';
import type { Facts } from './stages/facts.ts';

const nodeModules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** The packages that lie in a node_modules folder, counted in another way than the audit does: no link is followed. */
function packagesLyingIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const place = join(folder, entry.name);
    if (!entry.isDirectory()) return [];
    if (entry.name === '.pnpm') return readdirSync(place).flatMap((id) => packagesLyingIn(join(place, id, 'node_modules')));
    if (entry.name.startsWith('.')) return [];
    return entry.name.startsWith('@') ? packagesLyingIn(place) : [place, ...packagesLyingIn(join(place, 'node_modules'))];
  });
}

/** The size of every regular file of a package, by inode; what is installed for it lies in its node_modules. */
function measure(folder: string, sizes: Map<string, number>, leftOut = 'node_modules'): void {
  for (const name of readdirSync(folder)) {
    if (name === leftOut) continue;
    const stats = lstatSync(join(folder, name));
    if (stats.isDirectory()) measure(join(folder, name), sizes, '');
    else if (stats.isFile()) sizes.set(`${stats.dev} ${stats.ino}`, stats.size);
  }
}

function countIndependently() {
  const places = packagesLyingIn(realpathSync(nodeModules)).sort();
  const sizes = new Map<string, number>();
  for (const place of places) measure(place, sizes);
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const manifests = places.map((place) => JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')));
  return { places, bytes, files: sizes.size, manifests };
}

describe("the audit of this repository's own node_modules", () => {
  let facts: Facts;
  let counted: ReturnType<typeof countIndependently>;

  beforeAll(async () => {
    const run = await dependencyAudit.run({ nodeModules, policy: '{}', measureSizes: true });
    if (run.status !== 'completed') throw new Error(`the audit ended ${run.status}`);
    facts = run.outputs.accepted;
    counted = countIndependently();
  }, 60_000);

  test('finds the packages that an independent count finds, more than 200', () => {
    expect(facts.packages.map(({ directory }) => directory).sort()).toEqual(counted.places);
    expect(facts.packages.length).toBeGreaterThan(200);
    expect(facts.unreadable).toEqual([]);
  });

  test('measures the bytes and files that an independent count measures', () => {
    expect([facts.sizes?.totalBytes, facts.sizes?.totalFiles]).toEqual([counted.bytes, counted.files]);
  });

  test('counts licences, engines, scripts and versions as an independent count does', () => {
    const mit = counted.manifests.filter(({ license }) => license === 'MIT').length;
    expect(facts.packages.filter(({ licence }) => licence === 'MIT').length).toBe(mit);
    expect(facts.packages.filter(({ engine }) => engine !== undefined).length).toBe(
      counted.manifests.filter(({ engines }) => engines?.node).length,
    );
    const names = new Set(counted.manifests.map(({ name }) => name));
    const ids = new Set(counted.manifests.map(({ name, version }) => `${name}@${version}`));
    const surplus = facts.duplicateVersions.reduce((sum, { versions }) => sum + versions.length - 1, 0);
    expect(surplus).toBe(ids.size - names.size);
    const scripted = counted.manifests.filter(({ scripts = {} }) => scripts.preinstall ?? scripts.install ?? scripts.postinstall);
    const declared = facts.packages.filter(({ installScripts }) => installScripts.some(({ command }) => !command.includes('implied')));
    expect(declared.length).toBe(scripted.length);
  });
});
