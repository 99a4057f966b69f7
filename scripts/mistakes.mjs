// docs/common-mistakes.md: each mistake is a module that ends with the message that stands below it, and each mended form one that does not.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isStageflowError } from '../packages/core/src/errors.ts';
import { root } from './workspace.mjs';

/** Where the page lies. It is its own golden file. */
export const mistakesPage = join(root, 'docs/common-mistakes.md');

/**
 * @typedef {object} Mistake
 * @property {string} title
 * @property {string} mistake A module that goes wrong.
 * @property {string} message What it says.
 * @property {string} mend The same module, mended.
 */

const section =
  /^## (?<title>.+)\n[\s\S]*?```ts\n(?<mistake>[\s\S]*?)```\n\n```text\n(?<message>[\s\S]*?)```\n[\s\S]*?```ts\n(?<mend>[\s\S]*?)```$/gm;

/**
 * The mistakes in a page, in its order.
 *
 * @param {string} markdown
 * @returns {Mistake[]}
 */
export function mistakesIn(markdown) {
  return Array.from(markdown.matchAll(section), ({ groups = {} }) => {
    const { title = '', mistake = '', message = '', mend = '' } = groups;
    return { title, mistake, message, mend };
  });
}

/**
 * What somebody sees who made a mistake: code, message, hint.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  return isStageflowError(error) ? `${error.code}: ${error.message}\n${error.hint}\n` : `${String(error)}\n`;
}

/** A module is loaded once for each name. */
let made = 0;

/**
 * Runs modules one after the other and gives what each threw; `undefined` where it threw nothing.
 *
 * @param {readonly string[]} modules
 * @returns {Promise<unknown[]>}
 */
export async function thrownByEach(modules) {
  const folder = join(root, '.cache/mistakes', String(process.pid));
  mkdirSync(folder, { recursive: true });
  /** @type {unknown[]} */
  const thrown = [];
  try {
    for (const text of modules) {
      const file = join(folder, `${made++}.ts`);
      writeFileSync(file, `${text}\nexport {};\n`);
      thrown.push(
        await import(/* @vite-ignore */ pathToFileURL(file).href).then(
          () => undefined,
          (error) => error,
        ),
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return thrown;
}

/**
 * Writes what the mistakes say now into the page.
 *
 * @returns {Promise<number>} The exit code.
 */
export async function updateCommonMistakes() {
  const page = readFileSync(mistakesPage, 'utf8');
  const mistakes = mistakesIn(page);
  const thrown = await thrownByEach(mistakes.map(({ mistake }) => mistake));
  const messages = thrown.map(messageOf);
  let place = 0;
  const written = page.replace(section, (text) => {
    const said = messages[place++] ?? '';
    return text.replace(/```text\n[\s\S]*?```/, () => `\`\`\`text\n${said}\`\`\``);
  });
  writeFileSync(mistakesPage, written);
  console.log(`docs/common-mistakes.md: ${mistakes.length} mistakes`);
  return 0;
}
