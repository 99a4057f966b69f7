import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../workspace.mjs';

/** What `biome.json` finds in a repository of these files: the name of the file and the rule. */
function findings(files: Record<string, string>): string[] {
  const base = mkdtempSync(join(tmpdir(), 'stageflow-biome-'));
  copyFileSync(join(root, 'biome.json'), join(base, 'biome.json'));
  spawnSync('git', ['init', '-q'], { cwd: base });
  for (const [path, text] of Object.entries({ '.gitignore': '', ...files })) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), text);
  }
  const biome = join(root, 'node_modules/.bin/biome');
  const { stdout, stderr } = spawnSync(biome, ['lint', '--colors=off', '.'], { cwd: base, encoding: 'utf8' });
  const found = `${stdout}${stderr}`.matchAll(/([\w.-]+):\d+:\d+ lint\/\w+\/(\w+) /g);
  return [...new Set(Array.from(found, ([, file, rule]) => `${file} ${rule}`))].sort();
}

describe('biome.json', () => {
  test('accepts plain code, and modules that share types in a circle', () => {
    const files = {
      'packages/core/src/a.ts': "import type { B } from './b.ts';\nexport const a = (b: B): B => b;\n",
      'packages/core/src/b.ts': "import { a } from './a.ts';\nexport type B = number;\nexport const b = (): B => a(1);\n",
    };
    expect(findings(files)).toEqual([]);
  });

  test('refuses an import cycle', () => {
    const files = {
      'packages/core/src/a.ts': "import { b } from './b.ts';\nexport const a = (): number => b();\n",
      'packages/core/src/b.ts': "export { c } from './c.ts';\nexport const b = (): number => 1;\n",
      'packages/core/src/c.ts': "import { a } from './a.ts';\nexport const c = (): number => a();\n",
    };
    expect(findings(files)).toEqual(['a.ts noImportCycles', 'b.ts noImportCycles', 'c.ts noImportCycles']);
  });

  test('refuses a promise that nobody waits for', () => {
    const text = 'const work = async (): Promise<void> => {};\nexport function run(): void {\n  work();\n}\n';
    expect(findings({ 'packages/core/src/a.ts': text })).toEqual(['a.ts noFloatingPromises']);
  });

  test('refuses a promise where a condition is meant', () => {
    const text = 'const work = async (): Promise<boolean> => true;\nexport const run = (): number => (work() ? 1 : 2);\n';
    expect(findings({ 'packages/core/src/a.ts': text })).toEqual(['a.ts noMisusedPromises']);
  });

  test('refuses `any`, an unused import, and an import of a type as a value', () => {
    const files = {
      'packages/core/src/a.ts': "import { unused, type B } from './b.ts';\nexport const a = (b: B): any => b;\n",
      'packages/core/src/b.ts': 'export type B = number;\nexport const unused = 1;\n',
    };
    expect(findings(files)).toEqual(['a.ts noExplicitAny', 'a.ts noUnusedImports']);
  });

  test('refuses globals that are not everywhere in core, not in its tests or elsewhere', () => {
    const text = (name: string) => `export const a = (): unknown => ${name};\n`;
    const names = ['process', 'console', 'fetch', 'navigator', 'self'];
    const core = Object.fromEntries(names.map((name) => [`packages/core/src/uses-${name}.ts`, text(name)]));
    expect(findings(core)).toEqual(names.map((name) => `uses-${name}.ts noRestrictedGlobals`).sort());
    expect(findings({ 'packages/core/src/a.test.ts': text('process'), 'packages/cli/src/a.ts': text('process') })).toEqual([]);
  });
}, 60_000);
