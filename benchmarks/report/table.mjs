/**
 * A table in Markdown whose columns line up in a terminal, too.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => [...(row[column] ?? '')].length), 3));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column], column === 0)).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function pad(text, width, isLeft) {
  const space = ' '.repeat(width - [...text].length);
  return isLeft ? text + space : space + text;
}

/**
 * Three digits that count, no more.
 *
 * @param {number | undefined} value
 * @param {string} [unit]
 */
export function figure(value, unit = '') {
  if (value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  const text =
    size >= 1000
      ? Math.round(value).toLocaleString('en-US')
      : size >= 100
        ? value.toFixed(0)
        : size >= 10
          ? value.toFixed(1)
          : size >= 1
            ? value.toFixed(2)
            : value.toFixed(3);
  return text + unit;
}
