import { block, guard, inputs, optional, pass, pipeline, services, skip, stage, transform } from '@stageflow/core';
import type { Memory } from './memory.ts';
import type { Model } from './scripted-model.ts';

const { text, userId } = inputs<{ text: string; userId: string }>();
const { model, memory } = services<{ model: Model; memory: Memory }>();

const safeText = guard('safe-text', {
  subject: text,
  check: ({ subject }) => (/ignore (all )?previous/i.test(subject) ? block('prompt injection') : pass()),
});

// Nothing is looked up for a text that was refused.
const profile = stage('profile', {
  kind: 'enrich',
  needs: { userId, memory },
  after: [safeText],
  run: async ({ userId, memory }) => (await memory.profile(userId)) ?? skip('a stranger'),
});

const lastTopic = stage('last-topic', {
  kind: 'enrich',
  needs: { userId, memory },
  after: [safeText],
  run: ({ userId, memory }) => memory.lastTopic(userId),
});

const answer = stage('answer', {
  kind: 'agent',
  needs: { text: safeText, profile: optional(profile), lastTopic, model },
  timeoutMs: 30_000,
  run: ({ text, profile, lastTopic, model }, { signal }) =>
    model.complete(`You talk to ${profile?.name ?? 'a stranger'}, last about ${lastTopic}.\n${text}`, signal),
});

const safeAnswer = guard('safe-answer', {
  subject: answer,
  check({ subject }) {
    if (/\bsk-[a-z0-9]{8,}/i.test(subject)) return block('the answer holds a secret key');
    const redacted = subject.replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, '[address]');
    return redacted === subject ? pass() : transform(redacted);
  },
});

/** One turn of a chat: nothing unsafe goes to the model, and nothing unsafe comes back. */
export const chat = pipeline('chat', { outputs: { answer: safeAnswer } });
