import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { namesOf } from './public-names.mjs';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The names of an entry `index.d.ts`, beside the other files. */
function namesIn(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'declarations-'));
  folders.push(folder);
  mkdirSync(join(folder, 'deep'));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  return namesOf({ specifier: '@stageflow/x', declarations: join(folder, 'index.d.ts') });
}

test('a name is followed to its declaration through any number of files, under another name, too', () => {
  const [found] = namesIn({
    'index.d.ts': "export { made } from './deep/again.ts';",
    'deep/again.d.ts': "import { make as made } from '../make.ts';\nexport { made };",
    'make.d.ts': '/** Makes.\n * @returns It. */\nexport declare function make(): void;',
  });
  expect(found).toMatchObject({
    name: 'made',
    kind: 'function',
    module: 'make',
    docstring: 'Makes.\n@returns It.',
    declaration: 'function make(): void;',
  });
});

test('a docstring is that of its declaration, and not one further up', () => {
  const names = namesIn({
    'index.d.ts': '/** One. */\nexport interface One {\n    /** Of a member. */\n    readonly a: 1;\n}\nexport interface Two {\n}',
  });
  expect(names.map(({ docstring }) => docstring)).toEqual(['One.', '']);
  expect(names[0]?.declaration).toBe('interface One {\n  /** Of a member. */\n  readonly a: 1;\n}');
});

test('a long list of parameters is one on each line, a private mark is left out', () => {
  const long = 'a'.repeat(60);
  const [called, made] = namesIn({
    'index.d.ts': `export declare function call(${long}: string, second: number, ...rest: unknown[]): void;
export declare class Made {
    #private;
    read(): void;
}`,
  });
  expect(called?.declaration).toBe(`function call(\n  ${long}: string,\n  second: number,\n  ...rest: unknown[],\n): void;`);
  expect(made?.declaration).toBe('class Made {\n  read(): void;\n}');
});

test('a name whose declaration is nowhere is an error', () => {
  expect(() => namesIn({ 'index.d.ts': 'export { gone };' })).toThrow('its declaration was not found');
});
