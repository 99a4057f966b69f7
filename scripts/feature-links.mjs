// A feature that the README claims is proven: each `yes` links to a test or a bench.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { linksOf, tableOf } from './markdown.mjs';
import { root } from './workspace.mjs';

/** What proves something: a test, a bench, a size budget, or the check of a platform. */
const proof = /\.test(-d)?\.ts$|^benchmarks\/|\/\.size-limit\.json$|^scripts\/(platforms|chromium)\.mjs$/;

/**
 * What is wrong with the table of features: a claim without a link, a link to something that proves nothing, a test that is
 * named (as the title of the link) and does not exist. What is not there yet says `planned`, and nothing else.
 *
 * @param {string} markdown
 * @param {{ base?: string, page?: string }} [options]
 * @returns {string[]} One line per problem.
 */
export function unprovenFeatures(markdown, { base = root, page = 'README.md' } = {}) {
  const rows = tableOf(markdown, 'feature');
  if (rows.length === 0) return [`${page}: there is no table of features`];
  return rows.flatMap(({ line, cells }) => {
    const place = `${page}:${line}: "${cells['feature']}"`;
    const claim = cells['Stageflow'] ?? '';
    const unsaid = Object.entries(cells).find(([, value]) => value === '');
    if (unsaid !== undefined) return [`${place} says nothing under "${unsaid[0]}"`];
    if (claim === 'planned') return [];
    const links = linksOf(claim).filter(({ text }) => text.startsWith('yes'));
    if (links.length === 0) return [`${place} says "${claim}": link each "yes" to its proof, or say "planned"`];
    return links.flatMap(({ target, title }) => {
      if (!proof.test(target)) return [`${place} links to "${target}", which is neither a test nor a bench`];
      if (!existsSync(join(base, target))) return [`${place} links to "${target}", which does not exist`];
      const named = title === '' || namesOf(readFileSync(join(base, target), 'utf8')).has(title);
      return named ? [] : [`${place}: "${target}" has no test named "${title}"`];
    });
  });
}

/**
 * What stands in quotes in a source: the names of its tests are among them.
 *
 * @param {string} source
 */
function namesOf(source) {
  return new Set([...source.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`([^`]*)`/g)].map(([, a, b, c]) => a ?? b ?? c));
}

/** Checks the README. */
export function checkFeatures() {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const problems = unprovenFeatures(readme);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  console.log(`${tableOf(readme, 'feature').length} features`);
}
