import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Project } from './project.mjs';
import { readProject } from './project.mjs';

const exports = { '.': { '@stageflow/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' } };
const published = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } };

/** A package.json that breaks no rule. */
export const manifest = (name: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({
    name: `@stageflow/${name}`,
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20.19.0' },
    exports,
    publishConfig: { exports: published },
    ...more,
  });

/** A small repository in a temporary folder: core and one adapter that break no rule, then `files` over them. */
export function fixtureRepository(files: Record<string, string> = {}): Project {
  const base = mkdtempSync(join(tmpdir(), 'stageflow-lint-'));
  const all = {
    'package.json': JSON.stringify({ name: 'fixture', devDependencies: { vitest: '5', '@stageflow/testing': '0' } }),
    'packages/core/package.json': manifest('core'),
    'packages/core/src/index.ts': "export { stage } from './stage.ts';\n",
    'packages/core/src/stage.ts': 'export const stage = 1;\n',
    'packages/adapter/package.json': manifest('adapter', { peerDependencies: { '@stageflow/core': '^1.0.0' } }),
    'packages/adapter/src/index.ts':
      "import { readFileSync } from 'node:fs';\nimport { stage } from '@stageflow/core';\nexport const adapter = [readFileSync, stage];\n",
    'packages/adapter/src/adapter.test.ts':
      "import { test } from 'vitest';\nimport { clock } from '@stageflow/testing';\ntest('adapter', clock);\n",
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), text);
  }
  return readProject(base);
}
