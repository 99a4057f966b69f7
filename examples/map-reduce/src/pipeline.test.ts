import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { wordCount } from './pipeline.ts';

describe('wordCount', () => {
  test('adds up the words of all documents, without those that do not count', async () => {
    const texts: Readonly<Record<string, string>> = { 'stop-words.txt': 'the', one: 'The cat', two: 'the dog, the cat' };
    const read: string[] = [];
    const library = {
      read: async (file: string) => {
        read.push(file);
        return texts[file] ?? Promise.reject(new Error('no such file'));
      },
    };
    const { outputs } = await wordCount.runOrThrow({ files: ['one', 'two'] }, { services: { library } });
    expect(outputs.report).toEqual({
      words: [
        ['cat', 2],
        ['dog', 1],
      ],
      unread: [],
    });
    expect(read.filter((file) => file === 'stop-words.txt')).toHaveLength(1);
  });

  test('of nothing asks for nothing', async () => {
    const library = { read: (): Promise<string> => Promise.reject(new Error('not asked for')) };
    const { outputs } = await wordCount.runOrThrow({ files: [] }, { services: { library } });
    expect(outputs.report).toEqual({ words: [], unread: [] });
  });

  test('cannot do without the stop words: they are no matter of one document', async () => {
    const library = { read: (file: string) => (file === 'one' ? Promise.resolve('a') : Promise.reject(new Error('no'))) };
    const run = await wordCount.run({ files: ['one'] }, { services: { library } });
    expect(run).toMatchObject({ status: 'failed', error: { path: 'stop words' } });
  });

  test('reads what is there when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed.split('\n')).toEqual([
      'weaves: 2',
      'pattern: 2',
      'loom: 2',
      'not read: d.txt',
      'stop words           completed  attempts: 1',
      'counts               completed  attempts: 1',
      'counts[a.txt]/read   completed  attempts: 1',
      'counts[a.txt]/count  completed  attempts: 1',
      'counts[b.txt]/read   completed  attempts: 1',
      'counts[b.txt]/count  completed  attempts: 1',
      'counts[c.txt]/read   completed  attempts: 1',
      'counts[c.txt]/count  completed  attempts: 1',
      'counts[d.txt]/read   failed     attempts: 2',
      'counts[d.txt]/count  skipped    attempts: 0',
      'report               completed  attempts: 1',
      '',
    ]);
  });
});
