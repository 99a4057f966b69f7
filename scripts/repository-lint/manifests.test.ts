import { describe, expect, test } from 'vitest';
import { fixtureRepository, manifest } from './fixture-repository.ts';
import { manifests } from './manifests.mjs';

const messages = (more: Record<string, unknown>) =>
  manifests(fixtureRepository({ 'packages/core/package.json': manifest('core', more) })).map(({ message }) => message);

describe('manifests', () => {
  test('accepts a complete package.json', () => {
    expect(messages({})).toEqual([]);
  });

  test('accepts the name that npm create asks for, and no other without the scope', () => {
    const named = (name: string) =>
      manifests(fixtureRepository({ 'packages/create-flow/package.json': manifest('create-flow', { name }) })).map(({ place }) => place);
    expect(named('create-flow')).toEqual([]);
    expect(named('flow')).toEqual(['packages/create-flow/package.json']);
    expect(named('@stageflow/create-flow')).toEqual(['packages/create-flow/package.json']);
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
