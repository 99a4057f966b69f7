// What the documentation checks ask about one page of Markdown.

/**
 * @typedef {object} Link
 * @property {string} text
 * @property {string} target As written: a path, `#anchor`, or a URL.
 * @property {string} title Empty where there is none.
 * @property {number} line 1-based.
 */

const inlineLink = /\[((?:[^[\]]|\[[^\]]*\])*)\]\(\s*(?:<([^<>]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+"([^"]*)")?\s*\)/g;
const definition = /^\s{0,3}\[([^\]]+)\]:\s*(\S+)(?:\s+"([^"]*)")?\s*$/;

/**
 * The links of a page, in order: inline, images, and reference definitions. What stands in code or in a comment is no link.
 *
 * @param {string} markdown
 * @returns {Link[]}
 */
export function linksOf(markdown) {
  return proseLines(markdown).flatMap((text, index) => {
    const line = index + 1;
    const defined = definition.exec(text);
    if (defined) return [{ text: defined[1] ?? '', target: defined[2] ?? '', title: defined[3] ?? '', line }];
    return inlineLinks(text, line);
  });
}

/**
 * @param {string} text
 * @param {number} line
 * @returns {Link[]}
 */
function inlineLinks(text, line) {
  return [...text.matchAll(inlineLink)].flatMap(([, label = '', bracketed, bare, title = '']) => [
    ...inlineLinks(label, line),
    { text: label, target: bracketed ?? bare ?? '', title, line },
  ]);
}

/**
 * The anchors that GitHub gives the headings of a page, repeated ones with `-1`, `-2`, and those written as `<a id="…">`.
 *
 * @param {string} markdown
 * @returns {Set<string>}
 */
export function anchorsOf(markdown) {
  const anchors = new Set();
  /** @type {Map<string, number>} */
  const seen = new Map();
  for (const line of proseLines(markdown, { keepCodeSpans: true })) {
    for (const [, id] of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

/**
 * The anchor that GitHub gives a heading, the first of its words on a page.
 *
 * @param {string} heading
 */
export function slugOf(heading) {
  return heading
    .replace(inlineLink, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * The rows of the first table whose first heading is `name`, as records by heading, with the line each stands on.
 *
 * @param {string} markdown
 * @param {string} name
 * @returns {{ readonly line: number, readonly cells: Readonly<Record<string, string>> }[]}
 */
export function tableOf(markdown, name) {
  const lines = proseLines(markdown, { keepCodeSpans: true });
  const top = lines.findIndex((line) => cellsOf(line)?.[0] === name);
  if (top === -1) return [];
  const headings = cellsOf(lines[top] ?? '') ?? [];
  const rows = [];
  for (let index = top + 2; index < lines.length; index++) {
    const cells = cellsOf(lines[index] ?? '');
    if (!cells) break;
    rows.push({ line: index + 1, cells: Object.fromEntries(headings.map((heading, at) => [heading, cells[at] ?? ''])) });
  }
  return rows;
}

/**
 * @param {string} line
 * @returns {string[] | undefined}
 */
function cellsOf(line) {
  if (!/^\s*\|.*\|\s*$/.test(line)) return undefined;
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/**
 * The lines of a page with code and comments blanked out, so that every line keeps its number.
 *
 * @param {string} markdown
 * @param {{ keepCodeSpans?: boolean }} [options]
 */
function proseLines(markdown, { keepCodeSpans = false } = {}) {
  let fence = '';
  let commented = false;
  return markdown.split('\n').map((line) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? '';
    if (fence !== '') {
      if (mark.startsWith(fence) && line.trim() === mark) fence = '';
      return '';
    }
    if (mark !== '' && !commented) {
      fence = mark;
      return '';
    }
    let rest = line;
    if (commented) {
      if (!rest.includes('-->')) return '';
      rest = rest.slice(rest.indexOf('-->') + 3);
    }
    rest = rest.replaceAll(/<!--.*?-->/g, '');
    commented = rest.includes('<!--');
    if (commented) rest = rest.slice(0, rest.indexOf('<!--'));
    return keepCodeSpans ? rest : rest.replaceAll(/(`+)(?:(?!\1).)+\1/g, '');
  });
}
