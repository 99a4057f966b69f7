/** Prose of the codes that appear where a runtime is made or a run is started. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const startErrors = {
  SF_INPUT_INVALID: {
    meaning: `A value given to \`run()\` was refused by the schema of its input. All inputs are checked before anything runs; the message names each that was refused.`,
    remedy: `Mend the value, or the schema. \`details.inputs\` has the complaints by input, each as \`path: message\`, for an answer to whoever made the request.`,
    details: { inputs: [{ input: 'text', issues: ['Invalid input: expected string, received number', 'received the number 7'] }] },
    cause: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const { text } = inputs({ text: z.string() });
const shout = stage('shout', { needs: { text }, run: ({ text }) => text.toUpperCase() });
const shouting = pipeline('shouting', { outputs: { shout } });
const body = JSON.parse('{ "text": 7 }');

await shouting.run(body);`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const { text } = inputs({ text: z.coerce.string() });
const shout = stage('shout', { needs: { text }, run: ({ text }) => text.toUpperCase() });
const shouting = pipeline('shouting', { outputs: { shout } });
const body = JSON.parse('{ "text": 7 }');

await shouting.run(body);`,
  },
  SF_SERVICE_MISSING: {
    meaning: `A stage reads a service that nobody provided: it is neither in the \`services\` of the run nor in those of the runtime. A service that is \`undefined\` counts as missing.`,
    remedy: `Give it under \`services\` to \`run()\`, or once to \`createRuntime()\`.`,
    details: { services: ['model'] },
    cause: `
import { pipeline, services, stage } from '@stageflow/core';

const { model } = services<{ model: { ask(): string } }>();
const answer = stage('answer', { needs: { model }, run: ({ model }) => model.ask() });
const chat = pipeline('chat', { outputs: { answer } });

// @ts-expect-error the types ask for the service, too
await chat.run({});`,
    mend: `
import { pipeline, services, stage } from '@stageflow/core';

const { model } = services<{ model: { ask(): string } }>();
const answer = stage('answer', { needs: { model }, run: ({ model }) => model.ask() });
const chat = pipeline('chat', { outputs: { answer } });

await chat.run({}, { services: { model: { ask: () => 'Hello' } } });`,
  },
  SF_OPTION_INVALID: {
    meaning: `An option of a run, a runtime or a sink has a value it cannot have.`,
    remedy: `Mend the value. To have no limit, leave the option out.`,
    details: { option: 'maxConcurrency', expected: 'an integer of at least 1', received: 'the number 0' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { greet } });

await chat.run({}, { maxConcurrency: 0 });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const chat = pipeline('chat', { outputs: { greet } });

await chat.run({}, { maxConcurrency: 4 });`,
  },
  SF_PIPELINE_UNKNOWN: {
    meaning: `A runtime was asked to run a pipeline that it was not made with. Pipelines are compared as objects: one that \`with()\` or \`configure()\` returned is another pipeline, although it has the same name.`,
    remedy: `Give the pipeline to \`createRuntime()\`, the very object that is run.`,
    details: { pipeline: 'welcome', nearest: undefined, otherOfThatName: false },
    cause: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [] });

await runtime.run(welcome, {});`,
    mend: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [welcome] });

await runtime.run(welcome, {});`,
  },
  SF_DUPLICATE_PIPELINE: {
    meaning: `A runtime was given two different pipelines of one name. Events and stores know a pipeline by its name.`,
    remedy: `Rename one. To run two versions of a pipeline side by side, put the version in the name or make a second runtime.`,
    details: { pipeline: 'welcome' },
    cause: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });

createRuntime({ pipelines: [welcome, welcome.configure({ greet: { timeoutMs: 500 } })] });`,
    mend: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });

createRuntime({ pipelines: [welcome.configure({ greet: { timeoutMs: 500 } })] });`,
  },
  SF_RUNTIME_CLOSED: {
    meaning: `A run was started on a runtime after its \`close()\` was called. Runs that were under way then are finished, new ones are not accepted.`,
    remedy: `Stop taking requests before the runtime is closed.`,
    details: { pipeline: 'welcome' },
    cause: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [welcome] });

await runtime.close();
await runtime.run(welcome, {});`,
    mend: `
import { createRuntime, pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });
const welcome = pipeline('welcome', { outputs: { greet } });
const runtime = createRuntime({ pipelines: [welcome] });

await runtime.run(welcome, {});
await runtime.close();`,
  },
};
