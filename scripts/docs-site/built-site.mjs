// What must hold for the site as it was built: it reads without a script, nothing in it leads nowhere, and nothing comes from elsewhere.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** @typedef {{ readonly path: string, readonly html: string }} BuiltPage */

/**
 * The pages of a built site.
 *
 * @param {string} folder
 * @returns {BuiltPage[]}
 */
export function builtPages(folder) {
  return globSync('**/*.html', { cwd: folder })
    .sort()
    .map((path) => ({ path: path.replaceAll('\\', '/'), html: readFileSync(join(folder, path), 'utf8') }));
}

/**
 * Links and anchors in the HTML that lead nowhere, and what a browser would fetch from another host.
 *
 * @param {readonly BuiltPage[]} pages
 * @param {string} folder
 * @param {string} base The path the site stands under, with slashes at both ends.
 * @returns {string[]}
 */
export function brokenReferences(pages, folder, base) {
  const ids = new Map(
    pages.map(({ path, html }) => [path, new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => unescaped(id)))]),
  );
  return pages.flatMap(({ path, html }) => {
    const fetched = [...html.matchAll(/<(?:script|img|link|iframe)\b[^>]*?\s(?:src|href)="([^"]+)"/g)].map(([, target = '']) =>
      unescaped(target),
    );
    const remote = fetched.filter((target) => /^([a-z]+:)?\/\//i.test(target)).map((target) => `${path}: fetches ${target}`);
    const links = [...html.matchAll(/<a\b[^>]*?\shref="([^"]+)"/g)].map(([, target = '']) => unescaped(target));
    const dead = [...new Set(links)].filter((target) => !leadsSomewhere(target, path, ids, folder, base));
    return [...remote, ...dead.map((target) => `${path}: "${target}" leads nowhere`)];
  });
}

/**
 * @param {string} target
 * @param {string} path
 * @param {ReadonlyMap<string, ReadonlySet<string>>} ids
 * @param {string} folder
 * @param {string} base
 */
function leadsSomewhere(target, path, ids, folder, base) {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return true;
  const [place = '', anchor = ''] = target.split('#');
  if (place.startsWith('/') && !place.startsWith(base)) return false;
  const found = place === '' ? path : place.startsWith('/') ? place.slice(base.length) : join(dirname(path), place);
  const file = [found, `${found}.html`, join(found, 'index.html')].map(decodeURI).find((name) => ids.has(name.replace(/^\.\//, '')));
  if (file === undefined) return existsSync(join(folder, found)) && found !== '';
  return anchor === '' || ids.get(file)?.has(decodeURIComponent(anchor)) === true;
}

/**
 * The text of the part of a page that is the page, as somebody without scripts reads it.
 *
 * @param {string} html
 */
export function textOf(html) {
  const main = /<main\b[\s\S]*?<\/main>/.exec(html)?.[0] ?? /<body\b[\s\S]*/.exec(html)?.[0] ?? '';
  return unescaped(main.replaceAll(/<(script|style)\b[\s\S]*?<\/\1>/g, '').replaceAll(/<[^>]+>/g, ''))
    .replaceAll('\u200B', '')
    .replaceAll(/\s+/g, ' ');
}

/** @param {string} text */
function unescaped(text) {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}
