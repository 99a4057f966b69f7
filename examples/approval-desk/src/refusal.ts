import { defineError, isStageflowError } from '@stageflow/core';

/** What the desk itself refuses, before anything is asked of Stageflow. */
export const requestRefused = defineError('DESK_REQUEST_REFUSED', {
  message: ({ why }: { readonly status: number; readonly why: string }) => `The request is refused: ${why}.`,
  hint: () => 'The README lists what the desk takes.',
});

const statusOf: Readonly<Record<string, number>> = {
  SF_INPUT_INVALID: 400,
  SF_ANSWER_INVALID: 400,
  SF_RUN_UNKNOWN: 404,
  SF_WAIT_CLOSED: 409,
};

/** What is answered over HTTP. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** What is answered where a request came to nothing: whose mistake it was, with the code of the error. */
export function refusalOf(error: unknown): Reply {
  if (isStageflowError(error)) {
    const { code, message, hint, details } = error;
    const status = code === requestRefused.code ? (details as { readonly status: number }).status : statusOf[code];
    if (status !== undefined) return { status, body: { code, message, hint } };
  }
  // What went wrong in here is for whoever runs the desk to read.
  console.error(error);
  return { status: 500, body: { code: 'DESK_FAILED', message: 'The desk has failed.', hint: 'Ask again later.' } };
}
