/** Prose of the codes that appear in a region. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const regionErrors = {
  SF_MAP_INVALID: {
    meaning: `A \`map\` cannot go through its items: they are no list, or going through them threw; or the key of an item is no string or number, is empty, or is that of another item. Keys name items in paths, events and journals, so each names one. No item has run.`,
    remedy: `Give it an array or another iterable, and a \`key\` that differs for each item. Without a \`key\`, positions name the items.`,
    details: { stage: 'totals', why: 'items 0 and 1 have the same key, "inv-7"' },
    cause: `
import { map, pipeline, stage } from '@stageflow/core';

const invoices = stage('invoices', { run: () => [{ id: 'inv-7', cents: 300 }, { id: 'inv-7', cents: 500 }] });
const totals = map('totals', invoices, (invoice) => stage('total', { needs: { invoice }, run: ({ invoice }) => invoice.cents }), {
  key: (invoice) => invoice.id,
});

await pipeline('billing', { outputs: { totals } }).runOrThrow({});`,
    mend: `
import { map, pipeline, stage } from '@stageflow/core';

const invoices = stage('invoices', { run: () => [{ id: 'inv-7', cents: 300 }, { id: 'inv-7', cents: 500 }] });
const totals = map('totals', invoices, (invoice) => stage('total', { needs: { invoice }, run: ({ invoice }) => invoice.cents }), {
  key: (invoice, index) => \`\${invoice.id} \${index}\`,
});

await pipeline('billing', { outputs: { totals } }).runOrThrow({});`,
  },
  SF_LOOP_EXHAUSTED: {
    meaning: `A \`loop\` has had as many turns as \`maxTurns\` allows, and its \`until\` has not said that it is done. \`error.details.lastValue\` is the state it had come to.`,
    remedy: `Allow more turns, or mend the condition. Where the state after the last turn is good enough, say \`onExhausted: 'keep'\`.`,
    details: { stage: 'polish', turns: 3, lastValue: 4 },
    cause: `
import { loop, pipeline, stage } from '@stageflow/core';

const draft = stage('draft', { run: () => 1 });
const polish = loop('polish', draft, (text) => stage('improve', { needs: { text }, run: ({ text }) => text + 1 }), {
  until: (text) => text > 9,
  maxTurns: 3,
});

await pipeline('writing', { outputs: { polish } }).runOrThrow({});`,
    mend: `
import { loop, pipeline, stage } from '@stageflow/core';

const draft = stage('draft', { run: () => 1 });
const polish = loop('polish', draft, (text) => stage('improve', { needs: { text }, run: ({ text }) => text + 1 }), {
  until: (text) => text > 9,
  maxTurns: 3,
  onExhausted: 'keep',
});

await pipeline('writing', { outputs: { polish } }).runOrThrow({});`,
  },
  SF_GUARD_EXHAUSTED: {
    meaning: `The guard of a \`guarded\` region sent back every draft until nothing was left to try: \`attempts\` were made, or the drafts no longer changed (\`stagnation\`), or \`timeoutMs\` had passed since the first rejection. The details say which, with the last reason and the last draft.`,
    remedy: `Let the stage that writes the draft read the feedback, and use its reason. Then allow more attempts, or take the failure into account with \`settled()\` or \`fallback()\`.`,
    details: { stage: 'reply', attempts: 2, spent: 'attempts', reason: 'it is impolite', lastValue: 'Go away.' },
    cause: `
import { block, guard, guarded, pass, pipeline, stage } from '@stageflow/core';

const reply = guarded('reply', (feedback) => {
  const draft = stage('draft', { needs: { feedback }, run: () => 'Go away.' });
  return guard('tone', { subject: draft, check: ({ subject }) => (subject.includes('please') ? pass() : block('it is impolite')) });
});

await pipeline('chat', { outputs: { reply } }).runOrThrow({});`,
    mend: `
import { block, guard, guarded, pass, pipeline, stage } from '@stageflow/core';

const reply = guarded('reply', (feedback) => {
  const draft = stage('draft', {
    needs: { feedback },
    run: ({ feedback }) => (feedback === undefined ? 'Go away.' : 'Could you please come back later?'),
  });
  return guard('tone', { subject: draft, check: ({ subject }) => (subject.includes('please') ? pass() : block('it is impolite')) });
});

await pipeline('chat', { outputs: { reply } }).runOrThrow({});`,
  },
};
