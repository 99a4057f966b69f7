export { type BreakerEvent, breakerClosed, breakerHalfOpened, breakerOpened } from './breaker-events.ts';
export { type Bulkhead, type BulkheadOptions, type BulkheadQueue, type BulkheadSnapshot, bulkhead } from './bulkhead.ts';
export type { CircuitState } from './circuit.ts';
export { type CircuitBreaker, type CircuitBreakerOptions, type CircuitSnapshot, circuitBreaker } from './circuit-breaker.ts';
export {
  type BreakerOpenDetails,
  type BulkheadFullDetails,
  breakerOpen,
  bulkheadFull,
  type RateLimitedDetails,
  rateLimited,
} from './errors.ts';
export { type MemoryRateLimiterOptions, memoryRateLimiter } from './memory-rate-limiter.ts';
export { policiesFor } from './policies-for.ts';
export { type RateLimitOptions, rateLimit } from './rate-limit.ts';
export type { StageKey } from './stage-key.ts';
