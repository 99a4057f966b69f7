import { describe, expect, test } from 'vitest';
import { anchorsOf, linksOf, tableOf } from './markdown.mjs';

const targets = (...lines: string[]) => linksOf(lines.join('\n')).map(({ target }) => target);

describe('linksOf()', () => {
  test('finds inline links, images and definitions, with text, title and line', () => {
    expect(linksOf('# A\nsee [b](b.md#c "the c") and ![d](<e f.png>)\n\n[g]: h.md "i"')).toEqual([
      { text: 'b', target: 'b.md#c', title: 'the c', line: 2 },
      { text: 'd', target: 'e f.png', title: '', line: 2 },
      { text: 'g', target: 'h.md', title: 'i', line: 4 },
    ]);
  });

  test('finds the image inside a link, and parentheses inside a target', () => {
    expect(targets('[![a](b.svg)](c.md) [d](e(1).md)')).toEqual(['b.svg', 'c.md', 'e(1).md']);
  });

  test('takes nothing from code and comments', () => {
    expect(targets('```md', '[a](b)', '```', '`[c](d)` <!-- [e](f) --> [g](h) <!--', '[i](j)', '--> [k](l)')).toEqual(['h', 'l']);
  });

  test('goes on after a fence that holds a shorter one', () => {
    expect(targets('````md', '```', '[a](b)', '````', '[c](d)')).toEqual(['d']);
  });
});

describe('anchorsOf()', () => {
  test('writes headings as GitHub does', () => {
    expect([...anchorsOf('# Plan order\n## `firstOf(a, b)`: the *first*\n### [Édits](x.md) & more_2 ##\n')]).toEqual([
      'plan-order',
      'firstofa-b-the-first',
      'édits--more_2',
    ]);
  });

  test('numbers repeated headings and keeps explicit anchors', () => {
    expect([...anchorsOf('# A\n# A\n<a id="here"></a>\n```\n# B\n```\n')]).toEqual(['a', 'a-1', 'here']);
  });
});

describe('tableOf()', () => {
  test('gives the rows of the table with that first heading', () => {
    const page = '| other |\n|---|\n| 1 |\n\n| feature | us |\n|---|---|\n| a \\| b | `yes` |\n| c |\n\n| d | e |';
    expect(tableOf(page, 'feature')).toEqual([
      { line: 7, cells: { feature: 'a \\| b', us: '`yes`' } },
      { line: 8, cells: { feature: 'c', us: '' } },
    ]);
  });

  test('gives nothing where there is no such table', () => {
    expect(tableOf('feature', 'feature')).toEqual([]);
  });
});
