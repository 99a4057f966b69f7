/** Prose of the codes of interceptors and of context.call(). @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const callErrors = {
  SF_INTERCEPTOR_FAILED: {
    meaning: `An interceptor threw. What it stands around has failed with this error, whether that had run or not: a stage, one attempt of it, or the whole run. What it threw is the \`cause\`.`,
    remedy: `Look at \`error.cause\`. If the interceptor meant to deny, this is how a denial looks; if it only watches, let it catch what its own work throws. Around an attempt, the stage's retry policy decides by what was thrown.`,
    details: { interceptor: 'quota', thrown: 'the quota is spent.' },
    cause: `
import { type Interceptor, pipeline, stage } from '@stageflow/core';

const quota: Interceptor = { name: 'quota', stage: () => Promise.reject(new Error('the quota is spent')) };
const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({}, { interceptors: [quota] });`,
    mend: `
import { type Interceptor, pipeline, stage } from '@stageflow/core';

const left = new Map([['ask', 3]]);
const quota: Interceptor = {
  name: 'quota',
  stage: ({ stage }, next) => {
    const calls = left.get(stage) ?? 0;
    left.set(stage, calls - 1);
    return calls > 0 ? next() : Promise.reject(new Error('the quota is spent'));
  },
};
const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({}, { interceptors: [quota] });`,
  },
  SF_INTERCEPTOR_INVALID: {
    meaning: `An interceptor broke the rules: it returned something else than what \`next()\` gave it, called \`next()\` twice or too late, or answered with \`cached()\` where a guard decides. What it stands around has failed, so that no interceptor can make up a success.`,
    remedy: `Return the very outcome that \`next()\` gave. To answer with a value that is known already, return \`cached(value)\`; to fail, throw.`,
    details: { interceptor: 'memo', why: 'it returned an object with status, output' },
    cause: `
import { type Interceptor, pipeline, stage } from '@stageflow/core';

const memo: Interceptor = { name: 'memo', stage: async () => ({ status: 'completed', output: 'Hello again' }) };
const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({}, { interceptors: [memo] });`,
    mend: `
import { cached, type Interceptor, pipeline, stage } from '@stageflow/core';

const memo: Interceptor = { name: 'memo', stage: async () => cached('Hello again') };
const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({}, { interceptors: [memo] });`,
  },
  SF_DEPTH_EXCEEDED: {
    meaning: `\`context.call()\` was used deeper than \`maxCallDepth\` allows: stages called stages that called stages. The call is refused; nothing of it ran.`,
    remedy: `Look for a stage that calls itself, directly or through others, without an end. If the depth is meant, raise \`maxCallDepth\` in the options of the run; the default is 5.`,
    details: { stage: 'plan', callee: 'plan', maxDepth: 5 },
    cause: `
import { pipeline, type Stage, stage } from '@stageflow/core';

const plan: Stage<string, never, never, Record<never, never>> = stage('plan', {
  run: (_, { call }): Promise<string> => call(plan, {}),
});
const chat = pipeline('chat', { outputs: { plan } });

await chat.runOrThrow({});`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const step = stage('step', { run: () => 'done' });
const plan = stage('plan', { run: (_, { call }) => call(step, {}) });
const chat = pipeline('chat', { outputs: { plan } });

await chat.runOrThrow({});`,
  },
  SF_CALL_INVALID: {
    meaning: `\`context.call()\` was given what it cannot call, or made a call that cannot be told apart from another. Regions, routes' arms and stages with wrong options cannot be called; two calls of one stage that are under way at once need a key each, and a key names one call.`,
    remedy: `Give such calls a \`key\` that says what they are about, not a counter: it is part of the path in reports and must be the same when the stage is tried again.`,
    details: { stage: 'all', callee: 'ask', why: 'another call of it is under way, so the two need keys to be told apart' },
    cause: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { city } = inputs<{ city: string }>();
const ask = stage('ask', { needs: { city }, run: async ({ city }) => \`sun in \${city}\` });
const all = stage('all', { run: (_, { call }) => Promise.all(['Rome', 'Oslo'].map((city) => call(ask, { city }))) });
const chat = pipeline('chat', { outputs: { all } });

await chat.runOrThrow({});`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { city } = inputs<{ city: string }>();
const ask = stage('ask', { needs: { city }, run: async ({ city }) => \`sun in \${city}\` });
const all = stage('all', { run: (_, { call }) => Promise.all(['Rome', 'Oslo'].map((city) => call(ask, { city }, { key: city }))) });
const chat = pipeline('chat', { outputs: { all } });

await chat.runOrThrow({});`,
  },
  SF_NONDETERMINISTIC: {
    meaning: `A stage was run again and did not make the call it had made before: under the same key or at the same place in the order stood another stage, or other values. What was remembered of the call does not belong to this one, so nothing of it is used.`,
    remedy: `Derive what is called, and with what, from the values of the stage and from earlier calls. Times, random numbers and what the world says belong into a stage of their own, whose result is remembered. Where the order may change, give calls keys.`,
    details: { stage: 'agent', call: 'agent/ask', expected: 'made with {"n":1}', received: 'made with {"n":2}' },
    cause: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { n } = inputs<{ n: number }>();
const ask = stage('ask', { needs: { n }, run: ({ n }) => n });
const agent = stage('agent', {
  retry: { attempts: 2, baseMs: 1 },
  run: async (_, { call, attempt }) => {
    await call(ask, { n: attempt });
    throw new Error('not yet');
  },
});
const chat = pipeline('chat', { outputs: { agent } });

await chat.runOrThrow({});`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { n } = inputs<{ n: number }>();
const ask = stage('ask', { needs: { n }, run: ({ n }) => n });
const agent = stage('agent', {
  retry: { attempts: 2, baseMs: 1 },
  run: async (_, { call, attempt }) => {
    const answer = await call(ask, { n: 1 });
    if (attempt === 1) throw new Error('not yet');
    return answer;
  },
});
const chat = pipeline('chat', { outputs: { agent } });

await chat.runOrThrow({});`,
  },
};
