import { describe, expect, test } from 'vitest';
import { fileSize } from './file-size.mjs';
import { fixtureRepository } from './fixture-repository.ts';

const lines = (count: number) => Array.from({ length: count }, (_, index) => `export const a${index} = ${index};`).join('\n');

describe('fileSize', () => {
  test('accepts 300 lines of code with any number of blank and comment lines', () => {
    const text = `/*\n${'prose\n'.repeat(50)}*/\n${'\n// prose\n'.repeat(50)}${lines(300)}`;
    expect(fileSize(fixtureRepository({ 'packages/core/src/stage.ts': text }))).toEqual([]);
  });

  test('refuses 301 lines of code', () => {
    expect(fileSize(fixtureRepository({ 'packages/core/src/stage.ts': lines(301) }))).toEqual([
      { place: 'packages/core/src/stage.ts', message: '301 lines of code, at most 300 are allowed' },
    ]);
  });

  test('accepts 600 lines in a test and refuses 601', () => {
    expect(fileSize(fixtureRepository({ 'packages/core/src/stage.test.ts': lines(600) }))).toEqual([]);
    expect(fileSize(fixtureRepository({ 'packages/core/src/stage.test.ts': lines(601) }))).toHaveLength(1);
  });
});
