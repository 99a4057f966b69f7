import {
  createRuntime,
  isStageflowError,
  pipeline,
  type ResourceOption,
  type Run,
  type RuntimeLimits,
  type StageflowError,
  stage,
} from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';

type Limited =
  | 'SF_RESOURCE_UNKNOWN'
  | 'SF_RESOURCE_REFUSED'
  | 'SF_RESOURCE_ORDER'
  | 'SF_RUN_CONFLICT'
  | 'SF_RUN_REFUSED'
  | 'SF_RUN_DEPTH_EXCEEDED'
  | 'SF_PARENT_ENDED';

/** A runtime whose pipeline `chat` asks for these resources, and takes 20 ms. */
function host(resource: ResourceOption | undefined, limits: RuntimeLimits) {
  const clock = virtualClock();
  const ask = stage('ask', { resource, run: (_, { signal }) => clock.sleep(20, signal) });
  const chat = pipeline('chat', { outputs: { ask } });
  const runtime = createRuntime({ pipelines: [chat], clock, limits });
  const start = (runId: string, options: object = {}) => runtime.start(chat, {}, { runId, ...options });
  return { clock, start };
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

/** How the second of two runs failed that start at once. */
async function secondRefused(model: RuntimeLimits['runs'] & object, tenantId?: string): Promise<StageflowError> {
  const { clock, start } = host('model', { resources: { model } });
  const first = start('run-0', { tenantId });
  const run: Run = await clock.settle(start('run-1', { tenantId }).result);
  await clock.settle(first.result);
  return run.errors[0] ?? Promise.reject(new Error(`The run ended ${run.status}.`));
}

async function secondRunRefused(runs: RuntimeLimits['runs'] & object): Promise<StageflowError> {
  const { clock, start } = host(undefined, { runs });
  const first = start('run-0');
  const { result } = start('run-1');
  const refused = thrownBy(() => result);
  await clock.settle(first.result);
  return refused;
}

/** Ways to bring about the codes of limits. */
export const limitProvocations: { readonly [C in Limited]: Readonly<Record<string, () => Promise<StageflowError>>> } = {
  SF_RESOURCE_UNKNOWN: {
    'with a near name': () => thrownBy(() => host('modle', { resources: { model: { capacity: 1 } } })),
    'with none near': () => thrownBy(() => host('model', {})),
  },
  SF_RESOURCE_REFUSED: {
    'by a full queue': () => secondRefused({ capacity: 1, queue: { limit: 0 } }),
    'after a wait, with a key': () => secondRefused({ capacity: 5, perKey: 1, queue: { timeoutMs: 10 } }, 'acme'),
  },
  SF_RESOURCE_ORDER: {
    'by a callee': async () => {
      const inner = stage('inner', { resource: 'db', run: () => 1 });
      const outer = stage('outer', { resource: 'model', run: (_, { call }) => call(inner, {}) });
      const chat = pipeline('chat', { outputs: { outer } });
      const resources = { db: { capacity: 1 }, model: { capacity: 1 } };
      const { errors } = await createRuntime({ pipelines: [chat], limits: { resources } }).run(chat, {}, { runId: 'run-1' });
      return errors.find(({ path }) => path === 'outer/inner') ?? Promise.reject(new Error('The callee did not fail.'));
    },
  },
  SF_RUN_CONFLICT: {
    'with one of its key': async () => {
      const { clock, start } = host(undefined, {});
      const exclusive = { key: 'conversation 7', onConflict: 'reject' };
      const first = start('run-0', { exclusive });
      const refused = thrownBy(() => start('run-1', { exclusive }).result);
      await clock.settle(first.result);
      return refused;
    },
  },
  SF_RUN_REFUSED: {
    'by a full queue': () => secondRunRefused({ capacity: 1, queue: { limit: 0 } }),
    'after a wait': () => secondRunRefused({ capacity: 1, queue: { timeoutMs: 10 } }),
  },
  SF_RUN_DEPTH_EXCEEDED: {
    'by a grandchild': async () => {
      const { clock, start } = host(undefined, { maxRunDepth: 1 });
      const parent = start('run-0');
      const child = start('run-1', { parent });
      const error = await thrownBy(() => start('run-2', { parent: child }));
      await clock.settle(Promise.all([parent.result, child.result]));
      return error;
    },
  },
  SF_PARENT_ENDED: {
    'below a run that is not there': () => thrownBy(() => host(undefined, {}).start('run-1', { parent: 'run-0' })),
    'below a run that stops': async () => {
      const { clock, start } = host(undefined, {});
      const parent = start('run-0');
      parent.cancel('the caller hung up');
      const error = await thrownBy(() => start('run-1', { parent }));
      await clock.settle(parent.result);
      return error;
    },
  },
};
