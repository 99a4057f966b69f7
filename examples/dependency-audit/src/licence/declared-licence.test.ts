import { describe, expect, test } from 'vitest';
import { declaredLicence } from './declared-licence.ts';

describe('declaredLicence()', () => {
  test.each([
    [{ license: 'MIT' }, 'MIT'],
    [{ license: '  (MIT OR CC0-1.0) ' }, '(MIT OR CC0-1.0)'],
    [{ license: { type: 'ISC', url: 'https://example.org' } }, 'ISC'],
    [{ licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] }, 'MIT OR GPL-2.0'],
    [{ licenses: ['MIT', 'ISC AND Zlib'] }, 'MIT OR (ISC AND Zlib)'],
    [{ licenses: 'BSD' }, 'BSD'],
    [{ license: '', licenses: [{ type: 'MIT' }] }, 'MIT'],
    [{}, undefined],
    [{ license: 7 }, undefined],
    [{ license: [] }, undefined],
    [{ license: { url: 'https://example.org' } }, undefined],
    [JSON.parse('{"license":{"__proto__":{"type":"MIT"}}}'), undefined],
  ])('reads %j as %j', (manifest, expected) => {
    expect(declaredLicence(manifest)).toBe(expected);
  });
});
