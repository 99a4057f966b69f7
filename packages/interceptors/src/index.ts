export type { ChildRuns } from './child-runs.ts';
export { type ContextExceeded, type ContextSizeOptions, contextExceeded, contextSize } from './context-size.ts';
export { type DefaultInterceptorsOptions, defaultInterceptors } from './default-interceptors.ts';
export {
  contextTooLarge,
  idempotencyFailedBefore,
  idempotencyKeyInvalid,
  idempotencyLeaseLost,
  idempotencyMismatch,
  idempotencyStoreFailed,
  valueMutated,
} from './errors.ts';
export { type IdempotencyOptions, idempotency } from './idempotency.ts';
export { effectBypassed, effectNotKept } from './idempotency-events.ts';
export { type ImmutabilityOptions, immutability } from './immutability.ts';
export { type LoggingOptions, loggerOf, logging } from './logging.ts';
export type { RunIds, WideEvent, WideRunEvent, WideStageEvent } from './wide-event.ts';
export { type WideEventSink, type WideEventsOptions, wideEvents } from './wide-events.ts';
