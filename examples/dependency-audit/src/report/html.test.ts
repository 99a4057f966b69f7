import { join } from 'node:path';
import { planJson } from '@stageflow/core/plan';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FixtureEntry, fixtureTree, manifest } from '../fixture-tree.ts';
import { dependencyAudit } from '../pipeline.ts';
import { htmlReport } from './html.ts';
import { mapSummary } from './map-summary.ts';
import { markdownReport } from './markdown.ts';
import { timelineOf } from './run-timeline.ts';

async function reports(entries: Record<string, FixtureEntry>, policy: object) {
  const nodeModules = join(fixtureTree(entries, onTestFinished), 'node_modules');
  const run = await dependencyAudit.run({ nodeModules, policy: JSON.stringify(policy), measureSizes: true });
  const { report } = run.outputs;
  if (report === undefined) throw new Error(`no report: ${run.errors.join()}`);
  const shown = { timeline: timelineOf(run), packages: mapSummary(run, 'packages') };
  const { plan } = dependencyAudit;
  return { html: htmlReport(report, { plan: planJson(plan), ...shown }), markdown: markdownReport(report, plan, shown) };
}

const attack = `<img src=x onerror=alert(1)>"'|\`&\n**a**@someone`;
const hostile = {
  'node_modules/a/package.json': {
    json: { name: attack, version: attack, license: attack, engines: { node: attack }, scripts: { install: `</td><script>${attack}` } },
  },
  'node_modules/a/node_modules/<script>b/package.json': '{',
  'node_modules/c/package.json': { json: { name: attack, version: '2', license: '</style><script>alert(1)</script>' } },
};
const policy = {
  licences: { allowed: ['MIT'] },
  installScripts: { allowed: [] },
  duplicateVersions: { max: 1 },
  manifests: { maxUnreadable: 0 },
};

describe('htmlReport()', () => {
  test('shows hostile names as text', async () => {
    const { html } = await reports(hostile, policy);
    expect(html).toContain('&#60;img src=x onerror=alert(1)&#62;&#34;&#39;');
    expect(html).not.toMatch(/<(img|script)/);
    expect(html.match(/<\/style>/g)).toHaveLength(1);
  });

  test('needs nothing but itself', async () => {
    const { html } = await reports({ 'node_modules/a/package.json': '{}' }, {});
    expect(html).toContain("default-src 'none'; style-src 'unsafe-inline'");
    expect(html).not.toMatch(/\s(src|href)=|@import|url\((?!#)/);
  });

  test('draws every stage in the graph and in the timeline', async () => {
    const { html } = await reports({ 'node_modules/a/package.json': '{}' }, {});
    for (const { name } of dependencyAudit.plan.stages) {
      expect(html.match(new RegExp(`<text[^>]*>${name}<`, 'g')), name).toHaveLength(2);
    }
    expect(html.match(/<g class="node input">/g)).toHaveLength(3 + 3);
    expect(html).not.toContain('NaN');
  });

  test('shows the packages once, however many there are', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`node_modules/p${at}/package.json`, manifest(`p${at}`)]));
    const { html, markdown } = await reports({ ...many, 'node_modules/broken/package.json': '{' }, {});
    expect(html).toContain('packages<tspan class="tick"> × 41</tspan>');
    expect(html).toContain('once for each of 41 packages, 1 of them could not be read.');
    expect(html).toContain('<title>transform manifest: 1 failed, 40 completed</title>');
    expect(html.match(/<text[^>]*>manifest</g)).toHaveLength(1);
    expect(html.match(/<td>p\d+<\/td><td class="number">[\d.]+ ms<\/td>/g)?.length).toBeLessThanOrEqual(10);
    expect(markdown).toMatch(/^\| manifest \| 1 failed, 40 completed \| .* ms \| .* ms \|$/m);
  });

  test('is whole for a tree without packages', async () => {
    const { html } = await reports({ 'node_modules/.keep': '' }, {});
    expect(html).toContain('None.');
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('markdownReport()', () => {
  test('shows hostile names as text, in one cell', async () => {
    const { markdown } = await reports(hostile, policy);
    const outsideCode = markdown.replace(/`[^`\n]*`/g, '');
    expect(outsideCode).toContain('&#60;img src=x');
    expect(outsideCode).not.toMatch(/<img|<script|@someone|\*\*a\*\*/);
    const widths = markdown
      .split('\n')
      .filter((line) => line.startsWith('| &#60;img'))
      .map((line) => line.split(' | ').length);
    expect(widths.length).toBeGreaterThan(0);
    expect(Math.max(...widths)).toBeLessThanOrEqual(3);
  });

  test('holds the graph as Mermaid and the run as a table', async () => {
    const { markdown } = await reports({ 'node_modules/a/package.json': '{}' }, {});
    expect(markdown).toContain('```mermaid\nflowchart TD');
    expect(markdown).toMatch(/^\| discover \| completed \| .* ms \| .* ms \|$/m);
  });
});
