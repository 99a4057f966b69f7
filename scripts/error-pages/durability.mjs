// Prose of the codes that have to do with a store: what is kept, what is waited for, who goes on.

/** What each example begins with: a pipeline that asks, and a runtime that keeps its runs. */
const asking = `
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';
import { z } from 'zod';

const ask = stage('ask', {
  run: (_, { answer }) => answer(z.object({ approved: z.boolean() })) ?? suspend('Send it?'),
});
const mail = pipeline('mail', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [mail], store: memoryRunStore() });
`;

/** In a stage. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const waitErrors = {
  SF_NOT_SERIALIZABLE: {
    meaning: `Something that a store must keep is no plain data: what a stage yields or asks, an input, an answer, the metadata of a run. Kept are JSON's values, \`undefined\`, special numbers, BigInt, dates, maps, sets, bytes and errors. Functions, symbols, instances of classes and circles are not.`,
    remedy: `Yield data. Clients and connections are services, which are never kept; a class becomes the data to make it from.`,
    details: { stage: 'connect', at: 'value.send', received: 'a function' },
    cause: `
import { createRuntime, memoryRunStore, pipeline, stage } from '@stageflow/core';

const connect = stage('connect', { run: () => ({ send: (text: string) => text.length }) });
const mail = pipeline('mail', { outputs: { connect } });
const runtime = createRuntime({ pipelines: [mail], store: memoryRunStore() });

const run = await runtime.run(mail, {});
if (run.status === 'failed') throw run.error;`,
    mend: `
import { createRuntime, memoryRunStore, pipeline, services, stage } from '@stageflow/core';

const { connection } = services<{ connection: { send(text: string): number } }>();
const greet = stage('greet', { needs: { connection }, run: ({ connection }) => connection.send('Hello') });
const mail = pipeline('mail', { outputs: { greet } });
const connected = { send: (text: string) => text.length };
const runtime = createRuntime({ pipelines: [mail], store: memoryRunStore(), services: { connection: connected } });

const run = await runtime.run(mail, {});
if (run.status === 'failed') throw run.error;`,
  },
  SF_ANSWER_INVALID: {
    meaning: `What came as the answer to a wait is not what the stage reads: its schema refused it, a review was decided with something other than \`{ approved, reason? }\`, or the stage suspended again although it had its answer. An answer counts once, so the stage has failed.`,
    remedy: `Check answers where they are given, with the schema that the stage uses.`,
    details: {
      stage: 'ask',
      wait: 'answer',
      issues: ['approved: Invalid input: expected boolean, received string', 'received an object with approved'],
    },
    cause: `${asking}
const { runId } = await runtime.run(mail, {});
const [wait] = await runtime.waits({ runId });
await runtime.decide(wait?.waitId ?? '', { approved: 'yes' });

const run = await runtime.resume(runId);
if (run.status === 'failed') throw run.error;`,
    mend: `${asking}
const { runId } = await runtime.run(mail, {});
const [wait] = await runtime.waits({ runId });
await runtime.decide(wait?.waitId ?? '', { approved: true });

const run = await runtime.resume(runId);
if (run.status === 'failed') throw run.error;`,
  },
  SF_WAIT_EXPIRED: {
    meaning: `A stage waited with \`waitFor(type, { timeoutMs })\`, and nothing came in time. The limit counts from the first time it was waited for, over suspensions. Where the run rests, nobody is told when the limit passes: it is found when the run is resumed.`,
    remedy: `Catch it where there is another way to go on, or give the wait more time.`,
    details: { stage: 'pay', wait: 'paid' },
    cause: `
import { createRuntime, memoryRunStore, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const pay = stage('pay', { run: (_, { waitFor }) => waitFor('paid', { schema: z.number(), timeoutMs: 0 }) });
const order = pipeline('order', { outputs: { pay } });
const runtime = createRuntime({ pipelines: [order], store: memoryRunStore() });

const run = await runtime.run(order, {});
if (run.status === 'failed') throw run.error;`,
    mend: `
import { createRuntime, isStageflowError, memoryRunStore, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const pay = stage('pay', {
  run: (_, { waitFor }) =>
    waitFor('paid', { schema: z.number(), timeoutMs: 0 }).catch((error) => {
      if (isStageflowError(error, 'SF_WAIT_EXPIRED')) return 0;
      throw error;
    }),
});
const order = pipeline('order', { outputs: { pay } });
const runtime = createRuntime({ pipelines: [order], store: memoryRunStore() });

const run = await runtime.run(order, {});
if (run.status === 'failed') throw run.error;`,
  },
};

/** At the verbs of a runtime that has a store. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const storeErrors = {
  SF_WAIT_CLOSED: {
    meaning: `A wait takes no answer: it has been answered, its run has ended, there is none of that id for this tenant, or more answers came early than are kept. Each wait is answered once; the first answer counts.`,
    remedy: `Show people what is open, from \`runtime.waits()\`, and take this error as news that somebody else was first.`,
    details: { waitId: 'order-7/ask#answer', why: 'it has been answered' },
    cause: `${asking}
await runtime.run(mail, {}, { runId: 'order-7' });

await runtime.decide('order-7/ask#answer', { approved: true });
await runtime.decide('order-7/ask#answer', { approved: false });`,
    mend: `${asking}
await runtime.run(mail, {}, { runId: 'order-7' });

await runtime.decide('order-7/ask#answer', { approved: true });`,
  },
  SF_DECISION_REFUSED: {
    meaning: `A wait says who may decide (\`mayDecide\`) or asks several people (\`quorum\`), and this answer does not count: nobody was named, somebody else was, or whoever was has given an answer already. Nothing was kept of it; the wait stays open.`,
    remedy: `Hand on who decides, as your host has made sure of it: \`decide(waitId, answer, { by: { id, roles } })\`. \`runtime.waits()\` says who may, and who has.`,
    details: { waitId: 'r/ask#answer', by: undefined, why: 'it says who may decide' },
    cause: `
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';
import { z } from 'zod';

const ask = stage('ask', {
  run: (_, { answer }) => answer(z.string()) ?? suspend('Send it?', { mayDecide: ['managers'] }),
});
const mail = pipeline('mail', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [mail], store: memoryRunStore() });
await runtime.run(mail, {}, { runId: 'r' });

await runtime.decide('r/ask#answer', 'yes');`,
    mend: `
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';
import { z } from 'zod';

const ask = stage('ask', {
  run: (_, { answer }) => answer(z.string()) ?? suspend('Send it?', { mayDecide: ['managers'] }),
});
const mail = pipeline('mail', { outputs: { ask } });
const runtime = createRuntime({ pipelines: [mail], store: memoryRunStore() });
await runtime.run(mail, {}, { runId: 'r' });

await runtime.decide('r/ask#answer', 'yes', { by: { id: 'ann', roles: ['managers'] } });`,
  },
  SF_RUN_EXISTS: {
    meaning: `A run was started with the id of one that the store has, whichever tenant and status that is of. Nothing has run.`,
    remedy: `Resume the run that is kept; or let the runtime make the ids.`,
    details: { runId: 'order-7' },
    cause: `${asking}
await runtime.run(mail, {}, { runId: 'order-7' });
await runtime.run(mail, {}, { runId: 'order-7' });`,
    mend: `${asking}
await runtime.run(mail, {}, { runId: 'order-7' });
await runtime.resume('order-7');`,
  },
  SF_RUN_UNKNOWN: {
    meaning: `The store has no run of this id that belongs to this tenant. Runs of other tenants are unknown, too, so that nobody learns of them.`,
    remedy: `Check the id, and pass the tenant that the run was started for as \`tenantId\`.`,
    details: { runId: 'order-7' },
    cause: `${asking}
await runtime.run(mail, {}, { runId: 'order-7', tenantId: 'acme' });
await runtime.resume('order-7');`,
    mend: `${asking}
await runtime.run(mail, {}, { runId: 'order-7', tenantId: 'acme' });
await runtime.resume('order-7', { tenantId: 'acme' });`,
  },
  SF_RUN_NOT_RESUMABLE: {
    meaning: `The run has ended, or another process goes on with it: the lease of that process has not run out. One that was killed holds its runs for \`leaseMs\` after its last sign.`,
    remedy: `Where it is held, try again after \`leaseMs\`. Where it has ended, read its result.`,
    details: { runId: 'order-7', why: 'it has ended as completed' },
    cause: `${asking}
await runtime.run(mail, {}, { runId: 'order-7' });
await runtime.decide('order-7/ask#answer', { approved: true });
await runtime.resume('order-7');

await runtime.resume('order-7');`,
    mend: `${asking}
await runtime.run(mail, {}, { runId: 'order-7' });
await runtime.decide('order-7/ask#answer', { approved: true });

await runtime.resume('order-7');`,
  },
  SF_RUN_TAKEN_OVER: {
    meaning: `This process was so slow, or so long away from the store, that its lease ran out and another has gone on with the run. The store refuses what this activation adds, no effect of it begins any more, and \`run()\` rejects. The run itself is well: it goes on there.`,
    remedy: `Nothing is to be mended in the run. Raise \`leaseMs\` where processes are merely slow: pauses of the host, long synchronous work.`,
    details: { runId: 'order-7', epoch: 1 },
    cause: `
import { createRuntime, memoryRunStore, pipeline, stage } from '@stageflow/core';

const store = memoryRunStore();
const greet = stage('greet', {
  async run() {
    // Another process takes the run, whose lease is over by its clock.
    await store.acquire('order-7', { owner: 'another process', until: Infinity, now: Infinity });
    return 'Hello';
  },
});
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [welcome], store });

await runtime.run(welcome, {}, { runId: 'order-7' });`,
    mend: `
import { createRuntime, memoryRunStore, pipeline, stage } from '@stageflow/core';

const store = memoryRunStore();
const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [welcome], store, leaseMs: 60_000 });

await runtime.run(welcome, {}, { runId: 'order-7' });`,
  },
  SF_PLAN_CHANGED: {
    meaning: `Stages of which the run has kept how they ended are not in the pipeline any more, or are not what they were: their name, kind, needs, gate, contract or \`version\` differ. What was kept might mean something else now, so the run is left as it is.`,
    remedy: `Resume it with the code that began it. Where the change does not matter for runs under way, pass \`compatible: true\`. Functions, limits and retries may change freely.`,
    details: { pipeline: 'mail', runId: 'order-7', paths: ['draft'] },
    cause: `
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';

const store = memoryRunStore();
const ask = stage('ask', { run: () => suspend('Send it?') });
const before = pipeline('mail', { outputs: { ask, draft: stage('draft', { run: () => 'Hello' }) } });
await createRuntime({ pipelines: [before], store }).run(before, {}, { runId: 'order-7' });

const after = pipeline('mail', { outputs: { ask, draft: stage('draft', { version: '2', run: () => ['Hello'] }) } });
await createRuntime({ pipelines: [after], store }).resume('order-7');`,
    mend: `
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';

const store = memoryRunStore();
const ask = stage('ask', { run: () => suspend('Send it?') });
const before = pipeline('mail', { outputs: { ask, draft: stage('draft', { run: () => 'Hello' }) } });
await createRuntime({ pipelines: [before], store }).run(before, {}, { runId: 'order-7' });

const after = pipeline('mail', { outputs: { ask, draft: stage('draft', { version: '2', run: () => ['Hello'] }) } });
await createRuntime({ pipelines: [after], store }).resume('order-7', { compatible: true });`,
  },
  SF_JOURNAL_CORRUPT: {
    meaning: `Something that the store has of the run cannot be read: a row that is no JSON or has been cut off, a value with a tag or a record with a status that this version does not know. Going on without it would call what has ended once more, so nothing was called and the run is left as it is. \`details.at\` says which part, \`path\` which stage, where that is known.`,
    remedy: `Where a later version of Stageflow wrote it, go on with that one. Else restore the row from a backup. A run that cannot be restored can be begun anew; see what its effects had done before.`,
    details: { runId: 'order-7', at: 'the record of "draft"', why: 'a value has been cut off or changed, or a later version wrote it' },
    cause: `
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';
import type { Encoded } from '@stageflow/core/ports';

const ask = stage('ask', { run: () => suspend('Send it?') });
const mail = pipeline('mail', { outputs: { ask, draft: stage('draft', { run: () => 'Hello' }) } });
const store = memoryRunStore();
const runtime = createRuntime({ pipelines: [mail], store });
await runtime.run(mail, {}, { runId: 'order-7' });

// In the place of a disk that lost the end of it.
const kept = await store.load('order-7', undefined);
const records = kept?.records.map((record) => ({ ...record, output: '"Hel' as Encoded })) ?? [];
store.load = async () => kept && { ...kept, records };
await runtime.resume('order-7');`,
    mend: `
import { createRuntime, memoryRunStore, pipeline, stage, suspend } from '@stageflow/core';

const ask = stage('ask', { run: () => suspend('Send it?') });
const mail = pipeline('mail', { outputs: { ask, draft: stage('draft', { run: () => 'Hello' }) } });
const store = memoryRunStore();
const runtime = createRuntime({ pipelines: [mail], store });
await runtime.run(mail, {}, { runId: 'order-7' });

await runtime.resume('order-7');`,
  },
  SF_STORE_VERSION: {
    meaning: `The tables of a store were made by a later version of its package than this process has. What it would write might not be what the later one reads, so it was not opened and nothing was changed.`,
    remedy: `Update the package in this process, too. While several versions are at work at once, migrate when all of them know the new tables.`,
    details: { subject: 'The file', version: 99, known: 4, package: '@stageflow/sqlite-store' },
    cause: `
import { DatabaseSync } from 'node:sqlite';
import { sqliteRunStore } from '@stageflow/sqlite-store';

const database = new DatabaseSync(':memory:');
database.exec('PRAGMA user_version = 99'); // as a later version would
sqliteRunStore({ database });`,
    mend: `
import { DatabaseSync } from 'node:sqlite';
import { sqliteRunStore } from '@stageflow/sqlite-store';

const database = new DatabaseSync(':memory:');
sqliteRunStore({ database });`,
  },
  SF_STORE_FAILED: {
    meaning: `The store threw. Where that was at \`create\`, nothing has run. Later, the activation stops: no effect begins of which the store does not know, and \`run()\` rejects. What was kept before is kept, and the run is still \`running\` there.`,
    remedy: `Mend the store: \`cause\` says what it threw. Then resume the run once its lease has run out.`,
    details: { store: 'memory', why: 'the disk is full' },
    cause: `
import { createRuntime, memoryRunStore, pipeline, stage } from '@stageflow/core';

const store = memoryRunStore();
store.create = () => Promise.reject(new Error('the disk is full'));
const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [welcome], store });

await runtime.run(welcome, {});`,
    mend: `
import { createRuntime, memoryRunStore, pipeline, stage } from '@stageflow/core';

const store = memoryRunStore();
const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [welcome], store });

await runtime.run(welcome, {});`,
  },
};

/** In a run as a whole. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const suspensionErrors = {
  SF_RUN_SUSPENDED: {
    meaning: `The run waits for answers from outside, and whoever called needs it completed. \`run()\` resolves with \`status: 'suspended'\` and \`run.waits\`; it is no failure there.`,
    remedy: `Use \`run()\` where waiting is expected: answer with \`runtime.decide()\`, and go on with \`runtime.resume()\`.`,
    details: { waits: ['order-7/ask#answer'] },
    cause: `${asking}
import { StageflowError } from '@stageflow/core';

const run = await runtime.run(mail, {}, { runId: 'order-7' });
if (run.status === 'suspended') throw new StageflowError('SF_RUN_SUSPENDED', { waits: run.waits.map(({ waitId }) => waitId) });`,
    mend: `${asking}
import { StageflowError } from '@stageflow/core';

await runtime.run(mail, {}, { runId: 'order-7' });
await runtime.decide('order-7/ask#answer', { approved: true });
const run = await runtime.resume('order-7');
if (run.status === 'suspended') throw new StageflowError('SF_RUN_SUSPENDED', { waits: run.waits.map(({ waitId }) => waitId) });`,
  },
};
