import { createRuntime, inputs, memoryRunStore, pipeline, type Schema, type StageContext, stage, suspend } from '@stageflow/core';
import { expect, test } from 'vitest';
import { accepting, aMap } from './plain-schemas.ts';

/** A pipeline of one stage that does this. */
function doing<R>(run: (context: StageContext) => R) {
  return pipeline('doing', { outputs: { it: stage('it', { run: (_, context) => run(context) }) } });
}

test('[22] without options an identity has its run id, empty metadata and nothing else', async () => {
  const { runId, metadata, ...rest } = JSON.parse(JSON.stringify((await doing(() => 1).run({})).identity));

  expect(runId).toMatch(/^[0-9a-f-]{36}$/);
  expect(metadata).toEqual({});
  expect(rest).toEqual({});
});

test('[23] members of the identity are read as they were given', async () => {
  const given = {
    runId: 'r',
    requestId: 'q',
    sessionId: 's',
    interactionId: 'i',
    userId: 'u',
    tenantId: 't',
    correlationId: 'c',
    traceId: 'f'.repeat(32),
    spanId: 'e'.repeat(16),
    parentRunId: 'p',
    service: 'web',
    mode: 'fast',
    metadata: { a: 1 },
  };
  const run = await doing(({ identity }) => Object.keys(given).map((name) => identity[name as keyof typeof given])).runOrThrow({}, given);

  expect(run.outputs.it).toEqual(Object.values(given));
});

test('[24] the identity cannot be reassigned, by a stage or by the caller', async () => {
  const change = (identity: object) => Object.assign(identity, { userId: 'someone else' });
  const run = await doing(({ identity }) => expect(() => change(identity)).toThrow(TypeError)).runOrThrow({}, { userId: 'me' });

  expect(() => change(run.identity)).toThrow(TypeError);
  expect(run.identity.userId).toBe('me');
});

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

test('[27] what a run was given is read back by another process: identity and inputs, times as times', async () => {
  const { messages } = inputs<{ messages: readonly { readonly text: string; readonly at: Date }[] }>();
  const asks = stage('asks', {
    needs: { messages },
    run: ({ messages }, { answer }) => (answer(anything) === undefined ? suspend('?') : messages),
  });
  const chat = pipeline('chat', { outputs: { asks } });
  const store = memoryRunStore();
  const said = [{ text: 'hi', at: new Date(Date.UTC(2025, 0, 1)) }];
  const given = { runId: 'r', userId: 'u', mode: 'fast', metadata: { document: 'd', at: new Date(0) } };
  const begun = await createRuntime({ pipelines: [chat], store }).run(chat, { messages: said }, given);
  const other = createRuntime({ pipelines: [chat], store });
  await other.decide('r/asks#answer', 'yes');
  const run = await other.resume('r');

  expect(run.identity).toEqual(begun.identity);
  expect(run).toMatchObject({ status: 'completed', identity: given, outputs: { asks: said } });
});

test('[28] a run that was given its mode alone goes on in another process as it was', async () => {
  const asks = stage('asks', { run: (_, { answer, identity }) => (answer(anything) === undefined ? suspend('?') : identity.mode) });
  const chat = pipeline('chat', { outputs: { asks } });
  const store = memoryRunStore();
  const { runId } = await createRuntime({ pipelines: [chat], store }).run(chat, {}, { mode: 'fast' });
  const other = createRuntime({ pipelines: [chat], store });
  await other.decide(`${runId}/asks#answer`, 'yes');

  expect(await other.resume(runId)).toMatchObject({ status: 'completed', outputs: { asks: 'fast' } });
});

test('[29] an extension is read through its schema, which refuses a wrong value', async () => {
  class Cart {
    items = 3;
  }
  const aCart = accepting('a cart', (value): value is Cart => value instanceof Cart);
  const reads = doing((context) => context.extension('cart', aCart).items);

  expect((await reads.runOrThrow({}, { extensions: { cart: new Cart() } })).outputs.it).toBe(3);
  await expect(reads.runOrThrow({}, { extensions: { cart: { items: 3 } } })).rejects.toMatchObject({
    code: 'SF_STAGE_FAILED',
    cause: { code: 'SF_EXTENSION_INVALID', details: { extension: 'cart', issues: ['must be a cart', 'received an object with items'] } },
  });
});

test('[30] an extension without a type of its own is a plain map', async () => {
  const run = await doing((context) => context.extension('flags', aMap)).runOrThrow({}, { extensions: { flags: { beta: true } } });

  expect(run.outputs.it).toEqual({ beta: true });
});

test('[31] a stage that changes an input yields a copy, and the input stays as it was', async () => {
  const { order } = inputs<{ order: { id: string; total: number } }>();
  const priced = stage('priced', { needs: { order }, run: ({ order: given }) => ({ ...given, total: 12 }) });
  const given = { id: 'A', total: 0 };
  const run = await pipeline('p', { outputs: { priced } }).runOrThrow({ order: given });

  expect(run.outputs.priced).toEqual({ id: 'A', total: 12 });
  expect(given).toEqual({ id: 'A', total: 0 });
});

test('[32] an identity written as JSON gives the same identity to another run', async () => {
  const given = { requestId: 'q', userId: 'u', tenantId: 't', metadata: { nested: { a: [1] } } };
  const first = await doing(() => 1).run({}, given);
  const written = JSON.parse(JSON.stringify(first.identity));
  const second = await doing(() => 1).run({}, written);

  expect(written).toMatchObject({ ...given, runId: first.runId });
  expect(JSON.stringify(second.identity)).toBe(JSON.stringify(first.identity));
});

test('[33] text in any script and nested metadata arrive unchanged', async () => {
  const words = 'žluťoučký кінь 馬 🐎 \u{1F468}‍\u{1F469}‍\u{1F467} \u0000 "quoted"';
  const { text } = inputs<{ text: string }>();
  const echo = stage('回声', { needs: { text }, run: ({ text: given }, { identity }) => [given, identity.metadata] });
  const run = await pipeline('эхо', { outputs: { echo } }).runOrThrow({ text: words }, { metadata: { deep: { 名: [words] } } });

  expect(run.outputs.echo).toEqual([words, { deep: { 名: [words] } }]);
  expect(run.stages.get('回声')?.status).toBe('completed');
});
