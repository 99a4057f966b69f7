import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runOnWebStandards } from './web-standard-globals.mjs';

/** Runs `expression` as the body of a module, as core would. */
function run(expression: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-globals-'));
  writeFileSync(join(folder, 'core.js'), `export const value = () => ${expression};\n`);
  writeFileSync(join(folder, 'use.js'), 'export const runSmoke = async (core) => core.value();\n');
  return runOnWebStandards([join(folder, 'core.js')], join(folder, 'use.js'));
}

describe('runOnWebStandards()', () => {
  test('gives the built-ins of ECMAScript and the allowed globals', async () => {
    expect(await run('[typeof Map, typeof AbortController, typeof structuredClone, typeof setTimeout].join()')).toBe(
      'function,function,function,function',
    );
  });

  test.each(['process', 'Buffer', 'console', 'setImmediate', 'fetch', 'window', 'self', 'navigator'])('has no %s', async (name) => {
    await expect(run(`${name}.toString()`)).rejects.toThrow(`${name} is not defined`);
  });

  test('makes no code from strings', async () => {
    await expect(run("new Function('return 1')()")).rejects.toThrow('Code generation from strings disallowed');
  });

  test('refuses an import of a module of Node', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stageflow-globals-'));
    writeFileSync(join(folder, 'core.js'), "import { readFileSync } from 'node:fs';\nexport const value = readFileSync;\n");
    writeFileSync(join(folder, 'use.js'), 'export const runSmoke = (core) => core.value;\n');
    await expect(runOnWebStandards([join(folder, 'core.js')], join(folder, 'use.js'))).rejects.toThrow('node:fs');
  });
});
