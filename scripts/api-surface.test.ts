import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkSurface, describeSurface, differenceOf } from './api-surface.mjs';

function builtPackage(script: string, declarations: string) {
  const directory = mkdtempSync(join(tmpdir(), 'stageflow-surface-'));
  mkdirSync(join(directory, 'dist'));
  writeFileSync(join(directory, 'dist/index.js'), script);
  writeFileSync(join(directory, 'dist/index.d.ts'), declarations);
  const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' };
  return { directory, folder: 'packages/core', manifest: { name: '@stageflow/core', exports } };
}

describe('describeSurface()', () => {
  test('names values and types of each entry, in order', () => {
    const built = builtPackage(
      "export { stage, pipeline as flow } from './stage.js';\nexport const a = 1;\nexport default a;\n",
      "export { stage, pipeline as flow, type Stage } from './stage.js';\nexport type { Run } from './run.js';\nexport interface Plan {}\nexport declare const a = 1;\nexport default a;\n",
    );
    expect(describeSurface(built)).toBe(
      '@stageflow/core\n  value a\n  value default\n  value flow\n  value stage\n  type  Plan\n  type  Run\n  type  Stage\n',
    );
  });
});

describe('checkSurface()', () => {
  test('accepts the recorded surface', () => {
    const built = builtPackage('export const a = 1;', 'export declare const a = 1;');
    writeFileSync(join(built.directory, 'api.txt'), describeSurface(built));
    expect(() => checkSurface(built)).not.toThrow();
  });

  test('refuses another one, and says what was added and removed', () => {
    const built = builtPackage('export const a = 1;', 'export declare const a = 1; export type B = 1;');
    writeFileSync(join(built.directory, 'api.txt'), '@stageflow/core\n  value a\n  value c\n');
    expect(() => checkSurface(built)).toThrow('- @stageflow/core: value c\n+ @stageflow/core: type B\n');
  });

  test('refuses a package with no record', () => {
    expect(() => checkSurface(builtPackage('export const a = 1;', ''))).toThrow('+ @stageflow/core: value a');
  });
});

describe('differenceOf()', () => {
  test('tells a name of one entry from the same name of another', () => {
    expect(differenceOf('p\n  value a\n\np/b\n', 'p\n\np/b\n  value a\n')).toEqual(['- p: value a', '+ p/b: value a']);
  });
});
