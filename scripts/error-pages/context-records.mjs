// Prose of the codes of @stageflow/context-records.

/** @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const recordErrors = {
  SF_RECORD_INVALID: {
    meaning: `A record of \`@stageflow/context-records\` was to be made of something that it cannot hold: data that are not plain, a version that is no whole number, a limit below 1; or two enrichments were to be merged that are not about the same thing.`,
    remedy: `Look at the place that the message names. Turn dates into epoch milliseconds, maps into objects, and numbers that are none into \`undefined\`, where the data are fetched.`,
    details: { subject: '"since" in the data of a record', expected: 'plain data, as JSON has it', received: 'an instance of Date' },
    cause: `
import { enrichment } from '@stageflow/context-records';

enrichment('shop.customer', { since: new Date(0) }, { fetchedAt: Date.now() });`,
    mend: `
import { enrichment } from '@stageflow/context-records';

enrichment('shop.customer', { since: 0 }, { fetchedAt: Date.now() });`,
  },
  SF_CONTEXT_CONFLICT: {
    meaning: `Two enrichments of the same kind and id say different things, and \`mergeEnrichments\` was told to go on with neither: \`strategy: 'error'\`. The event \`context.conflict\` carries both checksums.`,
    remedy: `Find out which source is right, and fetch from it. Where one of both may be taken, say which: \`keep-old\`, \`keep-new\`, or \`merge\`, with \`combine\` where the default is not what is meant.`,
    details: { subject: 'profile "u1"', oldVersion: 3, newVersion: undefined },
    cause: `
import { enrichment, mergeEnrichments } from '@stageflow/context-records';

const cached = enrichment('profile', { displayName: 'Ada' }, { id: 'u1', version: 3, fetchedAt: Date.now() });
const typed = enrichment('profile', { displayName: 'Ada L.' }, { id: 'u1', fetchedAt: Date.now() });

mergeEnrichments(cached, typed, { strategy: 'error' });`,
    mend: `
import { enrichment, mergeEnrichments } from '@stageflow/context-records';

const cached = enrichment('profile', { displayName: 'Ada' }, { id: 'u1', version: 3, fetchedAt: Date.now() });
const typed = enrichment('profile', { displayName: 'Ada L.' }, { id: 'u1', fetchedAt: Date.now() });

mergeEnrichments(cached, typed, { strategy: 'keep-new' });`,
  },
};
