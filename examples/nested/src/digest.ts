import { inputs, map, pipeline, stage, subpipeline } from '@stageflow/core';
import { summarize } from './summarize.ts';

/** What a digest is made of. */
export interface Article {
  readonly id: string;
  readonly text: string;
}

const { news } = inputs<{ news: readonly Article[] }>();

const articles = map(
  'articles',
  news,
  (article) => {
    const text = stage('text', { needs: { article }, run: ({ article }) => article.text.trim() });
    const summary = subpipeline('summary', summarize, { text });
    return stage('line', { needs: { summary }, run: ({ summary }) => `${summary.title}: ${summary.short}` });
  },
  { key: (article) => article.id, onItemError: 'skip' },
);

const all = stage('all', { needs: { articles }, run: ({ articles }) => articles.join(' ') });
const front = subpipeline('front', summarize, { text: all });

/** The news of a day, a line each, and a title for the whole. */
export const digest = pipeline('digest', { outputs: { articles, front } });
