import { cached, createRuntime, type Interceptor, inputs, pipeline, stage } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { expect, test, vi } from 'vitest';

const { text } = inputs<{ text: string }>();

/** A pipeline of one stage that counts its calls. */
function counted() {
  const called = vi.fn(() => 'made');
  const answer = stage('answer', { kind: 'agent', needs: { text }, run: called });
  return { called, chat: pipeline('chat', { outputs: { answer } }) };
}

const denying: Interceptor = { name: 'quota', stage: () => Promise.reject(new Error('the quota is spent')) };

/** Writes down when it begins and ends. */
function noting(name: string, notes: string[]): Interceptor {
  return {
    name,
    stage: async (_, next) => {
      notes.push(`${name} before`);
      const outcome = await next();
      notes.push(`${name} after`);
      return outcome;
    },
  };
}

test('[86] interceptors of the runtime and of the run are those used, and no others', async () => {
  const notes: string[] = [];
  const { chat } = counted();
  const runtime = createRuntime({ pipelines: [chat], interceptors: [noting('a', notes)] });

  await runtime.run(chat, { text: 'hi' }, { interceptors: [noting('b', notes)] });

  expect(notes).toEqual(['a before', 'b before', 'b after', 'a after']);
});

test('[104] an interceptor is told the name and the kind of a stage before it runs', async () => {
  const told: string[] = [];
  const { chat, called } = counted();
  const tell: Interceptor = {
    name: 'tell',
    stage: ({ stage, kind }, next) => {
      told.push(`${stage}, ${kind}, called ${called.mock.calls.length} times`);
      return next();
    },
  };

  await chat.run({ text: 'hi' }, { interceptors: [tell] });

  expect(told).toEqual(['answer, agent, called 0 times']);
});

test('[105] [D5] an interceptor that denies keeps the stage from running, and fails it', async () => {
  const { chat, called } = counted();

  const run = await chat.run({ text: 'hi' }, { interceptors: [denying] });

  expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_INTERCEPTOR_FAILED', details: { interceptor: 'quota' } } });
  expect(called).not.toHaveBeenCalled();
  expect((await chat.run({ text: 'hi' })).status).toBe('completed');
});

test('[107] an interceptor runs once before and once after a stage', async () => {
  const notes: string[] = [];
  const { chat } = counted();

  await chat.run({ text: 'hi' }, { interceptors: [noting('it', notes)] });

  expect(notes).toEqual(['it before', 'it after']);
});

test('[108] [132] an interceptor can answer in place of the stage: the answer is its output, without an error', async () => {
  const { chat, called } = counted();

  const run = await chat.run({ text: 'hi' }, { interceptors: [{ name: 'memo', stage: async () => cached('known') }] });

  expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'known' }, errors: [] });
  expect(run.stages.get('answer')).toMatchObject({ status: 'completed', cached: true });
  expect(called).not.toHaveBeenCalled();
});

test('[131] interceptors nest in the order of the list, the first outermost', async () => {
  const notes: string[] = [];
  const { chat } = counted();

  await chat.run({ text: 'hi' }, { interceptors: ['a', 'b', 'c'].map((name) => noting(name, notes)) });

  expect(notes).toEqual(['a before', 'b before', 'c before', 'c after', 'b after', 'a after']);
});

test('[133] [D5] an interceptor that throws, before the stage or after it, fails the stage and the run', async () => {
  const { chat, called } = counted();
  const after: Interceptor = {
    name: 'audit',
    stage: async (_, next) => {
      await next();
      throw new Error('the audit is down');
    },
  };

  const run = await chat.run({ text: 'hi' }, { interceptors: [after] });

  expect(run).toMatchObject({ status: 'failed', outputs: {}, error: { code: 'SF_INTERCEPTOR_FAILED' } });
  expect(called).toHaveBeenCalledTimes(1);
});

test('[137] an interceptor sees what the stage reads and the identity of the run; what it notes is its own', async () => {
  const seen: unknown[] = [];
  const { chat } = counted();
  const look: Interceptor = {
    name: 'look',
    stage: ({ values, identity, pipeline, path }, next) => {
      seen.push({ values, user: identity.userId, pipeline, path });
      return next();
    },
  };

  const run = await chat.run({ text: 'hi' }, { interceptors: [look], userId: 'ada' });

  expect(seen).toEqual([{ values: { text: 'hi' }, user: 'ada', pipeline: 'chat', path: 'answer' }]);
  expect(run).toMatchObject({ outputs: { answer: 'made' } });
});

test('[138] an answer without a result is no answer: the stage fails', async () => {
  const { chat, called } = counted();

  const run = await chat.run({ text: 'hi' }, { interceptors: [{ name: 'silent', stage: (async () => {}) as never }] });

  expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_INTERCEPTOR_INVALID' } });
  expect(called).not.toHaveBeenCalled();
});

test('[D17] an empty list of interceptors means none', async () => {
  const sink = recordingSink();
  const { chat, called } = counted();
  const runtime = createRuntime({ pipelines: [chat], interceptors: [], sinks: [sink] });

  expect(await runtime.run(chat, { text: 'hi' }, { interceptors: [] })).toMatchObject({ status: 'completed', outputs: { answer: 'made' } });
  expect(called).toHaveBeenCalledTimes(1);
  expect(sink.of('stage.completed').some(({ cached }) => cached === true)).toBe(false);
});
