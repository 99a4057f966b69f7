// What stands beside the pages: the parts of the site in the order of reading.
import { places } from '../error-pages/prose.mjs';
import { linksOf } from '../markdown.mjs';

/**
 * @typedef {{ readonly text: string, readonly link?: string, readonly collapsed?: boolean, readonly items?: readonly SidebarItem[] }} SidebarItem
 */

/** Pages in no list of their own, in the order of reading; a concept, package, example or decision is found by its folder. */
const groups = [
  {
    text: 'Start',
    pages: ['getting-started.md', 'common-mistakes.md', 'coming-from-langgraph.md', 'coming-from-mastra.md', 'coming-from-python.md'],
  },
  { text: 'Guides', pages: ['testing.md', 'writing-an-adapter.md', 'performance.md', 'security.md', 'releasing.md'] },
];
const reference = [
  'architecture.md',
  'conformance.md',
  'mutation.md',
  'core-sources.md',
  'overview.md',
  'contributing.md',
  'reporting-a-vulnerability.md',
];

/**
 * The sidebars by the folder they stand beside.
 *
 * @param {ReadonlyMap<string, string>} pages Markdown by address.
 * @param {import('./api-pages.mjs').Reference['entries']} entries
 * @returns {Record<string, SidebarItem[]>}
 */
export function sidebars(pages, entries) {
  const item = (/** @type {string} */ address) => ({ text: titleOf(pages.get(address) ?? address), link: `/${address}` });
  const present = (/** @type {readonly string[]} */ addresses) => addresses.filter((address) => pages.has(address)).map(item);
  const folder = (/** @type {string} */ name) => [...pages.keys()].filter((address) => address.startsWith(`${name}/`)).sort();
  const contents = pages.get('contents.md') ?? '';
  const concepts = linksOf(contents).flatMap(({ target }) => (target.startsWith('concepts/') ? [target] : []));
  return {
    '/': [
      { text: 'All pages', link: '/contents.md' },
      ...groups.map(({ text, pages: addresses }) => ({ text, collapsed: false, items: present(addresses) })),
      { text: 'Concepts', collapsed: false, items: present([...new Set([...concepts, ...folder('concepts')])]) },
      { text: 'Recipes', collapsed: true, items: present(folder('recipes')) },
      { text: 'Packages', collapsed: true, items: present(folder('packages')) },
      { text: 'Examples', collapsed: true, items: present(folder('examples')) },
      {
        text: 'Reference',
        collapsed: true,
        items: [
          { text: 'API', link: '/api/index.md' },
          { text: 'Error codes', link: '/errors/index.md' },
          ...present([...reference, 'benchmarks/index.md', ...folder('benchmarks/results')]),
        ],
      },
      { text: 'Decisions', collapsed: true, items: present(folder('decisions')) },
    ],
    '/api/': [
      { text: 'API reference', link: '/api/index.md' },
      ...entries.map(({ specifier, folder: place, modules }) => ({
        text: specifier.replace('@stageflow/', ''),
        link: `/${place}/index.md`,
        collapsed: true,
        items: modules.map((name) => ({ text: name, link: `/${place}/${name === 'index' ? 'entry' : name}.md` })),
      })),
    ],
    '/errors/': [
      { text: 'Error codes', link: '/errors/index.md' },
      ...places.map(({ title, errors }) => ({
        text: title,
        collapsed: true,
        items: Object.keys(errors).map((code) => ({ text: code.replace('SF_', ''), link: `/errors/${code}.md` })),
      })),
    ],
  };
}

/** @param {string} markdown */
function titleOf(markdown) {
  return /^# (.*)$/m.exec(markdown)?.[1]?.replaceAll('`', '') ?? '';
}
