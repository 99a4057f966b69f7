import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageName, projectManifest, type TemplateManifest } from './project-manifest.ts';
import type { Versions } from './released-versions.ts';
import type { Template } from './template.ts';
import { UsageError } from './usage-error.ts';

/** What a project is made from. */
export interface ProjectOptions {
  /** Where it goes: missing, or empty but for `.git`. */
  readonly folder: string;
  readonly template: Template;
  /** By package; see {@link releasedVersions}. */
  readonly versions: Versions;
}

const templatesFolder = fileURLToPath(new URL('../templates', import.meta.url));

/**
 * Writes the files of a new project. Nothing is installed.
 *
 * @throws UsageError where the folder holds something, or is no folder. Nothing was written then.
 */
export function createProject({ folder, template, versions }: ProjectOptions): void {
  demandEmpty(folder);
  const from = join(templatesFolder, template);
  const manifest: TemplateManifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const filled = projectManifest(manifest, packageName(basename(resolve(folder))), versions);
  mkdirSync(folder, { recursive: true });
  for (const source of [join(templatesFolder, 'each'), from]) cpSync(source, folder, { recursive: true });
  // Under its own name npm would take it for the rules of this package, and leave it out.
  renameSync(join(folder, 'gitignore'), join(folder, '.gitignore'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(filled, undefined, 2)}\n`);
}

function demandEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new UsageError(`"${folder}" is a file. Name a folder that is empty, or not there yet.`);
  const found = readdirSync(folder).filter((name) => name !== '.git');
  if (found.length === 0) return;
  const some = found.length > 3 ? [...found.slice(0, 3), '…'] : found;
  throw new UsageError(`"${folder}" is not empty: it holds ${some.join(', ')}. Name a folder that is empty, or not there yet.`);
}
