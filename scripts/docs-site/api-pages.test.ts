import { describe, expect, test } from 'vitest';
import { apiPages, missingNames } from './api-pages.mjs';
import type { PublicName } from './public-names.mjs';

const name = (given: Partial<PublicName> & { name: string }): PublicName => ({
  specifier: '@stageflow/core',
  kind: 'function',
  module: 'control',
  file: `/core/${given.module ?? 'control'}.d.ts`,
  docstring: '',
  declaration: `function ${given.name}(): void;`,
  ...given,
});

describe('apiPages()', () => {
  test('has a page for each module, and one that lists the names of the entry', () => {
    const { pages } = apiPages([name({ name: 'skip', docstring: 'Gives nothing. Ever.' }), name({ name: 'retry', module: 'retry' })]);
    expect([...pages.keys()].sort()).toEqual(['api/core/control.md', 'api/core/index.md', 'api/core/retry.md', 'api/index.md']);
    expect(pages.get('api/core/control.md')).toContain('## skip {#skip}\n\n```ts\nfunction skip(): void;\n```\n\nGives nothing. Ever.');
    expect(pages.get('api/core/index.md')).toContain('| [skip](/api/core/control.md#skip) | function | Gives nothing. |');
  });

  test('gives a type and a function of one word a heading each', () => {
    const { places } = apiPages([name({ name: 'Skip', kind: 'interface' }), name({ name: 'skip' })]);
    expect([places.get('@stageflow/core:skip')?.anchor, places.get('@stageflow/core:Skip')?.anchor]).toEqual(['skip', 'skip-interface']);
  });

  test('describes what two entries export once, under the first', () => {
    const { pages, places } = apiPages([name({ name: 'Clock' }), name({ name: 'Clock', specifier: '@stageflow/core/ports' })]);
    expect(places.get('@stageflow/core/ports:Clock')).toEqual({ page: 'api/core/control.md', anchor: 'clock' });
    expect(pages.has('api/core-ports/control.md')).toBe(false);
    expect(pages.get('api/core-ports/index.md')).toContain('(/api/core/control.md#clock)');
  });

  test('lists the types of a declaration, and not those that only its comments or texts name', () => {
    const run = name({ name: 'run', declaration: "/** Not Clock. */\nfunction run(options: Options): 'Skip';" });
    const others = ['Options', 'Clock', 'Skip'].map((each) => name({ name: each, kind: 'interface' }));
    expect(apiPages([run, ...others]).pages.get('api/core/control.md')).toContain('Types in it: [Options](/api/core/control.md#options)\n');
  });

  test('names the docstrings whose links lead nowhere', () => {
    const named = name({
      name: 'skip',
      docstring: 'See {@link gone}, {@link retry} and {@link reason}.',
      declaration: 'function skip(reason: string): void',
    });
    const { unresolved, pages } = apiPages([named, name({ name: 'retry' })]);
    expect(unresolved).toEqual(['@stageflow/core:skip: gone']);
    expect(pages.get('api/core/control.md')).toContain('[`retry`](/api/core/control.md#retry) and `reason`');
  });
});

describe('missingNames()', () => {
  const reference = apiPages([name({ name: 'skip' })]);

  test('finds nothing where each name has its heading', () => {
    expect(missingNames('@stageflow/core\n  value skip\n', reference)).toEqual([]);
  });

  test('finds a name that has none, and an entry that has none', () => {
    expect(missingNames('@stageflow/core\n  value skip\n  type  Gone\n\n@stageflow/core/plan\n  value lint\n', reference)).toEqual([
      '@stageflow/core:Gone',
      '@stageflow/core/plan:lint',
    ]);
  });
});
