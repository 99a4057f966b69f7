// The public surface of each package as a text file, so that every change to it is a reviewed diff.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { build } from './build.mjs';
import { entriesOf, packagesIn } from './workspace.mjs';

const fileName = 'api.txt';

/**
 * The names that the entries of a built package export: values from the JavaScript, types from the declarations.
 *
 * @param {import('./workspace.mjs').WorkspacePackage} workspacePackage
 * @returns {string}
 */
export function describeSurface(workspacePackage) {
  const sections = entriesOf(workspacePackage).map(({ specifier, script, declarations }) => {
    const values = exportedNames(script, 'js');
    const types = exportedNames(declarations, 'dts').filter((name) => !values.includes(name));
    return [specifier, ...values.map((name) => `  value ${name}`), ...types.map((name) => `  type  ${name}`)].join('\n');
  });
  return `${sections.join('\n\n')}\n`;
}

/**
 * @param {import('./workspace.mjs').WorkspacePackage} workspacePackage
 * @throws If the surface is not the recorded one.
 */
export function checkSurface(workspacePackage) {
  const file = join(workspacePackage.directory, fileName);
  const recorded = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const difference = differenceOf(recorded, describeSurface(workspacePackage));
  if (difference.length === 0) return;
  throw new Error(
    [`${workspacePackage.folder}/${fileName} is not the surface of the build:`, ...difference, 'If you mean it: pnpm run api:update'].join(
      '\n',
    ),
  );
}

/** Builds, and records the surface of every package. */
export async function updateSurfaces() {
  await build();
  for (const workspacePackage of packagesIn('packages')) {
    if (entriesOf(workspacePackage).length === 0) continue;
    writeFileSync(join(workspacePackage.directory, fileName), describeSurface(workspacePackage));
  }
  return 0;
}

/**
 * Lines that only one text has, under the entry they belong to.
 *
 * @param {string} recorded
 * @param {string} actual
 * @returns {string[]}
 */
export function differenceOf(recorded, actual) {
  const [before, after] = [recorded, actual].map(qualifiedLines);
  return [
    ...(before ?? []).filter((line) => !after?.includes(line)).map((line) => `- ${line}`),
    ...(after ?? []).filter((line) => !before?.includes(line)).map((line) => `+ ${line}`),
  ];
}

/** @param {string} text */
function qualifiedLines(text) {
  return text.split('\n\n').flatMap((section) => {
    const [specifier = '', ...names] = section.trim().split('\n');
    return [specifier, ...names.map((name) => `${specifier}:${name.replace(/\s+/g, ' ')}`)].filter(Boolean);
  });
}

/**
 * @param {string} file
 * @param {'js' | 'dts'} lang
 * @returns {string[]}
 */
function exportedNames(file, lang) {
  const { module, errors } = parseSync(file, readFileSync(file, 'utf8'), { lang });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  return module.staticExports
    .flatMap(({ entries }) => entries)
    .filter(({ exportName }) => exportName.kind !== 'None')
    .map(({ exportName }) => exportName.name ?? 'default')
    .sort();
}
