import { describe, expect, test } from 'vitest';
import { fileNames } from './file-names.mjs';
import { fixtureRepository } from './fixture-repository.ts';

const places = (files: Record<string, string>) => fileNames(fixtureRepository(files)).map(({ place }) => place);

describe('fileNames', () => {
  test('accepts names of concepts', () => {
    expect(places({ 'packages/core/src/committed-types-of-run.ts': '', 'packages/core/src/utility-model.ts': '' })).toEqual([]);
  });

  test.each(['utils.ts', 'string-helpers.ts', 'common/order.ts', 'run-manager.ts', 'misc.ts', 'types.ts', 'utils.test.ts'])(
    'refuses %s',
    (name) => {
      expect(places({ [`packages/core/src/${name}`]: '' })).toEqual([`packages/core/src/${name}`]);
    },
  );

  test('looks into examples and scripts', () => {
    const example = { 'examples/one/package.json': '{"name":"one"}', 'examples/one/src/utils.ts': '' };
    expect(places({ ...example, 'scripts/helpers.mjs': '' })).toEqual(['examples/one/src/utils.ts', 'scripts/helpers.mjs']);
  });
});
