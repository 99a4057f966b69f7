// Every relative link of the documentation leads to a file, and every anchor to a heading.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { command } from './command.mjs';
import { anchorsOf, linksOf } from './markdown.mjs';
import { root } from './workspace.mjs';

/**
 * The links of some pages that lead nowhere, as `page:line: what is wrong`. Addresses with a scheme are not looked at.
 *
 * @param {readonly string[]} pages Paths from the root, with slashes.
 * @param {string} [base] The repository.
 * @returns {string[]}
 */
export function brokenLinks(pages, base = root) {
  const read = (/** @type {string} */ path) => readFileSync(join(base, path), 'utf8');
  return pages.flatMap((page) => {
    const text = read(page);
    return linksOf(text).flatMap(({ target, line }) => {
      if (/^[a-z][a-z+.-]*:/i.test(target)) return [];
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? page : normalize(join(dirname(page), decodeURI(path))).replaceAll('\\', '/');
      const place = `${page}:${line}: "${target}"`;
      if (target === '' || path.startsWith('/')) return [`${place} is not a relative link`];
      if (found.startsWith('..') || !existsSync(join(base, found))) return [`${place} leads to no file`];
      if (anchor === undefined || statSync(join(base, found)).isDirectory()) return [];
      if (!found.endsWith('.md')) return /^L\d+(-L\d+)?$/.test(anchor) ? [] : [`${place} has an anchor, but leads to no page`];
      return anchorsOf(found === page ? text : read(found)).has(anchor) ? [] : [`${place} leads to no heading`];
    });
  });
}

/** @returns {Promise<string[]>} Every page of the repository: tracked, or new and not ignored. */
export async function documentationPages() {
  const listed = await command('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md'], { show: false });
  return [...new Set(listed.split('\n'))].filter((path) => path !== '' && existsSync(join(root, path))).sort();
}

/** Checks every page. */
export async function checkLinks() {
  const pages = await documentationPages();
  const broken = brokenLinks(pages);
  if (broken.length > 0) throw new Error(broken.join('\n'));
  console.log(`the links of ${pages.length} pages`);
}
