import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** A file by its text or as JSON, or a link by the path it leads to, from the root of the tree. */
export type FixtureEntry = string | { readonly json: unknown } | { readonly linkTo: string };

/**
 * Makes a folder with these entries, for one test.
 *
 * @param onEnd - Takes what removes it again: `onTestFinished` of vitest.
 * @returns Its real path.
 */
export function fixtureTree(entries: Readonly<Record<string, FixtureEntry>>, onEnd: (remove: () => void) => void): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'stageflow-audit-')));
  onEnd(() => rmSync(root, { recursive: true }));
  for (const [path, entry] of Object.entries(entries)) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof entry === 'string') writeFileSync(place, entry);
    else if ('json' in entry) writeFileSync(place, JSON.stringify(entry.json));
    else symlinkSync(relative(dirname(place), join(root, entry.linkTo)), place);
  }
  return root;
}

/** The manifest of a package that nobody objects to. */
export function manifest(name: string, version = '1.0.0', more: object = {}): FixtureEntry {
  return { json: { name, version, license: 'MIT', ...more } };
}
