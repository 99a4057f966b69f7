// What became of each numbered case of the earlier systems: the page about it, and the check that the page tells the truth.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSync, Visitor } from 'rolldown/utils';
import { root } from './workspace.mjs';

/**
 * @typedef {import('../packages/core/test/conformance/row.ts').Section} Section
 * @typedef {import('../packages/core/test/conformance/row.ts').Row} Row
 *
 * @typedef {object} NumberedTest
 * @property {readonly string[]} ids The numbers its name begins with; none where it begins otherwise.
 * @property {string} name Without the numbers.
 * @property {string} path From the root, with slashes.
 */

const folder = 'packages/core/test/conformance';
const page = 'docs/conformance.md';

/** Every number there is: 1 to 204, D1 to D30, and of the packages around the core M109 to M129, M156 to M170, M173 to M180 and M182. */
export const everyId = [
  ...range(1, 204).map(String),
  ...range(1, 30).map((number) => `D${number}`),
  ...[...range(109, 129), ...range(156, 170), ...range(173, 180), 182].map((number) => `M${number}`),
];

/**
 * The tests of one file: calls of `test` and `test.each` whose name is written out.
 *
 * @param {string} path
 * @param {string} text
 * @returns {NumberedTest[]}
 */
export function testsIn(path, text) {
  const { program, errors } = parseSync(path, text, { lang: 'ts' });
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  /** @type {NumberedTest[]} */
  const tests = [];
  new Visitor({
    CallExpression: ({ callee, arguments: [first] }) => {
      // `test(name)`, or `test.each(table)(name)`.
      const called = callee.type === 'CallExpression' && callee.callee.type === 'MemberExpression' ? callee.callee.object : callee;
      if (called.type !== 'Identifier' || called.name !== 'test') return;
      if (first?.type !== 'Literal' || typeof first.value !== 'string')
        throw new Error(`${path}: a test has a name that is not written out`);
      const [, numbered = '', name = ''] = /^((?:\[\w+\] )*)(.*)$/s.exec(first.value) ?? [];
      tests.push({ ids: [...numbered.matchAll(/\w+/g)].map(([id]) => id), name, path });
    },
  }).visit(program);
  return tests;
}

/**
 * Whatever keeps the page from being true, one line each.
 *
 * @param {readonly Section[]} sections
 * @param {readonly NumberedTest[]} tests
 * @returns {string[]}
 */
export function conformanceProblems(sections, tests) {
  const rows = sections.flatMap((section) => section.rows);
  const ids = rows.map(({ id }) => id);
  const testedIds = new Set(tests.flatMap((test) => test.ids));
  return [
    ...everyId.filter((id) => !ids.includes(id)).map((id) => `row ${id} is missing`),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `row ${id} is there twice`),
    ...ids.filter((id) => !everyId.includes(id)).map((id) => `row ${id} does not exist`),
    ...rows.filter(({ behaviour }) => behaviour.trim() === '').map(({ id }) => `row ${id} does not say what it is about`),
    ...rows
      .filter((row) => row.disposition.is === 'tested' && !testedIds.has(row.id))
      .map(({ id }) => `row ${id} is called tested, and no test is named [${id}]`),
    ...rows
      .filter((row) => reasons(row).some((reason) => reason.trim() === ''))
      .map(({ id }) => `row ${id} is not tested, and does not say why`),
    ...tests.filter((test) => test.ids.length === 0).map(({ path, name }) => `${path}: "${name}" does not begin with a number`),
    ...tests.flatMap((test) =>
      test.ids.filter((id) => !everyId.includes(id)).map((id) => `${test.path}: "${test.name}" names row ${id}, which does not exist`),
    ),
  ];
}

/**
 * The page.
 *
 * @param {readonly Section[]} sections
 * @param {readonly NumberedTest[]} tests
 * @returns {string}
 */
export function conformancePage(sections, tests) {
  const rows = sections.flatMap((section) => section.rows);
  const testsOf = (/** @type {Row} */ { id }) => tests.filter((test) => test.ids.includes(id));
  const of = (/** @type {Row['disposition']['is']} */ is) => rows.filter(({ disposition }) => disposition.is === is);
  const shown = of('replaced').filter((row) => testsOf(row).length > 0).length;
  const tables = sections.map(({ title, rows: own }) =>
    [
      `## ${title}`,
      '',
      '| row | case | here | tests |',
      '|---|---|---|---|',
      ...own.map((row) => `| ${[row.id, row.behaviour, here(row), links(testsOf(row))].map(cell).join(' | ')} |`),
    ].join('\n'),
  );
  return `${[
    '<!-- Made by scripts/conformance.mjs from packages/core/test/conformance. To make it anew: pnpm run conformance:update -->',
    '# Conformance',
    `The systems before this one are described by ${rows.length} numbered cases. Rows 1 to 204 say what they do, rows D1 to D30 what a new system must do otherwise, rows M109 to M182 what the packages around it do: authentication, streams, sinks.`,
    `Of these, ${of('tested').length} hold here, each with a test named after its number. ${of('replaced').length} are replaced on purpose by something else; ${shown} of them have a test that shows what. ${of('later').length} wait for a part that does not exist yet.`,
    ...tables,
  ].join('\n\n')}\n`;
}

/**
 * The rows and the tests of the repository.
 *
 * @param {string} [base] The repository.
 */
export async function readConformance(base = root) {
  const { sections } = await import(pathToFileURL(join(base, folder, 'rows.ts')).href);
  const tests = globSync('packages/*/test/conformance/**/*.test.ts', { cwd: base })
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .flatMap((path) => testsIn(path, readFileSync(join(base, path), 'utf8')));
  return { sections: /** @type {readonly Section[]} */ (sections), tests };
}

/** @throws If a row is unaccounted for, or the page is not the one that rows and tests make. */
export async function checkConformance() {
  const { sections, tests } = await readConformance();
  const problems = conformanceProblems(sections, tests);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const file = join(root, page);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== conformancePage(sections, tests)) {
    throw new Error(`${page} is not what rows and tests say. To make it anew: pnpm run conformance:update`);
  }
  console.log(`${everyId.length} rows, ${tests.length} tests`);
}

/** Writes the page. @returns {Promise<number>} The exit code. */
export async function updateConformance() {
  const { sections, tests } = await readConformance();
  const problems = conformanceProblems(sections, tests);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) return 1;
  writeFileSync(join(root, page), conformancePage(sections, tests));
  return 0;
}

/** @param {Row} row */
function reasons({ disposition }) {
  if (disposition.is === 'tested') return [];
  return disposition.is === 'replaced' ? [disposition.by] : [disposition.where, disposition.why];
}

/** @param {Row} row */
function here({ disposition }) {
  if (disposition.is === 'tested') return 'holds';
  if (disposition.is === 'replaced') return `**replaced**: ${disposition.by}`;
  return `*later*, in ${disposition.where}: ${disposition.why}.`;
}

/** @param {readonly NumberedTest[]} tests */
function links(tests) {
  const paths = [...new Set(tests.map(({ path }) => path))];
  return paths
    .map((path) => `[${path.slice(folder.length + 1, -'.test.ts'.length)}](${relative(dirname(page), path).replaceAll('\\', '/')})`)
    .join(', ');
}

/** @param {string} text */
function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/**
 * @param {number} first
 * @param {number} last
 */
function range(first, last) {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv[2] === '--check') await checkConformance();
  else process.exitCode = await updateConformance();
}
