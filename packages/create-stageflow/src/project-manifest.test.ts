import { expect, test } from 'vitest';
import { packageName, projectManifest } from './project-manifest.ts';

test.each([
  ['my-app', 'my-app'],
  ['My App', 'my-app'],
  ['.hidden', 'hidden'],
  ['日本', 'stageflow-project'],
  ['a'.repeat(300), 'a'.repeat(214)],
])('the folder %j makes the package %j', (folder, name) => {
  expect(packageName(folder)).toBe(name);
});

test('a package without a known version is refused', () => {
  const template = { dependencies: { zod: '*' }, devDependencies: {} };
  expect(projectManifest(template, 'one', { zod: '^4.0.0' })).toMatchObject({ dependencies: { zod: '^4.0.0' } });
  expect(() => projectManifest(template, 'one', {})).toThrow('No version of zod is known.');
});
