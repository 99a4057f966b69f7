// Prose of the codes of driven runs.

/** What each example ends with: a walk of `chat` on a driver in memory, its steps run by the code of `worker`. */
const walked = `
const clock = virtualClock();
const driver = replayingDriver({
  clock,
  runStep: (request, signal) => runStep(worker.plan, request, { signal, clock }),
  loses: ({ attempt }) => (attempt === 1 && losesFirst ? 'the worker is gone' : undefined),
});
const run = await clock.settle(driver.walk((port) => driveRun(chat.plan, {}, port, { runId: 'run-1' })));
if (run?.status === 'failed') throw run.error;`;

const imports = `
import { pipeline, stage } from '@stageflow/core';
import { driveRun, runStep } from '@stageflow/core/driver';
import { replayingDriver, virtualClock } from '@stageflow/testing';
`;

/** @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const stepErrors = {
  SF_STEP_LOST: {
    meaning: `In a driven run, the engine or the worker has no outcome for a step: the process died too often, the call was given up, or what came back cannot be read. Whether the stage has done its work is not known.`,
    remedy: `Give the stage a retry policy. An effect (\`work\`) is tried again only if it has an \`idempotencyKey\`, by which its target can tell that it is the same.`,
    details: { stage: 'ask', reason: 'the worker is gone' },
    cause: `${imports}
const losesFirst = true;
const ask = stage('ask', { run: () => 'yes' });
const chat = pipeline('chat', { outputs: { ask } });
const worker = chat;
${walked}`,
    mend: `${imports}
const losesFirst = true;
const ask = stage('ask', { retry: { attempts: 2 }, run: () => 'yes' });
const chat = pipeline('chat', { outputs: { ask } });
const worker = chat;
${walked}`,
  },
  SF_STEP_REFUSED: {
    meaning: `In a driven run, the place where a stage should run has another version of the pipeline than the place that walks the plan, or got a request that it cannot read. The stage was not called.`,
    remedy: `Let both have the same code. To roll out a new version, let runs that began with the old one end there: engines can keep deployments side by side.`,
    details: { path: 'ask', why: 'the stage has changed' },
    cause: `${imports}
const losesFirst = false;
const chat = pipeline('chat', { outputs: { ask: stage('ask', { version: '1', run: () => 'yes' }) } });
const worker = pipeline('chat', { outputs: { ask: stage('ask', { version: '2', run: () => 'no' }) } });
${walked}`,
    mend: `${imports}
const losesFirst = false;
const chat = pipeline('chat', { outputs: { ask: stage('ask', { version: '2', run: () => 'no' }) } });
const worker = pipeline('chat', { outputs: { ask: stage('ask', { version: '2', run: () => 'no' }) } });
${walked}`,
  },
};
