import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readingTime } from './pipeline.ts';

describe('readingTime', () => {
  test('counts words, not markup', async () => {
    const { outputs } = await readingTime.runOrThrow({ markdown: '## One *two*\n\n[three](https://x.y)\n```ts\nfour five\n```' });
    expect(outputs.label).toBe('3 words, 1 min read');
  });

  test('rounds to whole minutes', async () => {
    const { outputs } = await readingTime.runOrThrow({ markdown: 'word '.repeat(700) });
    expect(outputs).toEqual({ label: '700 words, 3 min read', minutes: 3 });
  });

  test('runs its four stages once each', async () => {
    const run = await readingTime.run({ markdown: 'hello' });
    expect([...run.stages.values()].map(({ stage, attempts }) => [stage, attempts])).toEqual([
      ['text', 1],
      ['words', 1],
      ['minutes', 1],
      ['label', 1],
    ]);
  });

  test('prints the label when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed).toBe('18 words, 1 min read\n');
  });
});
