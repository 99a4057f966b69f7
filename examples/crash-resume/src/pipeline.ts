import { inputs, map, pipeline, services, stage, work } from '@stageflow/core';

const { pages } = inputs<{ pages: readonly string[] }>();
const { say } = services<{ say: (line: string) => void }>();

const summaries = map(
  'summaries',
  pages,
  (page) => {
    const text = stage('fetch', {
      needs: { page, say },
      run: ({ page, say }) => {
        say(`fetching ${page}`);
        return `the text of ${page}`;
      },
    });
    return stage('summarize', {
      needs: { page, text, say },
      run: ({ page, text, say }) => {
        say(`summarizing ${page}`);
        return text.toUpperCase();
      },
    });
  },
  { key: (page) => page, concurrency: 1 },
);

const sent = work('send', {
  needs: { summaries, say },
  run: ({ summaries, say }, { idempotencyKey }) => {
    say(`sending ${summaries.length} summaries with key ${idempotencyKey}`);
    return summaries.join('; ');
  },
});

export const digest = pipeline('digest', { outputs: { sent } });
