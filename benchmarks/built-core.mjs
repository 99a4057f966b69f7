// The built `@stageflow/core`, as its users get it. It is copied before anything is measured: a build during the run changes nothing.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = import.meta.dirname;
const source = join(here, '..', 'packages', 'core');

/** Where the copy lies. */
export const coreDirectory = join(here, '.cache', 'core');

/** Builds core and copies what is published of it. */
export function buildCore() {
  const compiler = join(here, '..', 'node_modules', '.bin', 'tsc');
  execFileSync(compiler, ['-b', source], { stdio: 'inherit' });
  rmSync(coreDirectory, { recursive: true, force: true });
  for (const part of ['package.json', 'dist']) cpSync(join(source, part), join(coreDirectory, part), { recursive: true });
}

/**
 * @param {string} subpath `.` or `./define`.
 * @returns {string} The file that `exports` gives for it.
 */
export function coreEntry(subpath) {
  if (!existsSync(coreDirectory)) buildCore();
  const { exports } = JSON.parse(readFileSync(join(coreDirectory, 'package.json'), 'utf8'));
  return join(coreDirectory, exports[subpath].default);
}

/** @param {string} subpath */
export function importCore(subpath) {
  return import(pathToFileURL(coreEntry(subpath)).href);
}
