import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { digest } from './digest.ts';
import { type Model, summarize } from './summarize.ts';

const quick: Model = { title: async (text) => text.slice(0, 3) };
const never: Model = {
  title: (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
};
const broken: Model = { title: () => Promise.reject(new Error('down')) };

describe('summarize', () => {
  test('takes the title of the model that is first, and aborts the other', async () => {
    const run = await summarize.runOrThrow({ text: 'One. Two.' }, { services: { small: never, large: quick } });
    expect(run.outputs).toEqual({ title: 'One', short: 'One.' });
    expect(run.stages.get('by small')?.status).toBe('skipped');
  });
});

describe('digest', () => {
  const news = [
    { id: 'x', text: 'One. Two.' },
    { id: 'y', text: 'Three. Four.' },
  ];

  test('summarizes each article, and all of them together', async () => {
    const { outputs, stages } = await digest.runOrThrow({ news }, { services: { small: quick, large: never } });
    expect(outputs.articles).toEqual(['One: One.', 'Thr: Three.']);
    expect(outputs.front).toEqual({ title: 'One', short: 'One: One.' });
    expect(stages.get('articles[y]/summary/by small')?.status).toBe('completed');
    expect(stages.get('front/by small')?.status).toBe('completed');
  });

  test('fails where no model has a title for the whole', async () => {
    const run = await digest.run({ news }, { services: { small: broken, large: broken } });
    expect(run).toMatchObject({ status: 'failed', outputs: { articles: [] }, error: { path: 'front/by small' } });
  });

  test('makes a digest when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed.split('\n')).toEqual([
      'Loom sings (small)',
      '- Loom sings (small): Loom sings at night.',
      '- Engine computes (small): Engine computes tides.',
      'articles[a-2]/text               completed',
      'articles[a-2]/summary            completed',
      'articles[a-2]/summary/short      completed',
      'articles[a-2]/summary/by small   completed',
      'articles[a-2]/summary/by large   skipped',
      'articles[a-2]/summary/title      completed',
      'articles[a-2]/line               completed',
      '',
    ]);
  });
});
