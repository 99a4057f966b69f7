// Links of pages, on the site: those between pages stay inside it, those to other files go to where the sources can be read.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from '../workspace.mjs';

/**
 * @typedef {object} LinkSite
 * @property {ReadonlyMap<string, string>} addresses Address by path of the repository.
 * @property {string | undefined} sourceUrl Where the sources can be read; without it, a link to a source is only its text.
 * @property {string} [base] The repository.
 */

/**
 * Where a link of a page of the repository leads on the site: an address from its root, a URL, or `undefined` where there is nothing to open.
 *
 * @param {string} target As written.
 * @param {string} page Path of the page in the repository.
 * @param {LinkSite} site
 * @returns {string | undefined}
 */
export function siteLink(target, page, { addresses, sourceUrl, base = root }) {
  if (/^[a-z][a-z+.-]*:|^#|^\//i.test(target)) return target;
  const [path = '', anchor] = target.split('#');
  const found = normalize(join(dirname(page), decodeURI(path)))
    .replaceAll('\\', '/')
    .replace(/\/$/, '');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  const address = addresses.get(found) ?? addresses.get(`${found}/README.md`);
  if (address !== undefined) return `/${address}${hash}`;
  if (sourceUrl === undefined || !existsSync(join(base, found))) return undefined;
  const kind = statSync(join(base, found)).isDirectory() ? 'tree' : 'blob';
  return `${sourceUrl.replace(/\/$/, '').replace('{kind}', kind)}/${found}${hash}`;
}

/**
 * A plugin of markdown-it: `siteLink` for every link, and a link to the reference from the first mention of each public name in code.
 *
 * @param {any} md
 * @param {LinkSite & { readonly paths: ReadonlyMap<string, string>, readonly names: ReadonlyMap<string, string> }} site `paths` of the
 *   repository by address; `names`: addresses in the reference by public name.
 */
export function repositoryLinks(md, site) {
  md.core.ruler.push('repository_links', (/** @type {any} */ state) => {
    const address = state.env.relativePath ?? '';
    const page = site.paths.get(address);
    /** @type {Set<string>} */
    const linked = new Set();
    let isHeading = false;
    for (const token of state.tokens) {
      if (token.type === 'heading_open') isHeading = true;
      else if (token.type === 'heading_close') isHeading = false;
      else if (token.type === 'inline') {
        if (page !== undefined) rewriteLinks(token.children, page, site);
        if (!isHeading) token.children = withNames(token.children, state.Token, address, linked, site.names);
      }
    }
  });
}

/**
 * @param {any[]} tokens
 * @param {string} page
 * @param {LinkSite} site
 */
function rewriteLinks(tokens, page, site) {
  /** @type {boolean[]} */
  const opened = [];
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const link = siteLink(token.attrGet('href') ?? '', page, site);
      opened.push(link !== undefined);
      if (link === undefined) replaceTag(token, 'source_open');
      else token.attrSet('href', link);
    } else if (token.type === 'link_close' && opened.pop() === false) replaceTag(token, 'source_close');
  }
}

/**
 * @param {any} token
 * @param {string} type
 */
function replaceTag(token, type) {
  Object.assign(token, { type, tag: 'span', attrs: token.nesting === 1 ? [['class', 'source']] : null });
}

/**
 * @param {any[]} tokens
 * @param {any} Token
 * @param {string} address
 * @param {Set<string>} linked
 * @param {ReadonlyMap<string, string>} names
 */
function withNames(tokens, Token, address, linked, names) {
  let depth = 0;
  return tokens.flatMap((token) => {
    if (token.type === 'link_open') depth += 1;
    if (token.type === 'link_close') depth -= 1;
    const name = token.type === 'code_inline' ? nameIn(token.content) : undefined;
    const target = name === undefined ? undefined : names.get(name);
    if (name === undefined || target === undefined || depth > 0 || linked.has(name) || target.startsWith(`/${address}`)) return [token];
    linked.add(name);
    const open = new Token('link_open', 'a', 1);
    open.attrs = [
      ['href', target],
      ['class', 'api'],
    ];
    return [open, token, new Token('link_close', 'a', -1)];
  });
}

/**
 * The public name that code in a sentence means: `retry` may be an option and `pipeline` a member of an error, `retry()` and `RetryPolicy` not.
 *
 * @param {string} code
 */
function nameIn(code) {
  return /^(\w+)\(\)$/.exec(code)?.[1] ?? /^[A-Za-z]*[A-Z]\w*$/.exec(code)?.[0];
}
