import { pipeline, type Stage, type StageflowError, stage } from '@stageflow/core';
import { type DrivenSetup, onDriver } from './driven-run.ts';

async function failureOf(ask: Stage, setup: DrivenSetup): Promise<StageflowError> {
  const run = await onDriver(pipeline('chat', { outputs: { ask } }), setup).run();
  return run.status === 'failed' ? run.error : Promise.reject(new Error(`The run ended ${run.status}.`));
}

const ask = stage('ask', { run: () => 1 });

/** Ways to bring about the codes of driven runs. */
export const stepProvocations: Readonly<
  Record<'SF_STEP_LOST' | 'SF_STEP_REFUSED', Readonly<Record<string, () => Promise<StageflowError>>>>
> = {
  SF_STEP_LOST: { 'with its worker': () => failureOf(ask, { loses: () => 'the worker is gone' }) },
  SF_STEP_REFUSED: {
    'by other code': () => {
      const worker = pipeline('chat', { outputs: { ask: stage('ask', { version: '2', run: () => 2 }) } });
      return failureOf(ask, { worker });
    },
  },
};
