import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { repositoryLinks } from '../../../scripts/docs-site/repository-links.mjs';
import { slugOf } from '../../../scripts/markdown.mjs';

const at = (/** @type {string} */ path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const site = JSON.parse(readFileSync(at('internal/docs-site/.cache/site.json'), 'utf8'));
const paths = new Map(site.paths);
const links = {
  paths,
  addresses: new Map(site.paths.map(([address, path]) => [path, address])),
  names: new Map(site.names),
  sourceUrl: process.env['STAGEFLOW_DOCS_SOURCE'],
};

/** Tables of rows and figures, which nobody looks for by their words, and which would outweigh everything else. */
const unsearched = /^(conformance|mutation|core-sources|benchmarks\/results\/.*)\.md$/;

export default defineConfig({
  title: 'Stageflow',
  description: 'Typed pipelines in TypeScript',
  base: process.env['STAGEFLOW_DOCS_BASE'] ?? '/',
  srcDir: at('internal/docs-site/.cache/pages'),
  outDir: at('dist/docs'),
  cacheDir: at('internal/docs-site/.cache/vite'),
  // The machine has no reason to know of the network: no fonts, no scripts, no counters from elsewhere.
  head: [['meta', { name: 'color-scheme', content: 'light dark' }]],
  // In files of their own, and not in each page.
  metaChunk: true,
  ignoreDeadLinks: false,
  // The index of the search is the one large file, and is fetched when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 3_000 } },
  markdown: {
    anchor: { slugify: slugOf },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: (md) => md.use(repositoryLinks, links),
  },
  themeConfig: {
    outline: { level: [2, 3] },
    nav: [
      { text: 'Start', link: '/getting-started' },
      { text: 'Concepts', link: '/concepts/authoring', activeMatch: '^/concepts/' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      { text: 'Errors', link: '/errors/', activeMatch: '^/errors/' },
    ],
    sidebar: site.sidebars,
    search: {
      provider: 'local',
      options: {
        _render: (source, env, md) => (unsearched.test(env.relativePath) ? '' : md.render(source, env)),
        miniSearch: { searchOptions: { boost: { title: 4, text: 1, titles: 1 } } },
      },
    },
  },
});
