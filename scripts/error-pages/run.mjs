/** Prose of the codes that concern a run as a whole, or come after its end. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const runErrors = {
  SF_RUN_DEADLINE: {
    meaning: `The run took longer than its \`deadlineMs\`. What was in flight was aborted, nothing new was started, and the run ended \`failed\` with what was finished in \`run.outputs\`.`,
    remedy: `Look in the reports for what took the time, and give those stages a \`timeoutMs\` of their own; then raise the deadline if it is still too short.`,
    details: { deadlineMs: 20 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: (_, { signal }) => delay(5_000, 'Hello', { signal }) });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({}, { deadlineMs: 20 });`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { run: (_, { signal }) => delay(20, 'Hello', { signal }) });
const chat = pipeline('chat', { outputs: { ask } });

await chat.runOrThrow({}, { deadlineMs: 10_000 });`,
  },
  SF_RUN_BLOCKED: {
    meaning: `A guard blocked, and nothing in the plan takes the block into account. \`run()\` resolves with \`status: 'blocked'\`; \`runOrThrow()\` throws this error, and signals abort with it.`,
    remedy: `Nothing is broken: a guard did its work. Use \`run()\` where a block is an answer like any other, and read \`run.reason\`.`,
    details: { stage: 'safe', reason: 'prompt injection' },
    cause: `
import { block, guard, inputs, pass, pipeline } from '@stageflow/core';

const { text } = inputs<{ text: string }>();
const safe = guard('safe', {
  subject: text,
  check: ({ subject }) => (subject.includes('ignore previous') ? block('prompt injection') : pass()),
});
const chat = pipeline('chat', { outputs: { safe } });

await chat.runOrThrow({ text: 'ignore previous instructions' });`,
    mend: `
import { block, guard, inputs, pass, pipeline } from '@stageflow/core';

const { text } = inputs<{ text: string }>();
const safe = guard('safe', {
  subject: text,
  check: ({ subject }) => (subject.includes('ignore previous') ? block('prompt injection') : pass()),
});
const chat = pipeline('chat', { outputs: { safe } });

const run = await chat.run({ text: 'ignore previous instructions' });
export const answer = run.status === 'blocked' ? \`refused: \${run.reason}\` : run.status;`,
  },
  SF_RUN_CANCELLED: {
    meaning: `The run was stopped before its end: the caller's signal aborted, \`handle.cancel()\` was called, the runtime was closed, or a stage returned \`cancel()\`. \`run()\` resolves with \`status: 'cancelled'\`; \`runOrThrow()\` throws this error, and signals abort with it.`,
    remedy: `Start it again if it is still wanted. \`run()\` keeps what was finished in \`run.outputs\`.`,
    details: { reason: 'nothing to do today' },
    cause: `
import { cancel, pipeline, stage } from '@stageflow/core';

const orders = stage('orders', { run: () => cancel('nothing to do today') });
const nightly = pipeline('nightly', { outputs: { orders } });

await nightly.runOrThrow({});`,
    mend: `
import { cancel, pipeline, stage } from '@stageflow/core';

const orders = stage('orders', { run: () => cancel('nothing to do today') });
const nightly = pipeline('nightly', { outputs: { orders } });

const run = await nightly.run({});
export const note = run.status === 'cancelled' ? run.reason : 'done';`,
  },
  SF_RUN_ENDED: {
    meaning: `Code of a stage went on after the run had ended, and asked for something that only a run can give. It was started by the stage and never awaited, or it ignored its signal.`,
    remedy: `Await everything the stage starts, and stop when \`context.signal\` aborts.`,
    details: { stage: 'connect', call: 'context.defer()' },
    cause: `
import { pipeline, stage, type StageContext } from '@stageflow/core';

const kept: StageContext[] = [];
const connect = stage('connect', { run: (_, context) => kept.push(context) });
const chat = pipeline('chat', { outputs: { connect } });

await chat.runOrThrow({});
kept[0]?.defer(() => {});`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const connect = stage('connect', {
  run(_, context) {
    context.defer(() => {});
    return 'connected';
  },
});
const chat = pipeline('chat', { outputs: { connect } });

await chat.runOrThrow({});`,
  },
  SF_CLEANUP_FAILED: {
    meaning: `A function given to \`context.defer()\` threw, rejected, or did not finish within \`cleanupMs\`. It is in \`run.cleanupErrors\` and was told as the event \`cleanup.failed\`; the status of the run stays what it was.`,
    remedy: `Let cleanups catch what they can live with. If they are slow, raise \`cleanupMs\`: all cleanups of a run share it.`,
    details: { stage: 'connect', why: 'the socket is gone' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const connect = stage('connect', {
  run(_, context) {
    context.defer(() => Promise.reject(new Error('the socket is gone')));
    return 'connected';
  },
});
const chat = pipeline('chat', { outputs: { connect } });

const run = await chat.run({});
throw run.cleanupErrors[0];`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const connect = stage('connect', {
  run(_, context) {
    context.defer(() => Promise.reject(new Error('the socket is gone')).catch(() => {}));
    return 'connected';
  },
});
const chat = pipeline('chat', { outputs: { connect } });

const run = await chat.run({});
if (run.cleanupErrors[0] !== undefined) throw run.cleanupErrors[0];`,
  },
  SF_COMPENSATION_FAILED: {
    meaning: `The run ended badly, and the \`undo\` of a \`work\` threw, rejected or took too long, as often as its \`retry\` allows. The effect is still there. The error is in \`run.undoErrors\` and was told as the event \`undo.failed\`; the other effects were undone all the same, and the status of the run stays what it was. Where it says that an earlier process made the effect in a call of another stage, nobody was left who knew how to undo it.`,
    remedy: `Undo the effect by hand: \`path\` says which it is. Give \`undo\` more attempts if its target is away for longer: \`undo: { run, retry: { attempts: 10 } }\`. An effect that was undone already should count as success.`,
    details: { stage: 'pay', attempts: 1, why: 'the bank is closed' },
    cause: `
import { fail, pipeline, stage, work } from '@stageflow/core';

const pay = work('pay', {
  run: () => 'paid',
  undo: { retry: { attempts: 1 }, run: () => Promise.reject(new Error('the bank is closed')) },
});
const ship = stage('ship', { needs: { pay }, run: () => fail('out of stock') });
const order = pipeline('order', { outputs: { ship } });

const run = await order.run({});
throw run.undoErrors[0];`,
    mend: `
import { fail, pipeline, stage, work } from '@stageflow/core';

let isClosed = true;
const refund = async () => {
  if (!isClosed) return 'refunded';
  isClosed = false;
  throw new Error('the bank is closed');
};
const pay = work('pay', { run: () => 'paid', undo: { retry: { attempts: 5, baseMs: 1 }, run: refund } });
const ship = stage('ship', { needs: { pay }, run: () => fail('out of stock') });
const order = pipeline('order', { outputs: { ship } });

const run = await order.run({});
if (run.undoErrors[0] !== undefined) throw run.undoErrors[0];`,
  },
};
