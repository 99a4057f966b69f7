import stringWidth from 'string-width';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** Of one column each: what needs no closer look. The marks of the console are among it. */
const plain = /^[\x20-\x7e·✓✗⊘■↻…]*$/;

/** How many columns a terminal takes for printable text. */
export function widthOf(text: string): number {
  return plain.test(text) ? text.length : stringWidth(text);
}

/** The beginning of `text` that fits, with an ellipsis where that is not all of it. Characters as people see them stay whole. */
export function fit(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return '';
  let kept = '';
  let left = columns - 1;
  for (const { segment } of segmenter.segment(text)) {
    left -= widthOf(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** The end of `text` that fits, as {@link fit}: of a path the last part says most. */
export function fitEnd(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let left = columns - 1;
  for (const { segment } of [...segmenter.segment(text)].reverse()) {
    left -= widthOf(segment);
    if (left < 0) break;
    kept = segment + kept;
  }
  return `…${kept}`;
}
