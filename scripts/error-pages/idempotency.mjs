/** The parts that the examples of idempotency share. */
const shop = `
import { inputs, memoryIdempotencyStore, pipeline, work } from '@stageflow/core';
import { idempotency } from '@stageflow/interceptors';

const { order } = inputs<{ order: { id: string; total: number } }>();`;

/** Prose of the codes of `idempotency()`. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const effectErrors = {
  SF_IDEMPOTENCY_KEY_INVALID: {
    meaning: `A \`work\` says with \`idempotencyKey\` which of its calls are one, and what it said cannot be used: the key is empty, no string, or could not be made; or \`deduplicate.params\` is no plain data. The effect was not called, because nobody could tell whether it had been made before.`,
    remedy: `Make the key of a value that is always there, and check that value at the edge: a schema on the input. Return numbers, strings and plain objects from \`params\`, no clients and no functions.`,
    details: { stage: 'charge', why: 'idempotencyKey returned the empty string' },
    cause: `${shop}
const charge = work('charge', { needs: { order }, idempotencyKey: ({ order }) => order.id, run: () => 'paid' });
const checkout = pipeline('checkout', { outputs: { charge } });
const interceptors = [idempotency({ store: memoryIdempotencyStore() })];

await checkout.runOrThrow({ order: { id: '', total: 5 } }, { interceptors });`,
    mend: `${shop}
const charge = work('charge', { needs: { order }, idempotencyKey: ({ order }) => order.id, run: () => 'paid' });
const checkout = pipeline('checkout', { outputs: { charge } });
const interceptors = [idempotency({ store: memoryIdempotencyStore() })];

await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors });`,
  },
  SF_IDEMPOTENCY_MISMATCH: {
    meaning: `A key was used again, and what \`deduplicate.params\` gives is not what it gave the first time. Either the key does not tell two effects apart, or somebody sent another request under a used key. The effect was not called, and the value of the first call was not given away.`,
    remedy: `Make the key of all that makes one effect another. Where a caller sends the key, answer it with a conflict: the caller must take a new one.`,
    details: { stage: 'charge', key: '7', scope: 'payments' },
    cause: `${shop}
const charge = work('charge', {
  needs: { order },
  idempotencyKey: ({ order }) => order.id,
  deduplicate: { scope: 'payments', params: ({ order }) => order.total },
  run: ({ order }) => \`paid \${order.total}\`,
});
const checkout = pipeline('checkout', { outputs: { charge } });
const interceptors = [idempotency({ store: memoryIdempotencyStore() })];

await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors });
await checkout.runOrThrow({ order: { id: '7', total: 500 } }, { interceptors });`,
    mend: `${shop}
const charge = work('charge', {
  needs: { order },
  idempotencyKey: ({ order }) => order.id,
  deduplicate: { scope: 'payments', params: ({ order }) => order.total },
  run: ({ order }) => \`paid \${order.total}\`,
});
const checkout = pipeline('checkout', { outputs: { charge } });
const interceptors = [idempotency({ store: memoryIdempotencyStore() })];

await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors });
await checkout.runOrThrow({ order: { id: '8', total: 500 } }, { interceptors });`,
  },
  SF_IDEMPOTENCY_FAILED_BEFORE: {
    meaning: `The effect failed before under this key, and \`rememberFailure\` said that failures of its kind are final; or it was made and its value could not be kept. It was not called again. The first failure is the \`cause\`.`,
    remedy: `Try again under a new key, once what kept it from succeeding is mended. Let \`rememberFailure\` say yes only to failures that will be the same next time: a card that is declined, not a network that is down.`,
    details: { stage: 'charge', key: '7', runId: 'first', error: 'Stage "charge" failed: card declined.' },
    cause: `${shop}
const charge = work('charge', {
  needs: { order },
  idempotencyKey: ({ order }) => order.id,
  run: (): string => {
    throw new Error('card declined');
  },
});
const checkout = pipeline('checkout', { outputs: { charge } });
const interceptors = [idempotency({ store: memoryIdempotencyStore(), rememberFailure: () => true })];

await checkout.run({ order: { id: '7', total: 5 } }, { interceptors, runId: 'first' });
await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors });`,
    mend: `${shop}
let card = 'expired';
const charge = work('charge', {
  needs: { order },
  idempotencyKey: ({ order }) => order.id,
  run: () => {
    if (card === 'expired') throw new Error('card declined');
    return 'paid';
  },
});
const checkout = pipeline('checkout', { outputs: { charge } });
const interceptors = [idempotency({ store: memoryIdempotencyStore(), rememberFailure: () => true })];

await checkout.run({ order: { id: '7', total: 5 } }, { interceptors });
card = 'new';
await checkout.runOrThrow({ order: { id: '7-new-card', total: 5 } }, { interceptors });`,
  },
  SF_IDEMPOTENCY_LEASE_LOST: {
    meaning: `The call of the effect was this run's to make, for as long as it renewed its lease; when the next renewal came, or the value was to be kept, the lease was not its own any more. The process stood still for longer than \`leaseMs\`, the store could not be reached for so long, or somebody cleared the key. Another run may have made the effect as well; what this one brought was not kept.`,
    remedy: `Look whether the effect was made twice: the target can tell where it was handed \`context.idempotencyKey\`. Raise \`leaseMs\` above the longest time that the process may stand still.`,
    details: { stage: 'charge', key: '7', leaseMs: 30_000 },
    cause: `${shop}
const store = memoryIdempotencyStore();
const charge = work('charge', {
  needs: { order },
  idempotencyKey: ({ order }) => order.id,
  deduplicate: { scope: 'payments' },
  run: async ({ order }) => {
    await store.forget({ tenantId: undefined, scope: 'payments', key: order.id });
    return 'paid';
  },
});
const checkout = pipeline('checkout', { outputs: { charge } });

await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors: [idempotency({ store })] });`,
    mend: `${shop}
const store = memoryIdempotencyStore();
const charge = work('charge', {
  needs: { order },
  idempotencyKey: ({ order }) => order.id,
  deduplicate: { scope: 'payments' },
  run: () => 'paid',
});
const checkout = pipeline('checkout', { outputs: { charge } });

await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors: [idempotency({ store })] });
await store.forget({ tenantId: undefined, scope: 'payments', key: '7' });`,
  },
  SF_IDEMPOTENCY_STORE_FAILED: {
    meaning: `The idempotency store could not say whether the effect was made before: it threw, it rejected, it did not answer within \`storeTimeoutMs\`, or what it had kept of the call cannot be read. The effect was not called. What the store threw is the \`cause\`.`,
    remedy: `Look at the store; the same run may succeed later, so the error is \`retryable\`. Where making an effect twice is better than not making it, say \`onStoreFailure: 'run'\`: the event \`idempotency.bypassed\` then tells each time.`,
    details: { stage: 'charge', store: 'memory', call: 'claim', why: 'the network is down.' },
    cause: `${shop}
const store = { ...memoryIdempotencyStore(), name: 'memory', claim: () => Promise.reject(new Error('the network is down')) };
const charge = work('charge', { needs: { order }, idempotencyKey: ({ order }) => order.id, run: () => 'paid' });
const checkout = pipeline('checkout', { outputs: { charge } });

await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors: [idempotency({ store: store as never })] });`,
    mend: `${shop}
const store = { ...memoryIdempotencyStore(), name: 'memory', claim: () => Promise.reject(new Error('the network is down')) };
const charge = work('charge', { needs: { order }, idempotencyKey: ({ order }) => order.id, run: () => 'paid' });
const checkout = pipeline('checkout', { outputs: { charge } });
const interceptors = [idempotency({ store: store as never, onStoreFailure: 'run' })];

await checkout.runOrThrow({ order: { id: '7', total: 5 } }, { interceptors });`,
  },
};

/** Prose of the codes of `immutability()` and `contextSize()`. @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const valueErrors = {
  SF_VALUE_MUTATED: {
    meaning: `A value that stages share is not what it was: \`immutability()\` compared it before and after a call, or at the end of the run. Whoever reads it sees one thing or the other, depending on timing. \`when\` says whether the stage ran at the time; those under \`alongside\` ran as well, and it may have been one of them.`,
    remedy: `Copy what is to be changed, and yield the copy. A stage that goes on changing what it has yielded should yield when it is done.`,
    details: { stage: 'tag', property: 'order.tags[1]', change: 'added', when: 'while it ran', alongside: [] },
    cause: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { immutability } from '@stageflow/interceptors';

const { order } = inputs<{ order: { tags: string[] } }>();
const tag = stage('tag', { needs: { order }, run: ({ order }) => order.tags.push('seen') });
const shop = pipeline('shop', { outputs: { tag } });

await shop.runOrThrow({ order: { tags: ['new'] } }, { interceptors: [immutability()] });`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { immutability } from '@stageflow/interceptors';

const { order } = inputs<{ order: { tags: string[] } }>();
const tag = stage('tag', { needs: { order }, run: ({ order }) => [...order.tags, 'seen'] });
const shop = pipeline('shop', { outputs: { tag } });

await shop.runOrThrow({ order: { tags: ['new'] } }, { interceptors: [immutability()] });`,
  },
  SF_CONTEXT_TOO_LARGE: {
    meaning: `A stage was given, or has yielded, more than \`contextSize()\` lets pass. Where it was given too much, it was not called. Sizes are about those of the values as JSON; counting stops at the limit, so the error does not say by how much it was passed.`,
    remedy: `Hand on a reference to large data, and read the data where it is needed; or yield the part that is needed. Raise \`maxBytes\` where the size is meant, or say \`onExceeded: 'warn'\`.`,
    details: { stage: 'summarize', direction: 'given', maxBytes: 1_000 },
    cause: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { contextSize } from '@stageflow/interceptors';

const { text } = inputs<{ text: string }>();
const summarize = stage('summarize', { needs: { text }, run: ({ text }) => text.slice(0, 10) });
const shorten = pipeline('shorten', { outputs: { summarize } });
const interceptors = [contextSize({ maxBytes: 1_000, onExceeded: 'fail' })];

await shorten.runOrThrow({ text: 'x'.repeat(5_000) }, { interceptors });`,
    mend: `
import { inputs, pipeline, stage } from '@stageflow/core';
import { contextSize } from '@stageflow/interceptors';

const texts = new Map([['letter', 'x'.repeat(5_000)]]);
const { textId } = inputs<{ textId: string }>();
const summarize = stage('summarize', { needs: { textId }, run: ({ textId }) => texts.get(textId)?.slice(0, 10) });
const shorten = pipeline('shorten', { outputs: { summarize } });
const interceptors = [contextSize({ maxBytes: 1_000, onExceeded: 'fail' })];

await shorten.runOrThrow({ textId: 'letter' }, { interceptors });`,
  },
};
