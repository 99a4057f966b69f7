const sourceLines = 300;
const testLines = 600;

/**
 * A file holds one concept: at most 300 lines of code, 600 in a test; blank and comment lines do not count.
 *
 * @type {import('./project.mjs').Rule}
 */
export const fileSize = ({ files }) =>
  files
    .map(({ path, isTest, module }) => ({ path, lines: module.codeLines, limit: isTest ? testLines : sourceLines }))
    .filter(({ lines, limit }) => lines > limit)
    .map(({ path, lines, limit }) => ({ place: path, message: `${lines} lines of code, at most ${limit} are allowed` }));
