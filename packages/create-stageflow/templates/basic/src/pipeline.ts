import { inputs, optional, pipeline, skip, stage } from '@stageflow/core';

const { text, userId } = inputs<{ text: string; userId?: string }>();

// These two need nothing of each other, so they run side by side.
export const words = stage('words', {
  needs: { text },
  run: ({ text }) => text.split(/\s+/).filter((word) => word !== ''),
});

export const profile = stage('profile', {
  needs: { userId },
  timeoutMs: 500,
  retry: { attempts: 3 },
  run: ({ userId }) => (userId === undefined ? skip('nobody is signed in') : { name: `user ${userId}` }),
});

// The profile may be missing: its type says so, and the compiler asks for an answer.
export const reply = stage('reply', {
  needs: { words, profile: optional(profile) },
  run: ({ words, profile }) => `${profile?.name ?? 'Somebody'} wrote ${words.length} words.`,
});

export const counting = pipeline('counting', { outputs: { reply } });
