import { inputs, pipeline, stage } from '@stageflow/core';

const wordsPerMinute = 230;

const { markdown } = inputs<{ markdown: string }>();

const text = stage('text', {
  needs: { markdown },
  run: ({ markdown }) =>
    markdown
      .replace(/```.*?```/gs, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[#*_`>]/g, ''),
});

const words = stage('words', {
  needs: { text },
  run: ({ text }) => text.split(/\s+/).filter((word) => word !== ''),
});

const minutes = stage('minutes', {
  needs: { words },
  run: ({ words }) => Math.max(1, Math.round(words.length / wordsPerMinute)),
});

const label = stage('label', {
  needs: { words, minutes },
  run: ({ words, minutes }) => `${words.length} words, ${minutes} min read`,
});

/** How long a Markdown article takes to read. */
export const readingTime = pipeline('reading-time', { outputs: { label, minutes } });
