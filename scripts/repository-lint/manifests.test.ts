import { describe, expect, test } from 'vitest';
import { fixtureRepository, manifest } from './fixture-repository.ts';
import { manifests } from './manifests.mjs';

const messages = (more: Record<string, unknown>) =>
  manifests(fixtureRepository({ 'packages/core/package.json': manifest('core', more) })).map(({ message }) => message);

describe('manifests', () => {
  test('accepts a complete package.json', () => {
    expect(messages({})).toEqual([]);
  });

  test('refuses a published entry that leads to the sources', () => {
    const exports = { '.': { '@stageflow/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' } };
    expect(messages({ publishConfig: { exports } })).toEqual([expect.stringContaining('publishConfig.exports')]);
  });

  test('refuses an entry that is not published', () => {
    const exports = { '.': { default: './dist/index.js' }, './plan': { default: './dist/plan.js' } };
    expect(messages({ exports })).toEqual([expect.stringContaining('publishConfig.exports')]);
  });

  test('refuses internal imports that lead to the sources', () => {
    const imports = { '#freeze': { '@stageflow/source': './src/freeze.ts', default: './dist/freeze.js' } };
    expect(messages({ imports })).toEqual([expect.stringContaining('publishConfig.imports')]);
  });

  test('refuses a package.json without the common fields', () => {
    expect(messages({ name: 'core', license: 'ISC', type: 'commonjs', sideEffects: true, engines: {} })).toHaveLength(5);
  });
});
