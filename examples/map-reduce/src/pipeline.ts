import { inputs, map, pipeline, services, stage } from '@stageflow/core';

/** Where documents come from. */
export interface Library {
  read(file: string, signal: AbortSignal): Promise<string>;
}

type Counts = Readonly<Record<string, number>>;

const { files } = inputs<{ files: readonly string[] }>();
const { library } = services<{ library: Library }>();

// Reads no item, so it is hoisted: it runs once, when the map starts.
const stopWords = stage('stop words', {
  needs: { library },
  run: async ({ library }, { signal }) => new Set((await library.read('stop-words.txt', signal)).split(/\s+/)),
});

const counts = map(
  'counts',
  files,
  (file) => {
    const read = stage('read', {
      needs: { file, library },
      retry: { attempts: 2, baseMs: 10 },
      run: ({ file, library }, { signal }) => library.read(file, signal),
    });
    return stage('count', { needs: { read, stopWords }, run: ({ read, stopWords }) => countWords(read, stopWords) });
  },
  { key: (file) => file, concurrency: 3, onItemError: 'collect' },
);

const report = stage('report', {
  needs: { counts },
  run: ({ counts }) => {
    const total = new Map<string, number>();
    const unread: string[] = [];
    for (const outcome of counts) {
      if (outcome.status !== 'completed') unread.push(outcome.key);
      else for (const [word, times] of Object.entries(outcome.output)) total.set(word, times + (total.get(word) ?? 0));
    }
    return { words: [...total].sort(([, a], [, b]) => b - a), unread };
  },
});

/** How often each word stands in all documents together. */
export const wordCount = pipeline('word count', { outputs: { report } });

function countWords(text: string, stopWords: ReadonlySet<string>): Counts {
  const found: Record<string, number> = {};
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) if (!stopWords.has(word)) found[word] = (found[word] ?? 0) + 1;
  return found;
}
