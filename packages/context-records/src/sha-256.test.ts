import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from './sha-256.ts';

const ofNode = (text: string): string => createHash('sha256').update(text).digest('hex');

test('the hash of a text is the one that Node computes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      expect(sha256(text)).toBe(ofNode(text));
    }),
  );
});

test('every length around the borders of blocks is padded as the standard says', () => {
  for (let length = 0; length <= 260; length += 1) expect(sha256('a'.repeat(length))).toBe(ofNode('a'.repeat(length)));
});
