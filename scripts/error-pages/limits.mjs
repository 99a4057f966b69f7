/** Prose of the codes of limits that appear where a runtime is made or a run is started. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const limitErrors = {
  SF_RESOURCE_UNKNOWN: {
    meaning: `A stage names a resource in its option \`resource\` that the runtime was not given. \`createRuntime()\` looks at every stage of its pipelines; a stage that only \`context.call\` reaches fails when it is called.`,
    remedy: `Mend the name, or declare the resource with its capacity under \`limits.resources\`.`,
    details: { stage: 'ask', resource: 'model', nearest: undefined },
    cause: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { resource: 'model', run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

createRuntime({ pipelines: [chat] });`,
    mend: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { resource: 'model', run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });

createRuntime({ pipelines: [chat], limits: { resources: { model: { capacity: 8 } } } });`,
  },
  SF_RUN_CONFLICT: {
    meaning: `A run was started with \`exclusive: { key, onConflict: 'reject' }\` while another of that key had not ended. Nothing of it has run. \`details.other\` is the run that was there first.`,
    remedy: `Tell whoever asked that it is being worked on, or choose another word: \`queue\` waits until the others have ended, \`supersede\` cancels them.`,
    details: { pipeline: 'chat', key: 'conversation 7', other: 'first' },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: () => delay(20, 'Hello') });
const chat = pipeline('chat', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [chat] });

const exclusive = { key: 'conversation 7', onConflict: 'reject' } as const;
await Promise.all([runtime.run(chat, {}, { exclusive, runId: 'first' }), runtime.run(chat, {}, { exclusive })]);`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: () => delay(20, 'Hello') });
const chat = pipeline('chat', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [chat] });

const exclusive = { key: 'conversation 7', onConflict: 'queue' } as const;
export const runs = await Promise.all([runtime.run(chat, {}, { exclusive }), runtime.run(chat, {}, { exclusive })]);`,
  },
  SF_RUN_REFUSED: {
    meaning: `As many runs were under way as \`limits.runs\` lets, and as many waited as may, or this one waited longer than it may. Nothing of it has run. \`details.why\` is \`queue_full\` or \`queue_timeout\`, \`details.limit\` the number that was reached.`,
    remedy: `Pass it on to whoever made the request, as an HTTP 429 or 503: the same call may succeed later. Where the host has room, raise the limits.`,
    details: { pipeline: 'chat', why: 'queue_full', limit: 0 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: () => delay(50, 'Hello') });
const chat = pipeline('chat', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [chat], limits: { runs: { capacity: 1, queue: { limit: 0 } } } });

await Promise.all([runtime.run(chat, {}), runtime.run(chat, {})]);`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: () => delay(50, 'Hello') });
const chat = pipeline('chat', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [chat], limits: { runs: { capacity: 1, queue: { limit: 100, timeoutMs: 5_000 } } } });

await Promise.all([runtime.run(chat, {}), runtime.run(chat, {})]);`,
  },
  SF_RUN_DEPTH_EXCEEDED: {
    meaning: `A run was started below another that stands as deep as runs may: by default five runs stand above it. It keeps a pipeline that starts itself from going on for ever.`,
    remedy: `Look for such a pipeline. Where the depth is meant, raise \`limits.maxRunDepth\`.`,
    details: { pipeline: 'again', parentRunId: 'second', maxDepth: 1 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const rest = stage('rest', { run: () => delay(50) });
const again = pipeline('again', { outputs: { rest } });
const runtime = createRuntime({ pipelines: [again], limits: { maxRunDepth: 1 } });

const first = runtime.start(again, {}, { runId: 'first' });
const second = runtime.start(again, {}, { runId: 'second', parent: first });
runtime.start(again, {}, { runId: 'third', parent: second });`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const rest = stage('rest', { run: () => delay(50) });
const again = pipeline('again', { outputs: { rest } });
const runtime = createRuntime({ pipelines: [again], limits: { maxRunDepth: 2 } });

const first = runtime.start(again, {}, { runId: 'first' });
const second = runtime.start(again, {}, { runId: 'second', parent: first });
runtime.start(again, {}, { runId: 'third', parent: second });`,
  },
  SF_PARENT_ENDED: {
    meaning: `A run was to be started below another that does not carry it: it has ended, it is stopping, or this runtime does not know it. Work below a run that was cancelled would go on although nobody wants it any more.`,
    remedy: `Start the child while its parent is under way, and let a stage that starts one obey its signal. To record only where a run comes from, also across processes, give \`parentRunId\` in place of \`parent\`.`,
    details: { pipeline: 'chat', parentRunId: 'yesterday', why: 'it is not under way in this runtime' },
    cause: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [chat] });

await runtime.run(chat, {}, { parent: 'yesterday' });`,
    mend: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [chat] });

await runtime.run(chat, {}, { parentRunId: 'yesterday' });`,
  },
};

/** Prose of the codes of limits that appear in a stage. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const resourceErrors = {
  SF_RESOURCE_REFUSED: {
    meaning: `An attempt could not have a slot of a resource it names: as many waited as may (\`queue_full\`), or it waited longer than it may (\`queue_timeout\`). The function was not called. It counts as an attempt that failed, so a stage with a retry policy is tried again.`,
    remedy: `Give the stage a retry policy, raise the limits of the queue, or handle the failure: \`onFailure: 'skip'\`, a fallback. A priority decides who waits longer.`,
    details: { stage: 'ask', resource: 'model', key: undefined, why: 'queue_full', limit: 0 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { resource: 'model', run: () => delay(50, 'Hello') });
const sum = stage('sum', { resource: 'model', run: () => delay(50, 'A sum') });
const chat = pipeline('chat', { outputs: { sum, ask } });
const runtime = createRuntime({ pipelines: [chat], limits: { resources: { model: { capacity: 1, queue: { limit: 0 } } } } });

const run = await runtime.run(chat, {});
if (run.status === 'failed') throw run.error;`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { createRuntime, pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { resource: 'model', run: () => delay(50, 'Hello') });
const sum = stage('sum', { resource: 'model', run: () => delay(50, 'A sum') });
const chat = pipeline('chat', { outputs: { sum, ask } });
const runtime = createRuntime({ pipelines: [chat], limits: { resources: { model: { capacity: 1, queue: { timeoutMs: 5_000 } } } } });

const run = await runtime.run(chat, {});
if (run.status === 'failed') throw run.error;`,
  },
  SF_RESOURCE_ORDER: {
    meaning: `Resources are taken in the order in which the runtime declares them, so that no two stages wait for each other. This stage was called by one that holds a later resource, and needs an earlier one: another stage could hold that and wait for the later one.`,
    remedy: `Declare the resource of the callee before that of the caller, or let the caller name both; its callees then use its slots.`,
    details: { stage: 'look up', resource: 'database', held: 'model' },
    cause: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const lookUp = stage('look up', { resource: 'database', run: () => 'sunny' });
const agent = stage('agent', { resource: 'model', run: (_, { call }) => call(lookUp, {}) });
const chat = pipeline('chat', { outputs: { agent } });
const runtime = createRuntime({ pipelines: [chat], limits: { resources: { database: { capacity: 4 }, model: { capacity: 8 } } } });

const run = await runtime.run(chat, {});
throw run.errors.find(({ code }) => code === 'SF_RESOURCE_ORDER');`,
    mend: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const lookUp = stage('look up', { resource: 'database', run: () => 'sunny' });
const agent = stage('agent', { resource: 'model', run: (_, { call }) => call(lookUp, {}) });
const chat = pipeline('chat', { outputs: { agent } });
const runtime = createRuntime({ pipelines: [chat], limits: { resources: { model: { capacity: 8 }, database: { capacity: 4 } } } });

const run = await runtime.run(chat, {});
if (run.status === 'failed') throw run.error;`,
  },
};
