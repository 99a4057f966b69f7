import { describe, expect, test } from 'vitest';
import { fixtureRepository } from './fixture-repository.ts';
import { leftovers } from './leftovers.mjs';

const found = (text: string) => leftovers(fixtureRepository({ 'packages/core/src/stage.test.ts': text }));

describe('leftovers', () => {
  test('accepts prose, strings and conditional tests', () => {
    expect(found("// Todo lists are fine.\ntest.skipIf(old)('a', b);\nconst text = 'TODO: test.only';\nrows.skip(1);\n")).toEqual([]);
  });

  test.each(['TODO', 'FIXME'])('refuses %s in a comment', (mark) => {
    expect(found(`const a = 1;\n/* ${mark}: later */\n`)).toEqual([
      { place: 'packages/core/src/stage.test.ts:2', message: `"${mark}" in a comment` },
    ]);
  });

  test.each(['test.only', 'test.skip', 'it.only', 'describe.skip', 'test.concurrent.only'])('refuses %s', (call) => {
    expect(found(`\n${call}('a', () => {});\n`)).toEqual([
      { place: 'packages/core/src/stage.test.ts:2', message: `"${call}" leaves tests out` },
    ]);
  });
});
