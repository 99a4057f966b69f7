// A pipeline with one of everything. What the compiler makes of its types is kept in sample-pipeline.d.ts.golden, to be read as its reader will.
import {
  block,
  firstOf,
  guard,
  inputs,
  optional,
  pass,
  pipeline,
  route,
  type Schema,
  services,
  settled,
  skip,
  stage,
  work,
} from '@stageflow/core';

interface Model {
  ask(text: string): Promise<string>;
}

declare const dateFromText: Schema<string, Date>;

export const { text, userId } = inputs<{ text: string; userId?: string }>();
export const { since } = inputs({ since: dateFromText });
export const { model } = services<{ model: Model }>();

export const count = stage('count', { needs: { text }, run: ({ text }) => ({ n: text.length }) });

export const profile = stage('profile', {
  kind: 'enrich',
  needs: { userId, since },
  run: async ({ userId, since }) => (userId === undefined ? skip('anonymous') : { name: userId, year: since.getFullYear() }),
});

export const intent = route('intent', { needs: { text }, run: async ({ text }) => (text.startsWith('buy') ? 'order' : 'question') });

export const order = stage('order', { when: intent.is('order'), needs: { text }, run: ({ text }) => `order: ${text}` });

export const question = stage('question', {
  kind: 'agent',
  when: intent.is('question'),
  needs: { text, model, profile: optional(profile) },
  run: ({ text, model, profile }) => model.ask(`${profile?.name ?? 'someone'} asks: ${text}`),
});

export const reply = stage('reply', { needs: { text: firstOf(order, question) }, run: ({ text }) => text });

export const safe = guard('safe', {
  subject: reply,
  needs: { count },
  check: ({ subject, count }) => (subject.length > count.n ? pass() : block('too short')),
});

export const read = stage('read', { needs: { count }, output: dateFromText, run: ({ count }) => String(count.n) });

export const save = work('save', {
  needs: { safe: settled(safe) },
  idempotencyKey: ({ safe }) => safe.status,
  run: ({ safe }) => console.log(safe),
});

export const nothing = stage('nothing', { run: () => undefined });

export const chat = pipeline('chat', { outputs: { safe, read, profile }, also: { save, nothing } });
