export { type BreakerEvent, breakerClosed, breakerHalfOpened, breakerOpened } from './breaker-events.ts';
export { type Bulkhead, type BulkheadOptions, type BulkheadQueue, type BulkheadSnapshot, bulkhead } from './bulkhead.ts';
export type { ChildRuns } from './child-runs.ts';
export type { CircuitState } from './circuit.ts';
export { type CircuitBreaker, type CircuitBreakerOptions, type CircuitSnapshot, circuitBreaker } from './circuit-breaker.ts';
export { type ContextExceeded, type ContextSizeOptions, contextExceeded, contextSize } from './context-size.ts';
export { type DefaultInterceptorsOptions, defaultInterceptors } from './default-interceptors.ts';
export {
  type BreakerOpenDetails,
  type BulkheadFullDetails,
  breakerOpen,
  bulkheadFull,
  contextTooLarge,
  idempotencyFailedBefore,
  idempotencyKeyInvalid,
  idempotencyLeaseLost,
  idempotencyMismatch,
  idempotencyStoreFailed,
  type RateLimitedDetails,
  rateLimited,
  valueMutated,
} from './errors.ts';
export { type IdempotencyOptions, idempotency } from './idempotency.ts';
export { effectBypassed, effectNotKept } from './idempotency-events.ts';
export { type ImmutabilityOptions, immutability } from './immutability.ts';
export { type LoggingOptions, loggerOf, logging } from './logging.ts';
export { type MemoryRateLimiterOptions, memoryRateLimiter } from './memory-rate-limiter.ts';
export { policiesFor } from './policies-for.ts';
export { type RateLimitOptions, rateLimit } from './rate-limit.ts';
export type { StageKey } from './stage-key.ts';
export type { RunIds, WideEvent, WideRunEvent, WideStageEvent } from './wide-event.ts';
export { type WideEventSink, type WideEventsOptions, wideEvents } from './wide-events.ts';
