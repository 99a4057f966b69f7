import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { later, type Row, replaced, tested } from '../packages/core/test/conformance/row.ts';
import { conformancePage, conformanceProblems, everyId, readConformance, testsIn } from './conformance.mjs';
import { root } from './workspace.mjs';

const path = 'packages/core/test/conformance/a.test.ts';
const testOf = (...ids: string[]) => ({ ids, name: 'it works', path });

/** Every row waits for something, but for these. */
function sectionsWith(...rows: Row[]) {
  const own = new Set(rows.map(({ id }) => id));
  return [
    { title: 'All', rows: [...rows, ...everyId.filter((id) => !own.has(id)).map((id) => later(id, 'a case', 'a package', 'a reason'))] },
  ];
}

describe('testsIn()', () => {
  test('reads the numbers and the names of tests, also of tables and inside of groups', () => {
    const text = `
      test('[1] one', () => {});
      describe('[2] no test', () => {
        test('[67] [D18] two numbers', async () => test);
        test.each([['a', 1]])('[58] %s in a table', () => {});
        test.each<[string]>([['a']])('[D5] %s in a typed table', () => {});
      });
      test('without a number [3]', () => {});
      other('[4] no test', () => {});
    `;
    expect(testsIn(path, text).map(({ ids, name }) => [ids.join(), name])).toEqual([
      ['1', 'one'],
      ['67,D18', 'two numbers'],
      ['58', '%s in a table'],
      ['D5', '%s in a typed table'],
      ['', 'without a number [3]'],
    ]);
  });

  test('refuses a name that is not written out, which it could not read', () => {
    expect(() => testsIn(path, 'test(title, () => {});')).toThrow('a test has a name that is not written out');
  });
});

describe('conformanceProblems()', () => {
  test('has none where each row is tested, replaced or put off with a reason', () => {
    expect(conformanceProblems(sectionsWith(tested(1, 'a'), replaced(2, 'b', 'something else')), [testOf('1'), testOf('3')])).toEqual([]);
  });

  test.each([
    ['a row that is missing', sectionsWith().map(({ title, rows }) => ({ title, rows: rows.slice(1) })), [], 'row 1 is missing'],
    ['a row that is there twice', [...sectionsWith(), { title: 'More', rows: [replaced(7, 'a', 'b')] }], [], 'row 7 is there twice'],
    ['a row that does not exist', sectionsWith(replaced('D31', 'a', 'b')), [], 'row D31 does not exist'],
    ['a row that says nothing', sectionsWith(replaced(7, ' ', 'b')), [], 'row 7 does not say what it is about'],
    ['a tested row without a test', sectionsWith(tested(7, 'a')), [testOf('8')], 'row 7 is called tested, and no test is named [7]'],
    ['a replaced row without a reason', sectionsWith(replaced(7, 'a', '')), [testOf('7')], 'row 7 is not tested, and does not say why'],
    ['a later row without a place', sectionsWith(later(7, 'a', '', 'b')), [], 'row 7 is not tested, and does not say why'],
    ['a later row without a reason', sectionsWith(later(7, 'a', 'b', ' ')), [], 'row 7 is not tested, and does not say why'],
    ['a test without a number', sectionsWith(), [testOf()], `${path}: "it works" does not begin with a number`],
    ['a test of an unknown row', sectionsWith(), [testOf('1', '205')], `${path}: "it works" names row 205, which does not exist`],
  ])('finds %s', (_, sections, tests, problem) => {
    expect(conformanceProblems(sections, tests)).toEqual([problem]);
  });
});

describe('conformancePage()', () => {
  test('gives each row with what became of it and its tests, each file once', () => {
    const rows = [tested(1, 'a | b'), replaced(2, 'c', 'D instead.'), later('D3', 'e', '@stageflow/otel', 'traces are made there')];
    const page = conformancePage([{ title: 'Some', rows }], [testOf('1', '2'), testOf('1')]);

    expect(page.split('\n').slice(-8)).toEqual([
      '## Some',
      '',
      '| row | case | here | tests |',
      '|---|---|---|---|',
      '| 1 | a \\| b | holds | [a](../packages/core/test/conformance/a.test.ts) |',
      '| 2 | c | **replaced**: D instead. | [a](../packages/core/test/conformance/a.test.ts) |',
      '| D3 | e | *later*, in @stageflow/otel: traces are made there. |  |',
      '',
    ]);
    expect(page).toContain('Of these, 1 hold here');
  });
});

describe('the repository', () => {
  test('accounts for every row, and its page says so', async () => {
    const { sections, tests } = await readConformance();

    expect(conformanceProblems(sections, tests)).toEqual([]);
    expect(readFileSync(join(root, 'docs/conformance.md'), 'utf8')).toBe(conformancePage(sections, tests));
  });
});
