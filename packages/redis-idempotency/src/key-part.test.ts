import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyPart } from './key-part.ts';

const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const hostile = fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', 'u', '0', '7', 'b', 'd', ',', '\ud800', '\ud801'), maxLength: 8 });
const identity = fc.tuple(fc.option(hostile), hostile, hostile);

test('what stands in a key is read back as it was, so no two identities share a key, whatever they hold', () => {
  void fc.assert(
    fc.property(identity, (parts) => {
      expect(JSON.parse(keyPart(parts))).toEqual(parts);
    }),
    { numRuns: 2_000, seed },
  );
});

test('nothing in a key is in braces, which would say what slot it belongs to', () => {
  expect(keyPart(['{one}', '}{', '\\{'])).toBe('["\\u007bone\\u007d","\\u007d\\u007b","\\\\\\u007b"]');
  expect(keyPart('acme/pay')).toBe('"acme/pay"');
});
