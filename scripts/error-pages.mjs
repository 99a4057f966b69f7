// The pages in docs/errors: one for each code of the table of errors, and an index.
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorTable } from '../packages/core/src/error-table.ts';
import { places } from './error-pages/prose.mjs';
import { root } from './workspace.mjs';

/**
 * @typedef {import('./error-pages/prose.mjs').Prose} Prose
 * @typedef {import('./error-pages/prose.mjs').Place} Place
 * @typedef {{ readonly message: (details: object) => string, readonly hint: (details: object) => string, readonly retryable: boolean }} Entry
 */

const folder = join(root, 'docs/errors');

/** Every error there is by its code: of the table of core, and what the other packages define in their `errors.ts`. */
export const entries = /** @type {Readonly<Record<string, Entry>>} */ (
  /** @type {unknown} */ ({ ...errorTable, ...Object.fromEntries(await definitions()) })
);

async function definitions() {
  const files = globSync('packages/*/src/errors.ts', { cwd: root }).filter((path) => !path.startsWith('packages/core/'));
  const modules = await Promise.all(files.map((path) => import(/* @vite-ignore */ pathToFileURL(join(root, path)).href)));
  return modules
    .flatMap((module) => Object.values(module))
    .flatMap((value) => (typeof value?.code === 'string' ? [[value.code, value]] : []));
}
const written = '<!-- Written by scripts/error-pages.mjs. Edit the table of errors, or the prose in scripts/error-pages. -->';

/** Details that print as their own names, for the message as a template. */
const placeholders = {
  problems: [{ code: '', message: '{problem}', hint: '{hint}' }],
  inputs: [{ input: '{input}', issues: ['{issues}'] }],
  issues: ['{issues}'],
  services: ['{services}'],
  path: ['{stage}', '{stage}', '…'],
  paths: ['{paths}'],
  waits: ['{waits}'],
  roles: ['{roles}'],
  otherOfThatName: false,
  verb: undefined,
  spent: 'attempts',
};

/**
 * The pages by file name, the index included.
 *
 * @returns {Map<string, string>}
 */
export function errorPages() {
  const pages = new Map([['README.md', indexPage()]]);
  for (const place of places) {
    for (const [code, prose] of Object.entries(place.errors)) pages.set(`${code}.md`, errorPage(code, entryOf(code), place, prose));
  }
  const missing = Object.keys(entries).filter((code) => !pages.has(`${code}.md`));
  if (missing.length > 0) throw new Error(`scripts/error-pages has no prose for ${missing.join(', ')}`);
  return pages;
}

/** @param {string} code */
function entryOf(code) {
  const entry = entries[code];
  if (!entry) throw new Error(`scripts/error-pages has prose for ${code}, which no package defines`);
  return entry;
}

/**
 * @param {string} code
 * @param {Entry} entry
 * @param {Place} place
 * @param {Prose} prose
 */
function errorPage(code, entry, place, prose) {
  const template = new Proxy(placeholders, { get: (known, key) => (key in known ? Reflect.get(known, key) : `{${String(key)}}`) });
  return `${written}

# ${code}

${prose.meaning}

| | |
|---|---|
| Appears | ${place.appears} |
| Retryable | ${entry.retryable ? 'Yes: a retry policy makes another attempt unless its `when` says otherwise.' : 'No: the same call would end the same way.'} |

## Message

${quote(entry.message(template))}

For example:

${quote(`${entry.message(prose.details)}\n${entry.hint(prose.details)}`)}

## What to do

${prose.remedy}

## Example

This ends with ${code}:

\`\`\`ts${prose.cause}
\`\`\`

Mended:

\`\`\`ts${prose.mend}
\`\`\`
`;
}

function indexPage() {
  const sections = places.map(({ title, appears, errors }) => {
    const rows = Object.entries(errors).map(([code, { meaning }]) => `| [${code}](${code}.md) | ${firstSentence(meaning)} |`);
    return `## ${title}\n\n${appears}\n\n| code | what happened |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return `${written}

# Errors

Every error of Stageflow is a \`StageflowError\`. Its \`code\` is stable and has a page here; \`message\` says what happened, \`hint\` what to do, \`retryable\` whether the same call may succeed later, \`details\` what the message was made of, and \`cause\` keeps what was thrown. \`pipeline\`, \`runId\`, \`path\` and \`attempt\` say where, as far as it is known.

\`\`\`ts
import { isStageflowError } from '@stageflow/core';

export function describe(error: unknown): string {
  if (isStageflowError(error, 'SF_STAGE_TIMEOUT')) return \`\${error.details.stage} took longer than \${error.details.timeoutMs} ms\`;
  return isStageflowError(error) ? \`\${error.code}: \${error.hint}\` : String(error);
}
\`\`\`

${sections.join('\n')}`;
}

/** @param {string} text */
function firstSentence(text) {
  const end = text.search(/[.:](\s|$)/);
  return `${text.slice(0, end)}.`;
}

/** @param {string} text */
function quote(text) {
  const escaped = text.replaceAll('<', '&lt;');
  return escaped
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n>\n');
}

/**
 * Writes the pages, and removes those of codes that are gone.
 *
 * @returns {Promise<number>} The exit code.
 */
export async function updateErrorPages() {
  const pages = errorPages();
  mkdirSync(folder, { recursive: true });
  for (const stale of readdirSync(folder).filter((name) => !pages.has(name))) rmSync(join(folder, stale));
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
  console.log(`docs/errors: ${pages.size} pages`);
  return 0;
}

/** Fails where the pages on the disk are not those of the table. */
export function checkErrorPages() {
  const pages = errorPages();
  const onDisk = existsSync(folder) ? readdirSync(folder) : [];
  const stale = [...new Set([...pages.keys(), ...onDisk])].filter(
    (name) => !onDisk.includes(name) || readFileSync(join(folder, name), 'utf8') !== pages.get(name),
  );
  if (stale.length > 0)
    throw new Error(`out of date: ${stale.map((name) => `docs/errors/${name}`).join(', ')}. Run: pnpm run errors:update`);
  console.log(`docs/errors: ${pages.size} pages`);
}
