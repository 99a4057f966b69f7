import { block, guard, inputs, pass, pipeline, services, stage, work } from '@stageflow/core';
import { modelCalled } from '@stageflow/otel';
import type { Model, Profiles } from './services.ts';

const { text, user, city } = inputs<{ text: string; user: string; city: string }>();
const { model, profiles } = services<{ model: Model; profiles: Profiles }>();

/** Says no to what nobody should be asked. */
const polite = guard('polite', { subject: text, needs: { text }, check: ({ text }) => (/\bidiot\b/i.test(text) ? block('rude') : pass()) });

/** Asked over HTTP; answers at the second attempt. */
const profile = stage('profile', {
  kind: 'enrich',
  needs: { user, profiles },
  after: [polite],
  retry: { attempts: 3, baseMs: 5 },
  run: ({ user, profiles }, context) => profiles.load(user, context),
});

const memory = stage('memory', { kind: 'enrich', needs: { user }, after: [polite], run: ({ user }) => [`${user} likes short answers`] });

/** A tool: what carries this tag is a tool to whoever looks at the spans. */
const weather = stage('weather', { tags: ['tool'], needs: { city }, run: ({ city }) => `${city}: sunny` });

/** Asks the model, which asks for the weather, and asks again. */
const answer = stage('answer', {
  kind: 'agent',
  needs: { text, profile, memory, city, model },
  run: async ({ text, profile, city, model }, { call, emit, signal }) => {
    const ask = async (prompt: string): Promise<string> => {
      const { reply, ...facts } = await model.ask(prompt, signal);
      emit(modelCalled, { provider: 'scripted', model: 'parrot-1', ...facts });
      return reply;
    };
    const wants = await ask(text);
    if (wants !== 'weather') return wants;
    return ask(`${profile.name}, ${await call(weather, { city }, { key: 'call_1' })}`);
  },
});

const audit = work('audit', { needs: { user, answer }, run: ({ user, answer }) => `${user} was told ${answer.length} letters` });

/** One turn of a chat. */
export const chat = pipeline('chat', { outputs: { answer }, also: { audit } });
