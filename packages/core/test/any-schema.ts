import type { Schema } from '@stageflow/core';

/** A schema that takes anything. */
export const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
