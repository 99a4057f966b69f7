import { join, relative } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fixtureTree, manifest } from '../fixture-tree.ts';
import { installedPackages } from './walk.ts';

/** What is found from `start`, as paths from the root. */
async function walk(root: string, start = 'node_modules') {
  const found: Record<'package' | 'linked' | 'forbidden', string[]> = { package: [], linked: [], forbidden: [] };
  for await (const { kind, directory } of installedPackages(join(root, start), new AbortController().signal)) {
    found[kind].push(relative(root, directory));
  }
  for (const paths of Object.values(found)) paths.sort();
  return found;
}

describe('installedPackages()', () => {
  test('finds packages of a flat tree, in scopes and nested', async () => {
    const root = fixtureTree(
      {
        'node_modules/a/package.json': manifest('a'),
        'node_modules/@s/b/package.json': manifest('@s/b'),
        'node_modules/a/node_modules/c/package.json': manifest('c'),
        'node_modules/a/node_modules/@s/b/package.json': manifest('@s/b', '2.0.0'),
        'node_modules/.bin/tool': '#!/bin/sh',
        'node_modules/.package-lock.json': '{}',
        'node_modules/@a-file': '',
        'node_modules/a-file': '',
        'node_modules/.cache/x/package.json': manifest('x'),
      },
      onTestFinished,
    );
    expect((await walk(root)).package).toEqual([
      'node_modules/@s/b',
      'node_modules/a',
      'node_modules/a/node_modules/@s/b',
      'node_modules/a/node_modules/c',
    ]);
  });

  const pnpmStore = {
    'node_modules/.pnpm/a@1.0.0/node_modules/a/package.json': manifest('a'),
    'node_modules/.pnpm/a@1.0.0/node_modules/b': { linkTo: 'node_modules/.pnpm/b@1.0.0/node_modules/b' },
    'node_modules/.pnpm/b@1.0.0/node_modules/b/package.json': manifest('b'),
    'node_modules/.pnpm/b@1.0.0/node_modules/a': { linkTo: 'node_modules/.pnpm/a@1.0.0/node_modules/a' },
    'node_modules/.pnpm/@s+c@1.0.0/node_modules/@s/c/package.json': manifest('@s/c'),
    'node_modules/.pnpm/node_modules/b': { linkTo: 'node_modules/.pnpm/b@1.0.0/node_modules/b' },
    'node_modules/.pnpm/lock.yaml': 'lockfileVersion: 9',
    'node_modules/a': { linkTo: 'node_modules/.pnpm/a@1.0.0/node_modules/a' },
  };

  test("finds each package of pnpm's store once, though links to it abound", async () => {
    expect((await walk(fixtureTree(pnpmStore, onTestFinished))).package).toEqual([
      'node_modules/.pnpm/@s+c@1.0.0/node_modules/@s/c',
      'node_modules/.pnpm/a@1.0.0/node_modules/a',
      'node_modules/.pnpm/b@1.0.0/node_modules/b',
    ]);
  });

  test('follows what a member of a workspace reaches in the store, and no further', async () => {
    const root = fixtureTree(
      { ...pnpmStore, 'packages/p/node_modules/a': { linkTo: 'node_modules/.pnpm/a@1.0.0/node_modules/a' } },
      onTestFinished,
    );
    expect((await walk(root, 'packages/p/node_modules')).package).toEqual([
      'node_modules/.pnpm/a@1.0.0/node_modules/a',
      'node_modules/.pnpm/b@1.0.0/node_modules/b',
    ]);
  });

  test('tells packages of the workspace from those that were installed', async () => {
    const root = fixtureTree(
      {
        'packages/own/package.json': manifest('own'),
        'node_modules/own': { linkTo: 'packages/own' },
        'node_modules/a/package.json': manifest('a'),
      },
      onTestFinished,
    );
    expect(await walk(root)).toMatchObject({ package: ['node_modules/a'], linked: ['packages/own'] });
  });

  test('ends in trees whose links go in circles or nowhere', async () => {
    const root = fixtureTree(
      {
        'node_modules/a/package.json': manifest('a'),
        'node_modules/a/node_modules/up': { linkTo: 'node_modules/a' },
        'node_modules/a/node_modules/all': { linkTo: 'node_modules' },
        'node_modules/self': { linkTo: 'node_modules/self' },
        'node_modules/gone': { linkTo: 'nowhere' },
      },
      onTestFinished,
    );
    const found = await walk(root);
    expect(found.package).toEqual(['node_modules/a']);
  });

  test('stops when the signal aborts', async () => {
    const root = fixtureTree({ 'node_modules/a/package.json': manifest('a') }, onTestFinished);
    const stopped = installedPackages(join(root, 'node_modules'), AbortSignal.abort(new Error('enough')));
    await expect(stopped.next()).rejects.toThrow('enough');
  });
});
