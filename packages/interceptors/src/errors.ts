import { defineError, type ErrorDefinition } from '@stageflow/core';

/** A sink with `overflow: 'error'` had no room for an event. */
export const sinkOverflow: ErrorDefinition<'SF_SINK_OVERFLOW', { readonly sink: string; readonly size: number; readonly event: string }> =
  defineError('SF_SINK_OVERFLOW', {
    message: ({ sink, size, event }) => `Sink "${sink}" has no room for "${event}": ${size} events wait already.`,
    hint: () => 'Raise "size", make the destination faster, or let the sink drop events with overflow "drop-oldest".',
    retryable: true,
  });

/** Events did not reach their destination in time. */
export const exportTimeout: ErrorDefinition<
  'SF_EXPORT_TIMEOUT',
  { readonly sink: string; readonly events: number; readonly timeoutMs: number }
> = defineError('SF_EXPORT_TIMEOUT', {
  message: ({ sink, events, timeoutMs }) =>
    `Sink "${sink}" could not export ${events} ${events === 1 ? 'event' : 'events'} within ${timeoutMs} ms.`,
  hint: () => 'Look at what "export" waits for, and see that it obeys its signal; raise "timeoutMs", or "flushTimeoutMs" at the end.',
  retryable: true,
});
