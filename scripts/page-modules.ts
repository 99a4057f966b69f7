import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { root } from './workspace.mjs';

/** Runs code as it stands in a page, as a module of its own, for the tests of the `describe` that this is called in. */
export function pageModules(folderName: string): (name: string, text: string) => Promise<unknown> {
  const folder = join(root, '.cache', folderName, String(process.pid));
  beforeAll(() => mkdirSync(folder, { recursive: true }));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, text) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return import(/* @vite-ignore */ pathToFileURL(file).href);
  };
}
