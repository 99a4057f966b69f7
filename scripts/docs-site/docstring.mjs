// A docstring as Markdown: its text, then what its tags say.

/**
 * @typedef {(target: string) => string | undefined} ResolveLink Gives the address of what `{@link target}` names: empty where it is in view,
 *   `undefined` where there is no such thing.
 */

const labels = new Map([
  ['returns', 'Returns'],
  ['throws', 'Throws'],
  ['default', 'Default'],
  ['typeParam', 'Type parameter'],
]);

/**
 * Renders a docstring. A `{@link}` that leads nowhere stays as code, and is handed to `onUnresolved`.
 *
 * @param {string} docstring
 * @param {ResolveLink} resolve
 * @param {(target: string) => void} [onUnresolved]
 * @returns {string}
 */
export function renderDocstring(docstring, resolve, onUnresolved = () => {}) {
  const linked = docstring.replaceAll(/\{@link\s+([^}|\s]+)(?:\s*\|?\s*([^}]+))?\}/g, (_whole, target, label) => {
    const address = resolve(target);
    if (address === undefined) onUnresolved(target);
    const text = `\`${label?.trim() ?? target}\``;
    return address ? `[${text}](${address})` : text;
  });
  const { text, tags } = splitTags(linked);
  const of = (/** @type {string} */ name) => tags.filter((tag) => tag.name === name).map(({ body }) => body);
  const params = of('param').map((body) => `- \`${body.replace(/^(\S+)\s*-?\s*/, '$1`: ')}`);
  const others = tags
    .filter(({ name }) => labels.has(name))
    .map(({ name, body }) => `**${labels.get(name)}:** ${name === 'default' ? asCode(body) : body}`);
  const examples = of('example').map((body) => (body.includes('```') ? body : `\`\`\`ts\n${body}\n\`\`\``));
  return [text, params.join('\n'), ...others, ...(examples.length > 0 ? ['**Example**', ...examples] : [])].filter(Boolean).join('\n\n');
}

/**
 * What the docstring says before its first tag, as one line up to the end of its first sentence.
 *
 * @param {string} docstring
 */
export function summaryOf(docstring) {
  const { text } = splitTags(docstring.replaceAll(/\{@link\s+([^}|\s]+)[^}]*\}/g, '`$1`'));
  const paragraph = text.split('\n\n')[0]?.replaceAll('\n', ' ') ?? '';
  return /^.*?[.:](?=\s+[A-Z]|$)/.exec(paragraph)?.[0] ?? paragraph;
}

/** @param {string} docstring */
function splitTags(docstring) {
  /** @type {{ name: string, lines: string[] }[]} */
  const parts = [{ name: '', lines: [] }];
  let isFenced = false;
  for (const line of docstring.replaceAll(/(\S) @default /g, '$1\n@default ').split('\n')) {
    const tag = isFenced ? undefined : /^@(\w+)\s*(.*)$/.exec(line);
    if (/^\s*```/.test(line)) isFenced = !isFenced;
    if (tag) parts.push({ name: tag[1] ?? '', lines: [tag[2] ?? ''] });
    else parts.at(-1)?.lines.push(line);
  }
  const [first, ...tags] = parts.map(({ name, lines }) => ({ name, body: lines.join('\n').trim() }));
  return { text: first?.body ?? '', tags };
}

/** @param {string} text */
function asCode(text) {
  return /^['"`\d[{]|^(true|false|undefined|none)$/.test(text) && !text.includes('`') ? `\`${text}\`` : text;
}
