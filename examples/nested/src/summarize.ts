import { inputs, pipeline, race, services, stage } from '@stageflow/core';

/** Thinks of a title. */
export interface Model {
  title(text: string, signal: AbortSignal): Promise<string>;
}

const { text } = inputs<{ text: string }>();
const { small, large } = services<{ small: Model; large: Model }>();

const short = stage('short', { needs: { text }, run: ({ text }) => `${text.split('. ')[0]?.replace(/\.$/, '')}.` });

const bySmall = stage('by small', {
  kind: 'agent',
  needs: { short, small },
  run: ({ short, small }, { signal }) => small.title(short, signal),
});
const byLarge = stage('by large', {
  kind: 'agent',
  needs: { short, large },
  run: ({ short, large }, { signal }) => large.title(short, signal),
});
const title = race('title', bySmall, byLarge);

/** The first sentence of a text, and a title for it. */
export const summarize = pipeline('summarize', { outputs: { title, short } });
