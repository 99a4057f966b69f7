/** Prose of the codes that appear in a stage. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const stageErrors = {
  SF_STAGE_FAILED: {
    meaning: `The function of a stage threw, rejected, or returned \`fail()\` or \`retryLater()\`; or its condition threw. What it threw is the \`cause\`, unchanged, whatever it was.`,
    remedy: `Look at \`error.cause\`. If the failure may pass by itself, give the stage a \`retry\` policy; if the run can do without the stage, \`onFailure: 'skip'\` or a \`settled()\` reader.`,
    details: { stage: 'profile', thrown: 'no such user.' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const profile = stage('profile', { run: () => Promise.reject(new Error('no such user')) });
const chat = pipeline('chat', { outputs: { profile } });

await chat.runOrThrow({});`,
    mend: `
import { pipeline, settled, stage } from '@stageflow/core';

const profile = stage('profile', { run: () => Promise.reject(new Error('no such user')) });
const greeting = stage('greeting', {
  needs: { profile: settled(profile) },
  run: ({ profile }) => (profile.status === 'completed' ? 'Hello again' : 'Hello'),
});
const chat = pipeline('chat', { outputs: { greeting } });

await chat.runOrThrow({});`,
  },
  SF_STAGE_TIMEOUT: {
    meaning: `An attempt took longer than \`timeoutMs\`. Its signal was aborted, and it had \`graceMs\` to settle; what it brings later is dropped. Where the message speaks of an overrun, the function held the thread, so that no timer could fire: its result is dropped all the same.`,
    remedy: `Hand \`context.signal\` to everything the stage calls, so that an abort ends the work and not only the waiting. Then raise \`timeoutMs\`, or retry. Code that computes for long belongs in a worker thread.`,
    details: { stage: 'ask', timeoutMs: 20, overrunMs: 0 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { timeoutMs: 20, run: (_, { signal }) => delay(5_000, 'Hello', { signal }) });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({});`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { timeoutMs: 10_000, run: (_, { signal }) => delay(20, 'Hello', { signal }) });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({});`,
  },
  SF_STAGE_IDLE: {
    meaning: `An attempt gave no sign of life for \`idleMs\`: it called none of \`heartbeat()\`, \`progress()\` and \`emit()\`.`,
    remedy: `Give a sign of life as the work advances: for each chunk of a stream, each page of a list.`,
    details: { stage: 'import', idleMs: 20 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const load = stage('import', { idleMs: 20, run: (_, { signal }) => delay(5_000, 'done', { signal }) });
const nightly = pipeline('nightly', { outputs: { load } });

await nightly.runOrThrow({});`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const load = stage('import', {
  idleMs: 1_000,
  async run(_, { signal, progress }) {
    for (const page of [1, 2, 3]) {
      await delay(5, undefined, { signal });
      progress(page / 3);
    }
  },
});
const nightly = pipeline('nightly', { outputs: { load } });

await nightly.runOrThrow({});`,
  },
  SF_STAGE_BUDGET: {
    meaning: `All attempts of a stage together took longer than \`budgetMs\`. Waits between attempts do not count. No attempt follows.`,
    remedy: `Raise \`budgetMs\`, or lower \`timeoutMs\` so that more attempts fit into it.`,
    details: { stage: 'ask', budgetMs: 20 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { budgetMs: 20, run: (_, { signal }) => delay(5_000, 'Hello', { signal }) });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({});`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { budgetMs: 10_000, run: (_, { signal }) => delay(20, 'Hello', { signal }) });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({});`,
  },
  SF_OUTPUT_INVALID: {
    meaning: `A stage returned something that its \`output\` schema refuses. The stage that made the value fails, not one of its readers.`,
    remedy: `Mend what the stage returns, or the schema. The code is retryable, because a model or a remote service may well answer correctly the second time.`,
    details: { stage: 'price', issues: ['total: Invalid input: expected number, received string'], received: 'an object with total' },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const price = stage('price', { output: z.object({ total: z.number() }), run: () => JSON.parse('{ "total": "12" }') });
const cart = pipeline('cart', { outputs: { price } });

await cart.runOrThrow({});`,
    mend: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const price = stage('price', { output: z.object({ total: z.coerce.number() }), run: () => JSON.parse('{ "total": "12" }') });
const cart = pipeline('cart', { outputs: { price } });

await cart.runOrThrow({});`,
  },
  SF_ROUTE_INVALID: {
    meaning: `A route returned something else than a string. Stages are gated by comparing strings.`,
    remedy: `Return the name of the way to take; \`skip()\` where none is to be taken.`,
    details: { stage: 'size', received: 'the number 3' },
    cause: `
import { pipeline, route, stage } from '@stageflow/core';

const size = route('size', { run: () => JSON.parse('3') as 'small' | 'large' });
const small = stage('small', { when: size.is('small'), run: () => 'at once' });
const order = pipeline('order', { outputs: { small } });

await order.runOrThrow({});`,
    mend: `
import { pipeline, route, stage } from '@stageflow/core';

const size = route('size', { run: () => (JSON.parse('3') < 10 ? 'small' : 'large') });
const small = stage('small', { when: size.is('small'), run: () => 'at once' });
const order = pipeline('order', { outputs: { small } });

await order.runOrThrow({});`,
  },
  SF_WHEN_INVALID: {
    meaning: `A \`when\` predicate answered with something else than \`true\` or \`false\`. A promise is refused as well: it would count as true whatever it resolves to.`,
    remedy: `Make it synchronous and return a boolean. A decision that has to ask somebody is a \`route()\`.`,
    details: { stage: 'remind', received: 'the string "yes"' },
    cause: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { wanted } = inputs<{ wanted: boolean }>();
const remind = stage('remind', { needs: { wanted }, when: ({ wanted }) => wanted, run: () => 'sent' });
const reminder = pipeline('reminder', { outputs: { remind } });

await reminder.runOrThrow(JSON.parse('{ "wanted": "yes" }'));`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { wanted } = inputs<{ wanted: 'yes' | 'no' }>();
const remind = stage('remind', { needs: { wanted }, when: ({ wanted }) => wanted === 'yes', run: () => 'sent' });
const reminder = pipeline('reminder', { outputs: { remind } });

await reminder.runOrThrow(JSON.parse('{ "wanted": "yes" }'));`,
  },
  SF_GUARD_FAILED: {
    meaning: `A guard could not judge: its \`check\` threw, took too long, or returned something that is no verdict. Guards fail closed, so it blocks, and this error is the \`error\` of the blocked outcome. With \`failOpen\` the subject passes, and the event \`guard.failed_open\` carries the error.`,
    remedy: `Return one of \`pass()\`, \`transform()\`, \`block()\` and \`review()\` on every way through \`check\`. Declare \`failOpen\` only where passing without a verdict is safe.`,
    details: { stage: 'safe', why: 'it returned the boolean true' },
    cause: `
import { guard, inputs, pipeline } from '@stageflow/core';

const { text } = inputs<{ text: string }>();
// @ts-expect-error a boolean is no verdict
const safe = guard('safe', { subject: text, check: ({ subject }) => subject.length < 100 });
const chat = pipeline('chat', { outputs: { safe } });

const run = await chat.run({ text: 'hi' });
throw run.errors[0];`,
    mend: `
import { block, guard, inputs, pass, pipeline } from '@stageflow/core';

const { text } = inputs<{ text: string }>();
const safe = guard('safe', { subject: text, check: ({ subject }) => (subject.length < 100 ? pass() : block('too long')) });
const chat = pipeline('chat', { outputs: { safe } });

await chat.runOrThrow({ text: 'hi' });`,
  },
  SF_RUNTIME_REQUIRED: {
    meaning: `A stage asked for something that its run does not have, such as a store that keeps the question of \`suspend()\` or \`review()\` until somebody answers. A guard that asks for a review blocks nothing and passes nothing: it fails.`,
    remedy: `Run the pipeline on a runtime that provides what the message names, or decide without it.`,
    details: { stage: 'confirm', feature: 'a runtime with a store, which keeps waits' },
    cause: `
import { pipeline, stage, suspend } from '@stageflow/core';

const confirm = stage('confirm', { run: () => suspend({ question: 'Send it?' }) });
const mail = pipeline('mail', { outputs: { confirm } });

await mail.runOrThrow({});`,
    mend: `
import { inputs, pipeline, skip, stage } from '@stageflow/core';

const { confirmed } = inputs<{ confirmed: boolean }>();
const confirm = stage('confirm', { needs: { confirmed }, run: ({ confirmed }) => (confirmed ? 'sent' : skip('not confirmed')) });
const mail = pipeline('mail', { outputs: { confirm } });

await mail.runOrThrow({ confirmed: true });`,
  },
  SF_EXTENSION_INVALID: {
    meaning: `\`context.extension(key, schema)\` found under the run's \`extensions\` a value that the schema refuses, or none. The stage that asked fails with this error as its cause.`,
    remedy: `Give the value under \`extensions\` when the run starts. If the stage can do without, let the schema accept \`undefined\`.`,
    details: { extension: 'tenant', issues: ['Invalid input: expected string, received undefined', 'received undefined'] },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const tenant = stage('tenant', { run: (_, context) => context.extension('tenant', z.string()) });
const chat = pipeline('chat', { outputs: { tenant } });

await chat.runOrThrow({});`,
    mend: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const tenant = stage('tenant', { run: (_, context) => context.extension('tenant', z.string()) });
const chat = pipeline('chat', { outputs: { tenant } });

await chat.runOrThrow({}, { extensions: { tenant: 'acme' } });`,
  },
  SF_CONFIG_INVALID: {
    meaning: `\`context.config(key, schema)\` got from the ConfigProvider a value that the schema refuses, or none. The stage that asked fails with this error as its cause.`,
    remedy: `Set the value where the ConfigProvider reads it, or let the schema give a default.`,
    details: { key: 'model', issues: ['Invalid input: expected string, received undefined', 'received undefined'] },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const model = stage('model', { run: (_, context) => context.config('model', z.string()) });
const chat = pipeline('chat', { outputs: { model } });

await chat.runOrThrow({});`,
    mend: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const model = stage('model', { run: (_, context) => context.config('model', z.string().default('small')) });
const chat = pipeline('chat', { outputs: { model } });

await chat.runOrThrow({});`,
  },
  SF_SCHEMA_ASYNC: {
    meaning: `A schema answered with a promise in a place where the value is needed at once: in \`extension()\`, \`config()\` or \`emit()\`.`,
    remedy: `Use a schema without asynchronous checks there. Contracts of inputs and outputs may be asynchronous.`,
    details: { subject: 'extension "tenant"' },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const known = z.string().refine(async (tenant) => tenant === 'acme');
const tenant = stage('tenant', { run: (_, context) => context.extension('tenant', known) });
const chat = pipeline('chat', { outputs: { tenant } });

await chat.runOrThrow({}, { extensions: { tenant: 'acme' } });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const known = z.string().refine((tenant) => tenant === 'acme');
const tenant = stage('tenant', { run: (_, context) => context.extension('tenant', known) });
const chat = pipeline('chat', { outputs: { tenant } });

await chat.runOrThrow({}, { extensions: { tenant: 'acme' } });`,
  },
  SF_EVENT_INVALID: {
    meaning: `The payload given to \`context.emit()\` breaks the schema that the event was defined with. Nothing was emitted; the stage fails with this error as its cause unless it catches it.`,
    remedy: `Mend the payload, or the schema given to \`defineEvent()\`.`,
    details: { event: 'cart.priced', issues: ['total: Invalid input: expected number, received string', 'received an object with total'] },
    cause: `
import { defineEvent, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const priced = defineEvent('cart.priced', z.object({ total: z.number() }));
const price = stage('price', { run: (_, context) => context.emit(priced, JSON.parse('{ "total": "12" }')) });
const cart = pipeline('cart', { outputs: { price } });

await cart.runOrThrow({});`,
    mend: `
import { defineEvent, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const priced = defineEvent('cart.priced', z.object({ total: z.number() }));
const price = stage('price', { run: (_, context) => context.emit(priced, { total: 12 }) });
const cart = pipeline('cart', { outputs: { price } });

await cart.runOrThrow({});`,
  },
};
