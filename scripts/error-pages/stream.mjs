/** Prose of the codes that appear where chunks are given or read. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const streamErrors = {
  SF_STREAM_UNDECLARED: {
    meaning: `A stage called \`context.emitChunk()\` and does not say \`streams\`. Nobody could read the chunk, so it is thrown at once, whether the call is awaited or not.`,
    remedy: `Add \`streams: true\` to the stage.`,
    details: { stage: 'model' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const model = stage('model', {
  run: async (_, { emitChunk }) => {
    await emitChunk('Hel');
    return 'Hello';
  },
});
const chat = pipeline('chat', { outputs: { model } });

await chat.runOrThrow({});`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async (_, { emitChunk }) => {
    await emitChunk('Hel');
    return 'Hello';
  },
});
const chat = pipeline('chat', { outputs: { model } });

await chat.runOrThrow({});`,
  },
  SF_STREAM_CLOSED: {
    meaning: `Code of a stage gave a chunk after the attempt it belongs to had ended. It was started by the stage and never awaited, or it ignored its signal.`,
    remedy: `Await \`context.emitChunk()\` and everything else the stage starts, and stop when \`context.signal\` aborts.`,
    details: { stage: 'model' },
    cause: `
import { pipeline, stage, type StageContext } from '@stageflow/core';

const kept: StageContext[] = [];
const model = stage('model', { streams: true, run: (_, context) => kept.push(context) });
const chat = pipeline('chat', { outputs: { model } });

await chat.runOrThrow({});
await kept[0]?.emitChunk('Hel');`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async (_, { emitChunk }) => {
    await emitChunk('Hel');
    return 'Hello';
  },
});
const chat = pipeline('chat', { outputs: { model } });

await chat.runOrThrow({});`,
  },
  SF_STREAM_PUT_TIMEOUT: {
    meaning: `A stage waited longer than the \`putTimeoutMs\` of a streamed edge for its reader to take a chunk. The stage that gives the chunks has failed; the reader may hang, or be slow.`,
    remedy: `Let the reader take chunks faster. Where it need not have all, give the edge an \`overflow\` that drops; where it is slow now and then, a larger \`capacity\` or \`putTimeoutMs\`.`,
    details: { stage: 'model', reader: 'speech', putTimeoutMs: 20 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    for (const token of ['Hel', 'lo', '!']) yield token;
  },
});
const speech = stage('speech', {
  needs: { tokens: streamed(model, { capacity: 1, putTimeoutMs: 20 }) },
  run: async (_, { signal }) => delay(5_000, undefined, { signal }),
});
const chat = pipeline('chat', { outputs: { speech } });

await chat.runOrThrow({});`,
    mend: `
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    for (const token of ['Hel', 'lo', '!']) yield token;
  },
});
const speech = stage('speech', {
  needs: { tokens: streamed(model, { capacity: 1, putTimeoutMs: 20 }) },
  run: async ({ tokens }) => {
    let said = '';
    for await (const token of tokens) said += token;
    return said;
  },
});
const chat = pipeline('chat', { outputs: { speech } });

await chat.runOrThrow({});`,
  },
  SF_STREAM_OVERFLOW: {
    meaning: `A stage gave a chunk for which the buffer of a reader had no room, and the streamed edge says \`overflow: 'error'\`. The stage that gives the chunks has failed.`,
    remedy: `Let the reader take chunks faster, raise the \`capacity\` of the edge, or choose \`block\`, the default, under which the producer waits.`,
    details: { stage: 'model', reader: 'speech', capacity: 1 },
    cause: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    for (const token of ['Hel', 'lo', '!']) yield token;
  },
});
const slow = stage('slow', { run: () => delay(5, 'voice') });
const speech = stage('speech', {
  needs: { voice: slow, tokens: streamed(model, { capacity: 1, overflow: 'error' }) },
  run: ({ tokens }) => tokens[Symbol.asyncIterator]().next(),
});
const chat = pipeline('chat', { outputs: { speech } });

await chat.runOrThrow({});`,
    mend: `
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    for (const token of ['Hel', 'lo', '!']) yield token;
  },
});
const slow = stage('slow', { run: () => delay(5, 'voice') });
const speech = stage('speech', {
  needs: { voice: slow, tokens: streamed(model, { capacity: 3, overflow: 'error' }) },
  run: ({ tokens }) => tokens[Symbol.asyncIterator]().next(),
});
const chat = pipeline('chat', { outputs: { speech } });

await chat.runOrThrow({});`,
  },
  SF_STREAM_BROKEN: {
    meaning: `The chunks that a stage reads break off. The stage that gives them failed, and its error is the \`cause\`; or it is tried again after some of its chunks were read, which nobody can unread; or the reader itself goes through them a second time, in one attempt or in the next. What was read before is whole.`,
    remedy: `Where the reader can use what it has, catch this error. Where it should begin anew with the next attempt of its producer, give it a \`retry\` policy. To go through the chunks twice, keep them.`,
    details: { stage: 'model', reader: 'speech', why: '3 of its chunks have been read already' },
    cause: `
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    for (const token of ['Hel', 'lo', '!']) yield token;
  },
});
const speech = stage('speech', {
  needs: { tokens: streamed(model) },
  run: async ({ tokens }) => {
    let count = 0;
    for await (const _ of tokens) count++;
    const said: string[] = [];
    for await (const token of tokens) said.push(token);
    return { count, said };
  },
});
const chat = pipeline('chat', { outputs: { speech } });

await chat.runOrThrow({});`,
    mend: `
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    for (const token of ['Hel', 'lo', '!']) yield token;
  },
});
const speech = stage('speech', {
  needs: { tokens: streamed(model) },
  run: async ({ tokens }) => {
    const said: string[] = [];
    for await (const token of tokens) said.push(token);
    return { count: said.length, said };
  },
});
const chat = pipeline('chat', { outputs: { speech } });

await chat.runOrThrow({});`,
  },
};
