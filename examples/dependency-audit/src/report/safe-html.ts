import { printable } from './wording.ts';

/** Markup that was put together by {@link html}: text in it is escaped. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = Html | string | number | readonly Part[];

/**
 * Markup as a template. Whatever is put in is escaped, for text and for attributes in double quotes, unless it is
 * markup itself: names of packages are chosen by strangers.
 *
 * @example
 * ```ts
 * html`<td title="${place}">${name}</td>`;
 * ```
 */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(template.map((text, index) => text + (index < parts.length ? markupOf(parts[index] ?? '') : '')).join(''));
}

function markupOf(part: Part): string {
  if (part instanceof Html) return part.markup;
  if (typeof part === 'object') return part.map(markupOf).join('');
  return printable(String(part)).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
