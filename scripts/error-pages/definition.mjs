/** Prose of the codes that appear where a pipeline is defined. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const definitionErrors = {
  SF_PLAN_INVALID: {
    meaning: `\`pipeline()\`, \`definePipeline()\`, \`with()\` or \`configure()\` found something wrong with the graph. It looks at the whole graph and lists every problem, each with a code, a message and a hint of its own, in \`details.problems\`.`,
    remedy: `Mend the problems listed; each code has a page. The pipeline was not made, and nothing has run.`,
    details: {
      pipeline: 'chat',
      problems: [
        { code: 'SF_PLAN_EMPTY', message: 'Pipeline "chat" has no stage.', hint: 'Name at least one stage in "outputs" or "also".' },
      ],
    },
    cause: `
import { pipeline } from '@stageflow/core';

export const chat = pipeline('chat', { outputs: {} });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });

export const chat = pipeline('chat', { outputs: { greet } });`,
  },
  SF_PLAN_EMPTY: {
    meaning: `The pipeline reaches no stage: \`outputs\` and \`also\` are empty, or name inputs and services only.`,
    remedy: `Name at least one stage. A pipeline is made of what its \`outputs\` and \`also\` reach, so a stage that is only defined is no part of it.`,
    details: { pipeline: 'echo' },
    cause: `
import { inputs, pipeline } from '@stageflow/core';

const { text } = inputs<{ text: string }>();

export const echo = pipeline('echo', { outputs: { text } });`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { text } = inputs<{ text: string }>();
const said = stage('said', { needs: { text }, run: ({ text }) => text });

export const echo = pipeline('echo', { outputs: { said } });`,
  },
  SF_NAME_INVALID: {
    meaning: `The name of a pipeline, a stage, an input, a service or a key cannot be used. Names make up paths such as \`outer/inner\` and \`collect[3]\` and are keys of plain objects, so what would be ambiguous there is refused.`,
    remedy: `Any other text will do: letters of every script, spaces inside, dots, dashes, colons.`,
    details: { subject: 'stage', name: 'fetch/profile', why: 'it contains "/", which paths are made of' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const profile = stage('fetch/profile', { run: () => 'Ada' });

export const chat = pipeline('chat', { outputs: { profile } });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const profile = stage('fetch profile', { run: () => 'Ada' });

export const chat = pipeline('chat', { outputs: { profile } });`,
  },
  SF_DUPLICATE_STAGE: {
    meaning: `Two stages that are not the same object have one name. A name identifies a stage in reports, events and stores, so it stands for one stage only.`,
    remedy: `Rename one of them. Where both were meant to be one stage, define it once and import it in both places.`,
    details: { stage: 'load' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const user = stage('load', { run: () => 'Ada' });
const order = stage('load', { run: () => 7 });

export const shop = pipeline('shop', { outputs: { user, order } });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const user = stage('load user', { run: () => 'Ada' });
const order = stage('load order', { run: () => 7 });

export const shop = pipeline('shop', { outputs: { user, order } });`,
  },
  SF_UNKNOWN_STAGE: {
    meaning: `A stage is referred to by a name that no stage of the pipeline has: in a graph made from data, in \`configure()\`, or by a stage given to \`with()\` that the pipeline does not reach.`,
    remedy: `Mend the name; the hint says which existing one comes nearest. In a graph from data, add the stage if it is missing. References between stages written in code cannot go wrong in this way.`,
    details: { stage: 'gret', reader: 'configure()', nearest: 'greet' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });

export const chat = pipeline('chat', { outputs: { greet } }).configure({ gret: { timeoutMs: 500 } });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const greet = stage('greet', { run: () => 'Hello' });

export const chat = pipeline('chat', { outputs: { greet } }).configure({ greet: { timeoutMs: 500 } });`,
  },
  SF_UNKNOWN_SOURCE: {
    meaning: `Something under \`needs\`, \`outputs\`, \`also\` or inside an edge is no source: not an input, a service, a stage or a modified edge. The types refuse it, so it comes from data or from code without types.`,
    remedy: `Give it a source. A constant belongs in the function; a value that differs from run to run is an input.`,
    details: { reader: 'stage "greet"', key: 'name', received: 'the string "Ada"' },
    cause: `
import { pipeline, stage } from '@stageflow/core';

// @ts-expect-error a string is no source
const greet = stage('greet', { needs: { name: 'Ada' }, run: () => 'Hello' });

export const chat = pipeline('chat', { outputs: { greet } });`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';

const { name } = inputs<{ name: string }>();
const greet = stage('greet', { needs: { name }, run: ({ name }) => \`Hello, \${name}\` });

export const chat = pipeline('chat', { outputs: { greet } });`,
  },
  SF_CYCLE: {
    meaning: `Following what stages need leads back to where it began. The message gives the whole way round. In code this cannot be written, because a stage can only refer to stages defined before it; in a graph from data, and through \`with()\`, it can.`,
    remedy: `Take out the edge that points the wrong way. Where two stages really work on each other's results, that is one stage with a loop inside.`,
    details: { path: ['draft', 'review', 'draft'] },
    cause: `
import { definePipeline } from '@stageflow/core/define';

export const letter = definePipeline({
  name: 'letter',
  outputs: { draft: 'draft' },
  stages: [
    { name: 'draft', needs: { review: 'review' }, run: () => 'Dear Ada' },
    { name: 'review', needs: { draft: 'draft' }, run: () => 'too short' }],
});`,
    mend: `
import { definePipeline } from '@stageflow/core/define';

export const letter = definePipeline({
  name: 'letter',
  stages: [
    { name: 'draft', run: () => 'Dear Ada' },
    { name: 'review', needs: { draft: 'draft' }, run: () => 'too short' },
  ],
  outputs: { draft: 'draft', review: 'review' },
});`,
  },
  SF_STAGE_UNREACHABLE: {
    meaning: `A graph from data lists a stage that nothing wanted needs. It would never run, which is nearly always a forgotten output or a misspelt reference.`,
    remedy: `Name it under \`outputs\` if its value is wanted, under \`also\` if it runs for its effect, or remove it.`,
    details: { stage: 'audit' },
    cause: `
import { definePipeline } from '@stageflow/core/define';

export const chat = definePipeline({
  name: 'chat',
  stages: [
    { name: 'answer', run: () => 'Hello' },
    { name: 'audit', needs: { answer: 'answer' }, run: () => undefined },
  ],
  outputs: { answer: 'answer' },
});`,
    mend: `
import { definePipeline } from '@stageflow/core/define';

export const chat = definePipeline({
  name: 'chat',
  stages: [
    { name: 'answer', run: () => 'Hello' },
    { name: 'audit', needs: { answer: 'answer' }, run: () => undefined },
  ],
  outputs: { answer: 'answer' },
  also: ['audit'],
});`,
  },
  SF_INPUT_CONFLICT: {
    meaning: `Two inputs of one name meet in a pipeline and do not have the same schema, so a value accepted for one may be wrong for the other. Schemas are compared as objects.`,
    remedy: `Declare the input once and import it where it is read, or give both declarations the same schema object. If they are different things, give them different names.`,
    details: { input: 'id' },
    cause: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const user = stage('user', { needs: { id: inputs({ id: z.string() }).id }, run: ({ id }) => id });
const order = stage('order', { needs: { id: inputs({ id: z.string().min(8) }).id }, run: ({ id }) => id });

export const shop = pipeline('shop', { outputs: { user, order } });`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { z } from 'zod';

const { id } = inputs({ id: z.string().min(8) });
const user = stage('user', { needs: { id }, run: ({ id }) => id });
const order = stage('order', { needs: { id }, run: ({ id }) => id });

export const shop = pipeline('shop', { outputs: { user, order } });`,
  },
  SF_POLICY_INVALID: {
    meaning: `An option of a stage or of a pipeline has a value it cannot have: a negative limit, a count that is no whole number, a word that is not among those allowed, something else than a function. Durations are milliseconds, at most 2,147,483,647 (24.8 days), the longest a timer can wait.`,
    remedy: `Mend the value. To have no limit, leave the option out; \`0\` and \`Infinity\` are refused, because they are mostly mistakes.`,
    details: {
      subject: 'stage "ask"',
      option: 'timeoutMs',
      expected: 'a number of milliseconds above 0 and at most 2147483647',
      received: 'the number 0',
    },
    cause: `
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { timeoutMs: 0, run: () => 'Hello' });

export const chat = pipeline('chat', { outputs: { ask } });`,
    mend: `
import { pipeline, stage } from '@stageflow/core';

const ask = stage('ask', { timeoutMs: 30_000, run: () => 'Hello' });

export const chat = pipeline('chat', { outputs: { ask } });`,
  },
  SF_GUARD_TOLERATED: {
    meaning: `A guard is read through an edge that goes on without it: \`optional()\` or \`firstOf()\`. Whoever writes that seems to expect the work to continue after a block, and a block exists to prevent just this.`,
    remedy: `Read the guard plainly: after a block the reader is then skipped. To act on a block, read \`settled(guard)\` and decide from the outcome. If passing without a verdict is safe, declare the guard \`failOpen\`.`,
    details: { guard: 'safe', reader: 'stage "answer"', edge: 'optional()' },
    cause: `
import { guard, inputs, optional, pass, pipeline, stage } from '@stageflow/core';

const { text } = inputs<{ text: string }>();
const safe = guard('safe', { subject: text, check: () => pass() });
const answer = stage('answer', { needs: { safe: optional(safe) }, run: ({ safe }) => safe ?? 'Hello' });

export const chat = pipeline('chat', { outputs: { answer } });`,
    mend: `
import { guard, inputs, pass, pipeline, settled, stage } from '@stageflow/core';

const { text } = inputs<{ text: string }>();
const safe = guard('safe', { subject: text, check: () => pass() });
const answer = stage('answer', {
  needs: { safe: settled(safe) },
  run: ({ safe }) => (safe.status === 'completed' ? safe.output : 'I cannot answer that.'),
});

export const chat = pipeline('chat', { outputs: { answer } });`,
  },
  SF_ROUTE_EXPECTED: {
    meaning: `A condition refers to a stage that is no route. Only a route chooses one of several ways, so only a route can be asked which way it took.`,
    remedy: `Make the stage that decides a route; in data, give it \`kind: 'route'\`. For a condition on values alone, use a predicate.`,
    details: { stage: 'intent', reader: 'stage "order"' },
    cause: `
import { definePipeline } from '@stageflow/core/define';

export const shop = definePipeline({
  name: 'shop',
  stages: [
    { name: 'intent', run: () => 'order' },
    { name: 'order', when: { route: 'intent', is: ['order'] }, run: () => 'ordered' },
  ],
  outputs: { order: 'order' },
});`,
    mend: `
import { definePipeline } from '@stageflow/core/define';

export const shop = definePipeline({
  name: 'shop',
  stages: [
    { name: 'intent', kind: 'route', run: () => 'order' },
    { name: 'order', when: { route: 'intent', is: ['order'] }, run: () => 'ordered' },
  ],
  outputs: { order: 'order' },
});`,
  },
  SF_LOCAL_ESCAPED: {
    meaning: `A value that a region gives to what it repeats (the item of a \`map\`, the state of a \`loop\`, the feedback of \`guarded\`) is read by a stage that the body of that region does not hold. Outside there is no item to read. The types say so as well: the local stays in what the pipeline demands.`,
    remedy: `Read it in what the body returns, directly or through others. What is needed outside is an output of the region.`,
    details: { local: 'doubled.item', reader: 'stage "last"' },
    cause: `
import { type Local, map, pipeline, stage } from '@stageflow/core';

const numbers = stage('numbers', { run: () => [1, 2, 3] });
let kept: Local<'doubled', number> | undefined;
const doubled = map('doubled', numbers, (item) => {
  kept = item;
  return stage('double', { needs: { item }, run: ({ item }) => item * 2 });
});
const last = stage('last', { needs: { item: kept as unknown as Local<'doubled', number> }, run: ({ item }) => item });

export const sums = pipeline('sums', { outputs: { doubled, last } });`,
    mend: `
import { map, pipeline, stage } from '@stageflow/core';

const numbers = stage('numbers', { run: () => [1, 2, 3] });
const doubled = map('doubled', numbers, (item) => stage('double', { needs: { item }, run: ({ item }) => item * 2 }));
const last = stage('last', { needs: { numbers }, run: ({ numbers }) => numbers.at(-1) });

export const sums = pipeline('sums', { outputs: { doubled, last } });`,
  },
  SF_REGION_CONSTANT: {
    meaning: `The body of a \`map\`, a \`loop\` or a \`guarded\` returns a stage that does not read what the region gives it, neither itself nor through others. Such a stage is hoisted and runs once, so there is nothing to repeat.`,
    remedy: `Let some stage of the body read the item, the state or the feedback. Where there is nothing to repeat, read the stage directly.`,
    details: { stage: 'greetings' },
    cause: `
import { map, pipeline, stage } from '@stageflow/core';

const names = stage('names', { run: () => ['Ada', 'Grace'] });
const greet = stage('greet', { run: () => 'Hello' });
const greetings = map('greetings', names, () => greet);

export const letter = pipeline('letter', { outputs: { greetings } });`,
    mend: `
import { map, pipeline, stage } from '@stageflow/core';

const names = stage('names', { run: () => ['Ada', 'Grace'] });
const greetings = map('greetings', names, (name) => stage('greet', { needs: { name }, run: ({ name }) => \`Hello \${name}\` }));

export const letter = pipeline('letter', { outputs: { greetings } });`,
  },
  SF_STREAM_INVALID: {
    meaning: `A streamed edge cannot work: the stage it reads gives no chunks or stands outside of the region of its reader; or the reader begins only after something that waits for the same stage, so that, once the buffer is full, each would wait for the other; or it is an output of the pipeline.`,
    remedy: `Read a stage that says \`streams: true\`, in the same scope. Where a reader needs both the chunks and something made of the whole output, let two stages read them. To show chunks to the caller, publish them: \`streams: { publish: true }\`.`,
    details: {
      reader: 'stage "speech"',
      stage: 'model',
      why: '"speech" begins only when "model" has ended, and that would wait for "speech"',
    },
    cause: `
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    yield 'Hello';
    return { tokens: 1 };
  },
});
const speech = stage('speech', {
  needs: { tokens: streamed(model), whole: model },
  run: async ({ tokens, whole }) => {
    for await (const token of tokens) return \`\${token} (\${whole.tokens})\`;
    return '';
  },
});

export const chat = pipeline('chat', { outputs: { speech } });`,
    mend: `
import { pipeline, stage, streamed } from '@stageflow/core';

const model = stage('model', {
  streams: true,
  run: async function* () {
    yield 'Hello';
    return { tokens: 1 };
  },
});
const speech = stage('speech', {
  needs: { tokens: streamed(model) },
  run: async ({ tokens }) => {
    for await (const token of tokens) return token;
    return '';
  },
});

export const chat = pipeline('chat', { outputs: { speech, model } });`,
  },
};
