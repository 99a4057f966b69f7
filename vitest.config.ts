import { defineConfig } from 'vitest/config';

// Workspace packages resolve to their sources: tests need no build. Others as in Node, which knows no `module`.
export const conditions = ['@stageflow/source', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'packages/*/test/**/*.test.ts',
            'internal/*/test/**/*.test.ts',
            'examples/*/src/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['packages/*/src/**/*.test-d.ts'],
            tsconfig: './tsconfig.check.json',
            // Errors outside of type tests are what `tsc -p tsconfig.check.json` is for.
            ignoreSourceErrors: true,
          },
        },
      },
    ],
    // Off unless asked for with --coverage, so that running one file does not meet the thresholds of all.
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.test-d.ts'],
      reporter: [['text', { skipFull: true }], 'json-summary'],
      reportsDirectory: 'coverage',
      thresholds: {
        'packages/core/src/**': { lines: 100, branches: 100, functions: 100, statements: 100 },
        'packages/!(core)/src/**': { lines: 90, branches: 90, functions: 90, statements: 90 },
      },
    },
  },
});
