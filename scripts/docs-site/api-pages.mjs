// The reference: one page for each module of an entry, and one that lists the names of the entry.
import { renderDocstring, summaryOf } from './docstring.mjs';

/**
 * @typedef {import('./public-names.mjs').PublicName} PublicName
 * @typedef {{ readonly page: string, readonly anchor: string }} Place A page of the site, and the heading on it.
 *
 * @typedef {object} Reference
 * @property {Map<string, string>} pages Markdown by address, such as `api/core/retry.md`.
 * @property {Map<string, Place>} places Where each name of each entry is, by `specifier:name`.
 * @property {readonly { readonly specifier: string, readonly modules: readonly string[], readonly folder: string }[]} entries
 * @property {readonly string[]} unresolved Docstrings whose `{@link}` leads nowhere, as `specifier:name: target`.
 */

/**
 * Writes the reference. What two entries export is described once, under the first of them.
 *
 * @param {readonly PublicName[]} names
 * @returns {Reference}
 */
export function apiPages(names) {
  const homes = homesOf(names);
  const anchors = anchorsOf([...homes.values()]);
  const placeOf = (/** @type {PublicName} */ each) => ({ page: pageOf(each), anchor: anchors.get(each) ?? '' });
  const places = new Map(names.map((each) => [keyOf(each), placeOf(homes.get(identityOf(each)) ?? each)]));
  /** @type {string[]} */
  const unresolved = [];
  /** @type {Map<string, string[]>} */
  const sections = new Map();
  for (const each of homes.values()) {
    const { page, anchor } = placeOf(each);
    const resolve = (/** @type {string} */ target) => addressOf(target, each, names, places);
    const onUnresolved = (/** @type {string} */ target) => unresolved.push(`${keyOf(each)}: ${target}`);
    const section = sectionOf(each, anchor, renderDocstring(each.docstring, resolve, onUnresolved), resolve, names);
    sections.set(page, [
      ...(sections.get(page) ?? [`# ${each.specifier.replace('@stageflow/', '')}: ${each.module}\n\nFrom \`${each.specifier}\`.`]),
      section,
    ]);
  }
  const entries = [...new Set(names.map(({ specifier }) => specifier))].map((specifier) => {
    const own = names.filter((each) => each.specifier === specifier);
    const modules = own.filter((each) => homes.get(identityOf(each)) === each).map(({ module }) => module);
    return { specifier, folder: folderOf(specifier), modules: [...new Set(modules)].sort(), names: own };
  });
  const pages = new Map([...sections].map(([page, parts]) => [page, `${parts.join('\n\n')}\n`]));
  for (const { specifier, folder, names: own } of entries) pages.set(`${folder}/index.md`, entryPage(specifier, own, places));
  pages.set('api/index.md', indexPage(entries));
  return { pages, places, entries, unresolved };
}

/**
 * Names that the recorded surface of a package has and the reference has not.
 *
 * @param {string} surface The text of an `api.txt`.
 * @param {Reference} reference
 */
export function missingNames(surface, { places, pages }) {
  return surface.split('\n\n').flatMap((section) => {
    const [specifier = '', ...lines] = section.trim().split('\n');
    return lines
      .map((line) => line.trim().split(/\s+/)[1])
      .filter((name) => {
        const place = places.get(`${specifier}:${name}`);
        return !place || !pages.get(place.page)?.includes(`{#${place.anchor}}`);
      })
      .map((name) => `${specifier}:${name}`);
  });
}

/** @param {Pick<PublicName, 'specifier' | 'name'>} name */
function keyOf({ specifier, name }) {
  return `${specifier}:${name}`;
}

/** @param {PublicName} name */
function identityOf({ file, name }) {
  return `${file}:${name}`;
}

/**
 * The name by which each declaration is described: that of the first entry.
 *
 * @param {readonly PublicName[]} names
 */
function homesOf(names) {
  /** @type {Map<string, PublicName>} */
  const homes = new Map();
  for (const each of names) if (!homes.has(identityOf(each))) homes.set(identityOf(each), each);
  return homes;
}

/** @param {PublicName} name */
function pageOf({ specifier, module }) {
  return `${folderOf(specifier)}/${module === 'index' ? 'entry' : module}.md`;
}

/**
 * The headings of names, which the site writes in small letters: on one page `Skip`, the type, is not to be `skip`, the function.
 *
 * @param {readonly PublicName[]} names
 */
