import {
  createRuntime,
  fail,
  isStageflowError,
  memoryRunStore,
  pipeline,
  type RegisteredPipeline,
  type Runtime,
  type Schema,
  StageflowError,
  stage,
  suspend,
  work,
} from '@stageflow/core';
import type { Encoded } from '@stageflow/core/ports';
import { virtualClock } from '@stageflow/testing';
import type { durabilityErrors } from '../src/durable/durability-errors.ts';
import { faultyRunStore } from './faulty-run-store.ts';

type Durable = keyof typeof durabilityErrors;

const yes: Schema<unknown, 'yes'> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (value === 'yes' ? { value } : { issues: [{ message: 'expected "yes"' }] }),
  },
};

const ask = stage('ask', { run: (_, { answer }) => answer(yes) ?? suspend('Send it?') });
const asking = pipeline('chat', { outputs: { ask } });

/** A runtime with a store that can fail. */
function host(made: RegisteredPipeline = asking) {
  const clock = virtualClock();
  const faults = faultyRunStore();
  const runtime = createRuntime({ pipelines: [made], services: {}, store: faults.store, clock, leaseMs: 300 });
  return { ...faults, clock, runtime, begin: () => runtime.run(made, {}, { runId: 'run-1' }) };
}

/** A runtime whose run waits. */
async function resting(): Promise<Runtime> {
  const { runtime, begin } = host();
  await begin();
  return runtime;
}

async function thrownBy(act: () => unknown): Promise<StageflowError> {
  try {
    await act();
  } catch (error) {
    if (isStageflowError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

/** The failure of a run of one stage, or what caused it. */
async function failureOf(made: RegisteredPipeline): Promise<StageflowError> {
  const { clock, begin } = host(made);
  const [error] = (await clock.settle(begin())).errors;
  if (error === undefined) throw new Error('Nothing failed.');
  return isStageflowError(error.cause) ? error.cause : error;
}

/** Ways to bring each code about. */
export const durabilityProvocations: { readonly [C in Durable]: Readonly<Record<string, () => Promise<StageflowError>>> } = {
  SF_NOT_SERIALIZABLE: {
    'an output': () => failureOf(pipeline('chat', { outputs: { it: stage('connect', { run: () => ({ send: () => 1 }) }) } })),
    'a promise in a list': () => failureOf(pipeline('chat', { outputs: { it: stage('rows', { run: () => [Promise.resolve(1)] }) } })),
    'an answer': async () => {
      const runtime = await resting();
      return thrownBy(() => runtime.decide('run-1/ask#answer', () => 1));
    },
  },
  SF_ANSWER_INVALID: {
    'that a schema refuses': async () => {
      const runtime = await resting();
      await runtime.decide('run-1/ask#answer', 'maybe');
      const [error] = (await runtime.resume('run-1')).errors;
      return error?.cause as StageflowError;
    },
  },
  SF_WAIT_EXPIRED: {
    'after its limit': () => {
      const wait = stage('wait', { run: (_, { waitFor }) => waitFor('paid', { schema: yes, timeoutMs: 0 }) });
      return failureOf(pipeline('chat', { outputs: { wait } }));
    },
  },
  SF_WAIT_CLOSED: {
    unknown: async () => {
      const runtime = await resting();
      return thrownBy(() => runtime.decide('run-2/ask#answer', 'yes'));
    },
    'answered twice': async () => {
      const runtime = await resting();
      await runtime.decide('run-1/ask#answer', 'yes');
      return thrownBy(() => runtime.decide('run-1/ask#answer', 'yes'));
    },
  },
  SF_DECISION_REFUSED: {
    'for want of a name': async () => {
      const asks = stage('ask', { run: (_, { answer }) => answer(yes) ?? suspend('Send it?', { mayDecide: ['managers'] }) });
      const { runtime, begin } = host(pipeline('chat', { outputs: { asks } }));
      await begin();
      return thrownBy(() => runtime.decide('run-1/ask#answer', 'yes'));
    },
    'for somebody else': async () => {
      const asks = stage('ask', { run: (_, { answer }) => answer(yes) ?? suspend('Send it?', { mayDecide: ['managers'] }) });
      const { runtime, begin } = host(pipeline('chat', { outputs: { asks } }));
      await begin();
      return thrownBy(() => runtime.decide('run-1/ask#answer', 'yes', { by: { id: 'ann' } }));
    },
  },
  SF_RUN_EXISTS: {
    'at run()': () => {
      const { begin } = host();
      return thrownBy(() => begin().then(begin));
    },
  },
  SF_RUN_UNKNOWN: { 'at resume()': () => thrownBy(() => host().runtime.resume('run-1')) },
  SF_RUN_NOT_RESUMABLE: {
    'as it has ended': async () => {
      const runtime = await resting();
      await runtime.decide('run-1/ask#answer', 'yes');
      await runtime.resume('run-1');
      return thrownBy(() => runtime.resume('run-1'));
    },
  },
  SF_RUN_TAKEN_OVER: {
    'at the next commit': async () => {
      const { store, before, mend, begin } = host();
      before('commit', async () => {
        mend('commit');
        await store.acquire('run-1', { owner: 'other', until: 0, now: Number.MAX_SAFE_INTEGER });
      });
      return thrownBy(begin);
    },
  },
  SF_PLAN_CHANGED: {
    'at resume()': async () => {
      const first = stage('first', { run: () => 1 });
      const begun = host(pipeline('chat', { outputs: { ask, first } }));
      await begun.begin();
      const changed = pipeline('chat', { outputs: { ask, first: stage('first', { version: '2', run: () => 1 }) } });
      return thrownBy(() => createRuntime({ pipelines: [changed], store: begun.store }).resume('run-1'));
    },
  },
  SF_JOURNAL_CORRUPT: {
    'at resume()': async () => {
      const first = stage('first', { run: () => 1 });
      const { store, runtime, begin } = host(pipeline('chat', { outputs: { ask, first } }));
      await begin();
      const { load } = store;
      store.load = async (...which) => {
        const run = await load(...which);
        return run && { ...run, records: run.records.map((record) => ({ ...record, output: '{"$sf":"decimal","value":"1"}' as Encoded })) };
      };
      return thrownBy(() => runtime.resume('run-1'));
    },
  },
  SF_STORE_VERSION: {
    'by a store that finds a later version of itself': () =>
      thrownBy(() => {
        throw new StageflowError('SF_STORE_VERSION', {
          subject: 'The schema "stageflow"',
          version: 9,
          known: 1,
          package: '@stageflow/postgres-store',
        });
      }),
  },
  SF_STORE_FAILED: {
    'at run()': () => {
      const { before, begin } = host();
      before('create', () => {
        throw new Error('the disk is full');
      });
      return thrownBy(begin);
    },
  },
  SF_COMPENSATION_FAILED: {
    'by a throw': async () => {
      const paid = work('pay', {
        run: () => 'paid',
        undo: {
          retry: { attempts: 1 },
          run: () => {
            throw new Error('the bank is closed');
          },
        },
      });
      const ship = stage('ship', { needs: { paid }, run: () => fail('out of stock') });
      const [error] = (await pipeline('chat', { outputs: { ship } }).run({}, { runId: 'run-1' })).undoErrors;
      return error ?? Promise.reject(new Error('Everything was undone.'));
    },
  },
};

/** What an unfinished run is for whoever needs it finished. */
export async function suspendedRun(): Promise<Awaited<ReturnType<Runtime['run']>>> {
  const runtime = createRuntime({ pipelines: [asking], store: memoryRunStore() });
  return runtime.run(asking, {}, { runId: 'run-1' });
}
