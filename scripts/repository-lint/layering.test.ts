import { describe, expect, test } from 'vitest';
import { fixtureRepository, manifest } from './fixture-repository.ts';
import { layering } from './layering.mjs';

const messages = (files: Record<string, string>) => layering(fixtureRepository(files)).map(({ message }) => message);

describe('layering', () => {
  test('accepts an adapter that imports core, and a test that imports testing', () => {
    expect(messages({})).toEqual([]);
  });

  test('lets a cli import everything', () => {
    expect(messages({ 'packages/cli/package.json': manifest('cli'), 'packages/cli/src/index.ts': "import '@stageflow/adapter';" })).toEqual(
      [],
    );
  });

  test.each(['node:fs', 'fs', 'node:timers/promises'])('refuses %s in core', (specifier) => {
    expect(messages({ 'packages/core/src/stage.ts': `import '${specifier}';` })).toEqual([
      `core must not import a module of Node: "${specifier}"`,
    ]);
  });

  test('lets the tests of core import modules of Node', () => {
    expect(messages({ 'packages/core/src/stage.test.ts': "import 'node:fs';" })).toEqual([]);
  });

  test.each(['dependencies', 'peerDependencies', 'optionalDependencies'])('refuses %s in core', (field) => {
    expect(messages({ 'packages/core/package.json': manifest('core', { [field]: { zod: '4' } }) })).toEqual([
      'core must not depend on anything, it lists "zod"',
    ]);
  });

  test('refuses core as a plain dependency of an adapter', () => {
    expect(messages({ 'packages/adapter/package.json': manifest('adapter', { dependencies: { '@stageflow/core': '1' } }) })).toEqual([
      '@stageflow/core must be a peer dependency, so that there is one core',
    ]);
  });

  test.each(['@stageflow/testing', '@stageflow/otel', '@stageflow/otel/traces', '@stageflow/adapter'])(
    'refuses %s in an adapter',
    (specifier) => {
      expect(messages({ 'packages/adapter/src/wrong.ts': `import '${specifier}';` })).toHaveLength(1);
    },
  );

  test.each(['./index.ts', '../index.ts', '../deep/index.js'])('refuses the entry %s inside the package', (specifier) => {
    expect(messages({ 'packages/core/src/deep/wrong.ts': `import type { A } from '${specifier}';` })).toHaveLength(1);
  });

  test('refuses `export *`, named or not', () => {
    expect(messages({ 'packages/core/src/wrong.ts': "export * from './stage.ts';" })).toHaveLength(1);
    expect(messages({ 'packages/core/src/wrong.ts': "export * as all from './stage.ts';" })).toHaveLength(1);
  });
});
