import { describe, expect, test } from 'vitest';
import { dependencies } from './dependencies.mjs';
import { fixtureRepository, manifest } from './fixture-repository.ts';

const found = (files: Record<string, string>) => dependencies(fixtureRepository(files));

describe('dependencies', () => {
  test('accepts listed imports, modules of Node, and in tests what the root provides', () => {
    expect(found({})).toEqual([]);
  });

  test.each([
    "import pg from 'pg';",
    "export { a } from 'pg/lib';",
    "const a = await import('pg');",
    "type A = import('pg').B;",
    "import type { A } from 'pg';",
  ])('refuses what is not listed: %s', (text) => {
    expect(found({ 'packages/adapter/src/unlisted.ts': text })).toEqual([
      { place: 'packages/adapter/src/unlisted.ts', message: 'imports "pg", which packages/adapter/package.json does not list' },
    ]);
  });

  test('refuses a source file that imports what only tests may', () => {
    expect(found({ 'packages/adapter/src/wrong.ts': "import { test } from 'vitest';" })).toHaveLength(1);
  });

  test('refuses what is listed and not imported', () => {
    const listed = manifest('adapter', {
      dependencies: { '@scope/unused': '1' },
      peerDependencies: { '@stageflow/core': '1' },
      devDependencies: { '@types/gone': '1' },
    });
    expect(found({ 'packages/adapter/package.json': listed }).map(({ message }) => message)).toEqual([
      'lists "@scope/unused", which nothing imports',
      'lists "@types/gone", which nothing imports',
    ]);
  });

  test('accepts the types of a package that is imported, and a peer repeated for development', () => {
    const listed = manifest('adapter', {
      peerDependencies: { '@stageflow/core': '1', pg: '8' },
      devDependencies: { '@stageflow/core': '1', pg: '8', '@types/pg': '8' },
    });
    expect(found({ 'packages/adapter/package.json': listed, 'packages/adapter/src/pool.ts': "import type { Pool } from 'pg';" })).toEqual(
      [],
    );
  });

  test('counts what a template lists as used by its package, and checks the template like a package', () => {
    const maker = manifest('maker', { devDependencies: { pg: '8', unused: '1', typescript: '7' } });
    const template = JSON.stringify({ name: 'one', dependencies: { pg: '*' }, devDependencies: { typescript: '*' } });
    const files = {
      'packages/maker/package.json': maker,
      'packages/maker/templates/one/package.json': template,
      'packages/maker/templates/one/src/main.ts': "import 'pg';\nimport 'zod';",
    };
    expect(found(files)).toEqual([
      { place: 'packages/maker/package.json', message: 'lists "unused", which nothing imports' },
      {
        place: 'packages/maker/templates/one/src/main.ts',
        message: 'imports "zod", which packages/maker/templates/one/package.json does not list',
      },
    ]);
  });

  test('holds for examples, too', () => {
    const example = { 'examples/one/package.json': '{"name":"one"}', 'examples/one/src/main.ts': "import '@stageflow/core';" };
    expect(found(example)).toEqual([
      { place: 'examples/one/src/main.ts', message: 'imports "@stageflow/core", which examples/one/package.json does not list' },
    ]);
  });
});
