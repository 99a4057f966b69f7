// What the packages export, with its declaration and its docstring, read from the built `.d.ts` files.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { entriesOf, packagesIn } from '../workspace.mjs';

/**
 * @typedef {object} PublicName
 * @property {string} specifier Of the entry, such as `@stageflow/core/ports`.
 * @property {string} name
 * @property {string} kind `function`, `class`, `interface`, `type` or `value`.
 * @property {string} file Absolute path of the `.d.ts` that declares it.
 * @property {string} module Name of that file without its endings, such as `retry`.
 * @property {string} docstring Without the marks of the comment.
 * @property {string} declaration As TypeScript, docstrings of members included.
 *
 * @typedef {{ readonly file: string, readonly text: string, readonly program: any, readonly comments: readonly any[], readonly exports: readonly any[], readonly imports: readonly any[] }} Declarations
 */

const kinds = new Map([
  ['TSDeclareFunction', 'function'],
  ['ClassDeclaration', 'class'],
  ['TSInterfaceDeclaration', 'interface'],
  ['TSTypeAliasDeclaration', 'type'],
  ['VariableDeclaration', 'value'],
]);

/** @type {Map<string, Declarations>} */
const parsed = new Map();

/**
 * Every name of every entry of every package, in the order of packages, entries and exports.
 *
 * @returns {PublicName[]}
 */
export function publicNames() {
  return packagesIn('packages').flatMap(entriesOf).flatMap(namesOf);
}

/**
 * The names of one entry.
 *
 * @param {Pick<import('../workspace.mjs').Entry, 'specifier' | 'declarations'>} entry
 * @returns {PublicName[]}
 */
export function namesOf({ specifier, declarations }) {
  return read(declarations)
    .exports.filter(({ exportName }) => exportName.kind !== 'None')
    .map(({ exportName }) => {
      const name = exportName.name ?? 'default';
      const { file, nodes } = declarationOf(declarations, name);
      const { text, comments } = read(file);
      const first = nodes[0];
      return {
        specifier,
        name,
        kind: kinds.get(first.declaration.type) ?? 'value',
        file,
        module: basename(file).replace(/\.d\.ts$/, ''),
        docstring: docstringBefore(text, comments, first.start),
        declaration: nodes.map((node) => declarationText(text, node)).join('\n'),
      };
    });
}

/**
 * Follows a name through re-exports to the file that declares it.
 *
 * @param {string} file
 * @param {string} name
 * @returns {{ file: string, nodes: any[] }}
 */
function declarationOf(file, name) {
  const { program, exports, imports } = read(file);
  const nodes = program.body.filter((/** @type {any} */ node) => declaredNames(node).includes(name));
  if (nodes.length > 0) return { file, nodes };
  const exported = exports.find(({ exportName }) => exportName.name === name);
  if (exported?.moduleRequest) return declarationOf(moduleFile(file, exported.moduleRequest.value), exported.importName.name ?? name);
  const local = exported?.localName?.name ?? name;
  const imported = imports.find(({ localName }) => localName.value === local);
  if (imported) return declarationOf(moduleFile(file, imported.request), imported.importName.name ?? local);
  const unexported = program.body.filter((/** @type {any} */ node) => node.id?.name === local);
  if (unexported.length > 0) return { file, nodes: unexported.map((/** @type {any} */ node) => ({ ...node, declaration: node })) };
  throw new Error(`${file}: "${name}" is exported, and its declaration was not found`);
}

/** @param {any} node */
function declaredNames(node) {
  const { declaration } = node;
  if (node.type !== 'ExportNamedDeclaration' || !declaration) return [];
  if (declaration.type === 'VariableDeclaration') return declaration.declarations.map((/** @type {any} */ one) => one.id.name);
  return [declaration.id?.name];
}

/**
 * @param {string} from
 * @param {string} request
 */
function moduleFile(from, request) {
  return join(dirname(from), request.replace(/\.(ts|js)$/, '.d.ts'));
}

/**
 * @param {string} file
 * @returns {Declarations}
 */
function read(file) {
  const known = parsed.get(file);
  if (known) return known;
  const text = readFileSync(file, 'utf8');
  const { program, comments, module, errors } = parseSync(file, text, { lang: 'dts' });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const exports = module.staticExports.flatMap(({ entries }) => entries);
  const imports = module.staticImports.flatMap(({ entries, moduleRequest }) =>
    entries.map((entry) => ({ ...entry, request: moduleRequest.value })),
  );
  const declarations = { file, text, program, comments, exports, imports };
  parsed.set(file, declarations);
  return declarations;
}

/**
 * @param {string} text
 * @param {readonly any[]} comments
 * @param {number} start
 */
function docstringBefore(text, comments, start) {
  const comment = comments.findLast(({ type, value, end }) => type === 'Block' && value.startsWith('*') && end <= start);
  if (!comment || text.slice(comment.end, start).trim() !== '') return '';
  return comment.value
    .slice(1)
    .split('\n')
    .map((/** @type {string} */ line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}

/**
 * The declaration, a long list of parameters one on each line, without what only the compiler wants.
 *
 * @param {string} text
 * @param {any} node
 */
function declarationText(text, { declaration }) {
  const whole = text.slice(declaration.start, declaration.end);
  const { params } = declaration;
  const broken =
    whole.length > 100 && params?.length > 0
      ? `${text.slice(declaration.start, params[0].start)}\n${params
          .map((/** @type {any} */ param) => `    ${text.slice(param.start, param.end)},\n`)
          .join('')}${text.slice(params.at(-1).end, declaration.end).replace(/^,?\s*/, '')}`
      : whole;
  return broken
    .replace(/^(abstract )?declare /, '$1')
    .replace(/^\s*#private;\n/m, '')
    .replaceAll(/\{@link ([^}|]+?)(?:\s*\|[^}]*)?\}/g, '$1')
    .replaceAll(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2));
}
