import { parseSync, Visitor } from 'rolldown/utils';

/**
 * @typedef {{ readonly specifier: string, readonly typeOnly: boolean }} Import
 *
 * @typedef {object} Module
 * @property {readonly Import[]} imports Static, dynamic, re-exports, and `import('…')` in types.
 * @property {boolean} hasExportStar
 * @property {number} codeLines Lines that are neither blank nor only comment.
 * @property {readonly { readonly line: number, readonly text: string }[]} comments
 * @property {readonly { readonly line: number, readonly text: string }[]} memberCalls Dotted names such as `test.only`.
 */

/**
 * What the rules ask about one file, from its syntax tree.
 *
 * @param {string} path
 * @param {string} text
 * @returns {Module}
 */
export function readModule(path, text) {
  const { module, program, comments, errors } = parseSync(path, text, { lang: path.endsWith('ts') ? 'ts' : 'js' });
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const lineOf = (/** @type {number} */ offset) => text.slice(0, offset).split('\n').length;

  /** @type {Import[]} */
  const imports = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
  }));
  for (const { moduleRequest, isType } of module.staticExports.flatMap(({ entries }) => entries)) {
    if (moduleRequest) imports.push({ specifier: moduleRequest.value, typeOnly: isType });
  }
  /** @type {{ line: number, text: string }[]} */
  const memberCalls = [];
  new Visitor({
    ImportExpression: ({ source }) => {
      if (source.type === 'Literal' && typeof source.value === 'string') imports.push({ specifier: source.value, typeOnly: false });
    },
    TSImportType: ({ source }) => void imports.push({ specifier: source.value, typeOnly: true }),
    MemberExpression: ({ start, end }) => void memberCalls.push({ line: lineOf(start), text: text.slice(start, end) }),
  }).visit(program);

  return {
    imports,
    memberCalls,
    hasExportStar: program.body.some(({ type }) => type === 'ExportAllDeclaration'),
    comments: comments.map(({ start, value }) => ({ line: lineOf(start), text: value })),
    codeLines: withoutComments(text, comments)
      .split('\n')
      .filter((line) => line.trim() !== '').length,
  };
}

/**
 * @param {string} text
 * @param {readonly { start: number, end: number }[]} comments
 */
function withoutComments(text, comments) {
  let rest = text;
  for (const { start, end } of comments.toReversed())
    rest = rest.slice(0, start) + text.slice(start, end).replaceAll(/[^\n]/g, ' ') + rest.slice(end);
  return rest;
}
