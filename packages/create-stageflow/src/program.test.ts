import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runProgram } from './program.ts';
import { templateNames } from './template.ts';

const released = {
  peerDependencies: {
    '@stageflow/core': '^0.3.1',
    '@stageflow/interceptors': '^0.2.0',
    '@stageflow/sqlite-store': '^0.1.4',
    '@stageflow/testing': '^0.2.2',
  },
  devDependencies: { '@stageflow/core': '0.3.1', '@types/node': '24.10.0', typescript: '7.0.2', zod: '4.6.7' },
};

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'create-stageflow-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the program, and gives what became of it. */
function create(args: readonly string[], { manifest = released, userAgent = 'npm/11.0.0 node/v24' } = {}) {
  let output = '';
  let errors = '';
  const code = runProgram(args, {
    output: { write: (text) => (output += text) },
    errors: { write: (text) => (errors += text) },
    env: { npm_config_user_agent: userAgent },
    manifest,
  });
  return { code, output, errors };
}

const readJson = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));

describe('npm create stageflow', () => {
  test.each(templateNames)('makes a project from the template "%s", with a pipeline, a test and a program', (template) => {
    const folder = join(newFolder(), 'my-app');
    expect(create([folder, '--template', template])).toMatchObject({ code: 0, errors: '' });
    expect(readdirSync(folder).sort()).toEqual(['.gitignore', 'README.md', 'package.json', 'src', 'tsconfig.json']);
    const sources = readdirSync(join(folder, 'src'));
    expect(sources).toEqual(expect.arrayContaining(['main.ts', 'pipeline.ts']));
    expect(sources.filter((name) => name.endsWith('.test.ts'))).toHaveLength(1);
  });

  test('asks for the versions it was released with, and for what follows them compatibly', () => {
    const folder = join(newFolder(), 'my-app');
    create([folder, '--template', 'durable']);
    expect(readJson(folder, 'package.json')).toMatchObject({
      name: 'my-app',
      private: true,
      dependencies: {
        '@stageflow/core': '^0.3.1',
        '@stageflow/interceptors': '^0.2.0',
        '@stageflow/sqlite-store': '^0.1.4',
        zod: '^4.6.7',
      },
      devDependencies: { '@stageflow/testing': '^0.2.2', '@types/node': '^24.10.0', typescript: '^7.0.2' },
    });
  });

  test('begins with the template "basic" where none is named', () => {
    const folder = join(newFolder(), 'my-app');
    expect(create([folder]).output).toContain('from the template "basic"');
    expect(readJson(folder, 'package.json').dependencies).not.toHaveProperty('zod');
  });

  test('goes into a folder that holds a repository and nothing else', () => {
    const folder = newFolder();
    mkdirSync(join(folder, '.git'));
    expect(create([folder])).toMatchObject({ code: 0 });
  });

  test('refuses a folder that holds something, and leaves it as it is', () => {
    const folder = newFolder();
    for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(folder, name), name);
    expect(create([folder])).toEqual({
      code: 1,
      output: '',
      errors: `"${folder}" is not empty: it holds a, b, c, …. Name a folder that is empty, or not there yet.\n`,
    });
    expect(readdirSync(folder)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('refuses a file', () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    expect(create([file])).toMatchObject({ code: 1, errors: expect.stringContaining('is a file') });
  });

  test.each([
    [[], 'Name the folder of the new project.'],
    [[''], 'Name the folder of the new project.'],
    [['one', 'two'], 'One folder is expected, not 2: one, two'],
    [['one', '--template', 'fancy'], 'There is no template "fancy". There are: basic, durable, http.'],
    [['one', '--template', 'toString'], 'There is no template "toString".'],
    [['one', '--fancy'], "Unknown option '--fancy'"],
  ])('refuses %j, makes nothing, and says why', (args, message) => {
    const home = newFolder();
    const { code, output, errors } = create(args.map((arg) => (arg === 'one' ? join(home, arg) : arg)));
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(errors.replaceAll(`${home}/`, '')).toContain(message);
    expect(readdirSync(home)).toEqual([]);
  });

  test('says how to use it when asked', () => {
    const { code, output } = create(['--help']);
    expect(code).toBe(0);
    for (const name of templateNames) expect(output).toContain(name);
  });

  test.each([
    ['npm/11.0.0 node/v24', 'npm'],
    ['pnpm/12.21.0 npm/? node/v24', 'pnpm'],
    ['bun/1.4.5', 'bun'],
    ['something/1.0', 'npm'],
  ])('tells the next two commands to who runs it by %s', (userAgent, manager) => {
    const folder = join(newFolder(), 'my-app');
    expect(create([folder], { userAgent }).output).toBe(
      `Made ${folder} from the template "basic". Next:\n\n  cd ${folder} && ${manager} install\n  ${manager} start\n`,
    );
  });

  test('refuses to run where it was not packed: there are no versions then', () => {
    const folder = join(newFolder(), 'my-app');
    const manifest = { ...released, peerDependencies: { ...released.peerDependencies, '@stageflow/core': 'workspace:^' } };
    expect(create([folder], { manifest })).toMatchObject({ code: 1, errors: expect.stringContaining('from its tarball only') });
    expect(existsSync(folder)).toBe(false);
  });
});
