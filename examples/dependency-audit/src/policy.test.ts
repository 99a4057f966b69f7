import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PolicyFile } from './policy.ts';

const problems = (text: string): string[] | undefined =>
  PolicyFile.safeParse(text).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('PolicyFile', () => {
  test('accepts the default policy', () => {
    expect(problems(readFileSync(new URL('../policy.json', import.meta.url), 'utf8'))).toBeUndefined();
  });

  test('accepts a policy that asks for nothing', () => {
    expect(PolicyFile.parse('{}')).toEqual({});
  });

  test('says where a value is wrong', () => {
    const text = JSON.stringify({ licences: { allowed: 'MIT' }, sizes: { maxTotalMegabytes: -1 }, engines: { node: '>=20' } });
    expect(problems(text)).toEqual([
      expect.stringMatching(/^licences\.allowed: /),
      expect.stringMatching(/^sizes\.maxTotalMegabytes: /),
      'engines.node: expected a version such as "24.1.0"',
    ]);
  });

  test('refuses words it does not know, so that no rule is switched off by a typing error', () => {
    expect(problems('{"licenses":{}}')?.join()).toContain('licenses');
    expect(problems('{"licences":{"alowed":[]}}')?.join()).toContain('alowed');
  });

  test('refuses what is not JSON', () => {
    expect(problems('{')?.join()).toContain('not valid JSON');
  });
});
