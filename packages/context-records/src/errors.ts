import { defineError, type ErrorDefinition } from '@stageflow/core';

/** A record, or what it was to be made of, is not what it has to be. */
export const recordInvalid: ErrorDefinition<
  'SF_RECORD_INVALID',
  { readonly subject: string; readonly expected: string; readonly received: string }
> = defineError('SF_RECORD_INVALID', {
  message: ({ subject, expected, received }: { readonly subject: string; readonly expected: string; readonly received: string }) =>
    `${subject} must be ${expected}, received ${received}.`,
  hint: () => 'Mend the value where it is made: nothing is guessed, and nothing is filled in.',
});

/** Two enrichments of one thing say different things, and `strategy: 'error'` was asked for. */
export const contextConflict: ErrorDefinition<
  'SF_CONTEXT_CONFLICT',
  { readonly subject: string; readonly oldVersion: number | undefined; readonly newVersion: number | undefined }
> = defineError('SF_CONTEXT_CONFLICT', {
  message: ({
    subject,
    oldVersion,
    newVersion,
  }: {
    readonly subject: string;
    readonly oldVersion: number | undefined;
    readonly newVersion: number | undefined;
  }) => `Two enrichments of ${subject} differ: ${versioned('the old one', oldVersion)}, ${versioned('the new one', newVersion)}.`,
  hint: () => "Fetch it anew from the source that is right, or choose the strategy 'keep-old', 'keep-new' or 'merge'.",
});

function versioned(which: string, version: number | undefined): string {
  return `${which} has ${version === undefined ? 'no version' : `version ${version}`}`;
}
