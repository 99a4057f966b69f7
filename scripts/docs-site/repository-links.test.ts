import { describe, expect, test } from 'vitest';
import { addressOf, repositoryPages } from './pages.mjs';
import { siteLink } from './repository-links.mjs';

describe('addressOf()', () => {
  test.each([
    ['docs/getting-started.md', 'getting-started.md'],
    ['docs/errors/README.md', 'errors/index.md'],
    ['docs/errors/SF_CYCLE.md', 'errors/SF_CYCLE.md'],
    ['packages/core/README.md', 'packages/core.md'],
    ['benchmarks/README.md', 'benchmarks/index.md'],
    ['ARCHITECTURE.md', 'architecture.md'],
    ['SECURITY.md', 'reporting-a-vulnerability.md'],
  ])('%s is %s', (path, address) => {
    expect(addressOf(path)).toBe(address);
  });

  test('gives no two pages of the repository one address', () => {
    const pages = repositoryPages();
    expect(pages.get('security.md')).toBe('docs/security.md');
    expect(pages.get('contents.md')).toBe('docs/README.md');
    expect(new Set(pages.values()).size).toBe(pages.size);
  });
});

describe('siteLink()', () => {
  const addresses = new Map([
    ['docs/concepts/plan.md', 'concepts/plan.md'],
    ['packages/core/README.md', 'packages/core.md'],
  ]);
  const site = { addresses, sourceUrl: 'https://example.org/{kind}/main' };
  const from = 'docs/concepts/runs.md';

  test('goes to the page of the site, with the anchor', () => {
    expect(siteLink('plan.md#order', from, site)).toBe('/concepts/plan.md#order');
  });

  test('goes to the page that stands for a folder', () => {
    expect(siteLink('../../packages/core/', from, site)).toBe('/packages/core.md');
  });

  test('goes to the sources, where these can be read', () => {
    expect(siteLink('../../packages/core/src/index.ts#L1', from, site)).toBe('https://example.org/blob/main/packages/core/src/index.ts#L1');
    expect(siteLink('../../packages/core/src', from, site)).toBe('https://example.org/tree/main/packages/core/src');
    expect(siteLink('../../packages/core/src/index.ts', from, { addresses, sourceUrl: undefined })).toBeUndefined();
  });

  test('leaves anchors, addresses with a scheme, and addresses of the site alone', () => {
    for (const target of ['#here', 'https://example.org/x', 'mailto:a@example.org', '/api/index.md'])
      expect(siteLink(target, from, site)).toBe(target);
  });
});
