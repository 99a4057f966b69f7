import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { conditions } from './vitest.config.ts';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Mutation testing runs in a copy of the repository, so packages are named by path: through node_modules they would be the originals.
export default defineConfig({
  resolve: {
    conditions,
    alias: [
      { find: /^@stageflow\/([a-z-]+)$/, replacement: source('packages/$1/src/index.ts') },
      { find: /^@stageflow\/([a-z-]+)\/([a-z-]+)$/, replacement: source('packages/$1/src/$2.ts') },
    ],
  },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/core/src/**/*.test.ts', 'packages/core/test/**/*.test.ts'],
    exclude: ['**/*.properties.test.ts', '**/types/**'],
    // They take seconds each and reach every line, so that every mutant would wait for them; what they prove, small cases prove as well.
    testNamePattern: /^(?!.*(hundred thousand|20,000|10,000|condition `development`))/,
  },
});
