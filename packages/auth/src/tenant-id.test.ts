import { normalTenantId } from '@stageflow/auth';
import { describe, expect, test } from 'vitest';

describe('normalTenantId()', () => {
  test.each([
    ['white space around', ' \tacme\n', 'acme'],
    ['Unicode that was put together otherwise', 'cafe\u0301', 'caf\u00e9'],
    ['a UUID in capitals', '0190ABCD-0000-7000-8000-00000000000F', '0190abcd-0000-7000-8000-00000000000f'],
    ['the case of other ids, which stays', 'Acme', 'Acme'],
    ['white space within, which stays', 'acme inc', 'acme inc'],
  ])('makes equal: %s', (_, id, normal) => {
    expect(normalTenantId(id)).toBe(normal);
    expect(normalTenantId(normal)).toBe(normal);
  });

  test.each([undefined, null, '', '  ', 7, {}, ['acme'], 'a'.repeat(257), 'ac\u0000me', 'ac\u200bme', 'ac\u202eme', 'ac\nme'])(
    'is undefined for what is no id: %o',
    (id) => {
      expect(normalTenantId(id)).toBeUndefined();
    },
  );
});
