import { describe, expect, test } from 'vitest';
import { kindOf, snippetsOf } from './docs-snippets.mjs';

const code = (page: string[]) => snippetsOf(page.join('\n')).map((text) => text.replace('\nexport {};\n', '').split('\n'));

describe('snippetsOf()', () => {
  test('takes each block marked ts, at its line', () => {
    expect(code(['# Page', '```ts', 'a', '```', 'text', '```ts', 'b', '```'])).toEqual([
      ['', '', 'a'],
      ['', '', '', '', '', '', 'b'],
    ]);
  });

  test('leaves other languages and unchecked blocks alone', () => {
    expect(code(['```sh', 'a', '```', '```ts unchecked', 'b', '```', '```', 'c', '```'])).toEqual([]);
  });

  test('goes on with the module before a continued block', () => {
    expect(code(['```ts', 'a', '```', '```ts continued', 'b', '```'])).toEqual([['', 'a', '', '', 'b']]);
  });

  test('takes declarations from a comment', () => {
    expect(code(['<!-- snippet: declare a -->', '<!-- snippet:', 'declare b', '-->', '```ts', 'c', '```'])).toEqual([
      [' declare a ', '', 'declare b', '', '', 'c'],
    ]);
  });
});

describe('kindOf()', () => {
  test('runs what names only what is there', () => {
    expect(kindOf("import { stage } from '@stageflow/core';\nconst declared = stage;")).toBe('run');
  });

  test('runs what asks for vitest as a file of tests', () => {
    expect(kindOf("import { test } from 'vitest';")).toBe('test');
  });

  test('does not run what names things that are not there', () => {
    expect(kindOf("import { test } from 'vitest';\n  declare const model: string;")).toBe('declared');
  });
});
