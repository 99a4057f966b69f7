// Which pages of the repository the site shows, and at which address.
import { globSync } from 'node:fs';
import { root } from '../workspace.mjs';

const patterns = [
  '*.md',
  'docs/**/*.md',
  'packages/*/README.md',
  'examples/*/README.md',
  'benchmarks/README.md',
  'benchmarks/results/*.md',
];

/** Pages that are not where their name says: the root has pages of the same name as `docs`. */
const elsewhere = new Map([
  ['README.md', 'overview.md'],
  ['SECURITY.md', 'reporting-a-vulnerability.md'],
  ['docs/README.md', 'contents.md'],
]);

/**
 * The address of a page of the repository: `docs/concepts/plan.md` is `concepts/plan.md`, a `README.md` stands for its folder.
 *
 * @param {string} path From the root, with slashes.
 */
export function addressOf(path) {
  const known = elsewhere.get(path);
  if (known) return known;
  const place = path.replace(/^docs\//, '').replace(/^(packages|examples)\/([^/]+)\/README\.md$/, '$1/$2.md');
  const address = place.replace(/README\.md$/, 'index.md');
  return address.includes('/') ? address : address.toLowerCase();
}

/**
 * The pages of the repository that the site shows: path by address.
 *
 * @param {string} [base] The repository.
 * @returns {Map<string, string>}
 */
export function repositoryPages(base = root) {
  const exclude = (/** @type {string} */ path) => /node_modules|CHANGELOG|partial/.test(path);
  const paths = patterns.flatMap((pattern) => globSync(pattern, { cwd: base, exclude })).map((path) => path.replaceAll('\\', '/'));
  return new Map(
    paths
      .filter((path) => !exclude(path))
      .sort()
      .map((path) => [addressOf(path), path]),
  );
}