function anchorsOf(names) {
  const taken = new Set();
  const functionsFirst = [...names].sort((left, right) => Number(left.kind !== 'function') - Number(right.kind !== 'function'));
  return new Map(
    functionsFirst.map((each) => {
      const small = each.name.toLowerCase();
      const anchor = taken.has(`${pageOf(each)}#${small}`) ? `${small}-${each.kind}` : small;
      taken.add(`${pageOf(each)}#${anchor}`);
      return [each, anchor];
    }),
  );
}

/** @param {string} specifier */
function folderOf(specifier) {
  return `api/${specifier.replace('@stageflow/', '').replaceAll('/', '-')}`;
}

/**
 * Where a `{@link}` leads: to a name of the same entry, else of the same package, else of any; a member to the heading of its owner.
 *
 * @param {string} target
 * @param {PublicName} from
 * @param {readonly PublicName[]} names
 * @param {ReadonlyMap<string, Place>} places
 */
function addressOf(target, from, names, places) {
  const owner = target.split(/[.#]/)[0]?.replace(/\(\)$/, '') ?? '';
  const scope = from.specifier.split('/').slice(0, 2).join('/');
  const found =
    places.get(`${from.specifier}:${owner}`) ??
    places.get(keyOf(names.find((each) => each.name === owner && each.specifier.startsWith(scope)) ?? { specifier: '', name: '' })) ??
    places.get(keyOf(names.find((each) => each.name === owner) ?? { specifier: '', name: '' }));
  if (found) return `/${found.page}#${found.anchor}`;
  return new RegExp(`\\b${owner}\\??[:(<]`).test(from.declaration) ? '' : undefined;
}

/**
 * @param {PublicName} each
 * @param {string} anchor
 * @param {string} docstring
 * @param {(target: string) => string | undefined} resolve
 * @param {readonly PublicName[]} names
 */
function sectionOf(each, anchor, docstring, resolve, names) {
  const types = new Set(names.filter(({ kind }) => kind !== 'function' && kind !== 'value').map(({ name }) => name));
  const code = each.declaration.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/'[^']*'/g, '');
  const mentioned = [...new Set(code.match(/\b[A-Z]\w+\b/g) ?? [])].filter((name) => name !== each.name && types.has(name));
  const links = mentioned.map((name) => `[${name}](${resolve(name)})`);
  return [
    `## ${each.name} {#${anchor}}`,
    `\`\`\`ts\n${each.declaration}\n\`\`\``,
    links.length > 0 ? `Types in it: ${links.join(', ')}` : '',
    docstring,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/**
 * @param {string} specifier
 * @param {readonly PublicName[]} names
 * @param {ReadonlyMap<string, Place>} places
 */
function entryPage(specifier, names, places) {
  const row = (/** @type {PublicName} */ each) => {
    const place = places.get(keyOf(each));
    return `| [${each.name}](/${place?.page}#${place?.anchor}) | ${each.kind} | ${summaryOf(each.docstring).replaceAll('|', '\\|')} |`;
  };
  const sorted = [...names].sort((left, right) => left.name.localeCompare(right.name, 'en'));
  const values = sorted.filter(({ kind }) => kind === 'function' || kind === 'value' || kind === 'class');
  const types = sorted.filter((each) => !values.includes(each));
  const table = (/** @type {PublicName[]} */ rows) => `| name | is | what it is for |\n|---|---|---|\n${rows.map(row).join('\n')}`;
  const example = values[0] ?? types[0];
  return `${[
    `# ${specifier}`,
    `\`\`\`ts\nimport ${values.length > 0 ? '' : 'type '}{ ${example?.name} } from '${specifier}';\n\`\`\``,
    ...(values.length > 0 ? ['## Functions and values', table(values)] : []),
    ...(types.length > 0 ? ['## Types', table(types)] : []),
  ].join('\n\n')}\n`;
}

/** @param {readonly { specifier: string, folder: string, names: readonly PublicName[] }[]} entries */
function indexPage(entries) {
  const rows = entries.map(({ specifier, folder, names }) => `| [${specifier}](/${folder}/index.md) | ${names.length} |`);
  return `# API reference

Made from the docstrings of the sources, at each build. Each name that an entry exports stands here, with its declaration.

| entry | names |
|---|---:|
${rows.join('\n')}
`;
}
