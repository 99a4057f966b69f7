import { describe, expect, test } from 'vitest';
import { acceptsVersion } from './node-range.ts';

describe('acceptsVersion()', () => {
  test.each([
    ['>=18', '24.21.0', true],
    ['>=18', '17.9.9', false],
    ['>= 14.6', '14.6.0', true],
    ['>18', '18.5.0', false],
    ['>18', '19.0.0', true],
    ['<=20', '20.99.0', true],
    ['<20', '20.0.0', false],
    ['>=0.6.11 <=0.7.0 || >=0.7.3', '0.7.1', false],
    ['>=0.6.11 <=0.7.0 || >=0.7.3', '24.0.0', true],
    ['^22.22.2 || ^24.15.0 || >=26.0.0', '24.14.0', false],
    ['^22.22.2 || ^24.15.0 || >=26.0.0', '24.15.0', true],
    ['^22.22.2 || ^24.15.0 || >=26.0.0', '25.0.0', false],
    ['^0.10', '0.10.48', true],
    ['^0.10', '0.11.0', false],
    ['~20.1', '20.1.9', true],
    ['~20.1', '20.2.0', false],
    ['~20', '20.9.0', true],
    ['6.* || 8.* || >= 10.*', '8.1.0', true],
    ['6.* || 8.* || >= 10.*', '9.0.0', false],
    ['20 || >=22', '20.3.0', true],
    ['18.x', '18.2.0', true],
    ['18.x.x', '19.0.0', false],
    ['12 - 16.5', '16.5.9', true],
    ['12 - 16.5', '16.6.0', false],
    ['v20.0.0', '20.0.0', true],
    ['*', '1.0.0', true],
    ['', '1.0.0', true],
    ['>=20.0.0-rc.1', '20.0.0', true],
  ])('holds %s against %s: %s', (range, version, expected) => {
    expect(acceptsVersion(range, version)).toBe(expected);
  });

  test.each(['latest', '>=', '>=18 and up', 'node 18', '18 || lts'])('takes %j for no range', (range) => {
    expect(acceptsVersion(range, '24.0.0')).toBeUndefined();
  });
});
