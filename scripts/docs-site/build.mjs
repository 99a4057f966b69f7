// Builds the site of the documentation: the pages of the repository and the reference, as HTML that needs no script to be read.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '../command.mjs';
import { root } from '../workspace.mjs';
import { apiPages, missingNames } from './api-pages.mjs';
import { repositoryPages } from './pages.mjs';
import { publicNames } from './public-names.mjs';
import { sidebars } from './sidebar.mjs';

/** Where the site is built. */
export const siteFolder = join(root, 'dist/docs');
/** The path it stands under, with slashes at both ends. */
export const siteBase = process.env['STAGEFLOW_DOCS_BASE'] ?? '/';
// Below the package of the site, whose modules the pages import.
const staging = join(root, 'internal/docs-site/.cache');
const home = 'internal/docs-site/home.md';

/**
 * Writes the pages and the reference, and builds the site from them. The packages must be built.
 *
 * `STAGEFLOW_DOCS_BASE` is the path it will stand under (default `/`, else as `/stageflow/`); `STAGEFLOW_DOCS_SOURCE` is where the sources can be read, such as
 * `https://example.org/stageflow/{kind}/main`, without which links to sources are only text.
 *
 * @throws If the reference lacks a public name, a docstring links to nothing, or a page links to a page that is not there.
 */
export async function buildDocsSite() {
  const sources = repositoryPages();
  const reference = apiPages(publicNames());
  checkReference(reference);
  const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8');
  const pages = new Map([...sources].map(([address, path]) => [address, read(path)]));
  for (const [address, text] of reference.pages) pages.set(address, `---\npageClass: reference\n---\n\n${text}`);
  pages.set('index.md', homePage(read(home), read('README.md')));
  rmSync(staging, { recursive: true, force: true });
  rmSync(siteFolder, { recursive: true, force: true });
  for (const [address, text] of pages) {
    const file = join(staging, 'pages', address);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const names = [...reference.places].reverse().map(([key, { page, anchor }]) => [key.split(':')[1], `/${page}#${anchor}`]);
  const site = { paths: [...sources, ['index.md', home]], names, sidebars: sidebars(pages, reference.entries) };
  writeFileSync(join(staging, 'site.json'), JSON.stringify(site));
  await command(join(root, 'internal/docs-site/node_modules/.bin/vitepress'), ['build'], { cwd: join(root, 'internal/docs-site') });
  console.log(`dist/docs: ${pages.size} pages, ${reference.places.size} public names`);
  return 0;
}

/** @param {import('./api-pages.mjs').Reference} reference */
function checkReference(reference) {
  const surfaces = globSync('packages/*/api.txt', { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8'));
  const missing = surfaces.flatMap((surface) => missingNames(surface, reference));
  const problems = [
    ...missing.map((name) => `${name} is not in the reference`),
    ...reference.unresolved.map((link) => `a docstring links to nothing: ${link}`),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/**
 * The first page: what is written for it, and the example of the README, which is checked there.
 *
 * @param {string} text
 * @param {string} readme
 */
function homePage(text, readme) {
  const example = /```ts\n[\s\S]*?\n```/.exec(readme)?.[0];
  if (example === undefined) throw new Error('README.md has no example for the first page.');
  return text.replace('<!-- example of the README -->', example);
}
