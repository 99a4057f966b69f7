import { defineEvent, type EventDefinition, type Schema } from '@stageflow/core';

/** Payloads are made in this package. */
const why: Schema<unknown, { readonly why: string }> = {
  '~standard': { version: 1, vendor: 'stageflow', validate: (value) => ({ value: value as { readonly why: string } }) },
};

/** An effect was called though the store could not say whether it was made before: `onStoreFailure: 'run'`. */
export const effectBypassed: EventDefinition<{ readonly why: string }> = defineEvent('idempotency.bypassed', why);

/** An effect was made, and the store could not be told: when its lease has run out, a repeat makes it again. */
export const effectNotKept: EventDefinition<{ readonly why: string }> = defineEvent('idempotency.not_kept', why);
