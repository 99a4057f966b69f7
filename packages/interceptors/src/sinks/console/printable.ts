/**
 * What a terminal, or a reader of logs, would obey instead of show: control characters, line and paragraph separators, marks
 * that turn the direction of text, halves of surrogate pairs.
 */
const obeyed = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Surrogate}\ufeff]/gu;

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text of others as one line that shows itself, and nothing else. */
export function printable(text: string): string {
  return text.replace(obeyed, (found) => named[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
