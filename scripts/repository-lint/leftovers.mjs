const marks = /\b(TODO|FIXME)\b/;
const narrowed = /^(test|it|describe|suite|bench)\b.*\.(only|skip)$/s;

/**
 * Nothing is left for later, and no test is left out: no mark of unfinished work in a comment, no `.only` or `.skip` on a test.
 *
 * @type {import('./project.mjs').Rule}
 */
export const leftovers = ({ files }) =>
  files.flatMap(({ path, module }) => [
    ...module.comments
      .filter(({ text }) => marks.test(text))
      .map(({ line, text }) => ({ place: `${path}:${line}`, message: `"${marks.exec(text)?.[0]}" in a comment` })),
    ...module.memberCalls
      .filter(({ text }) => narrowed.test(text))
      .map(({ line, text }) => ({ place: `${path}:${line}`, message: `"${text}" leaves tests out` })),
  ]);
