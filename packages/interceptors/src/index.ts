export { type ContextExceeded, type ContextSizeOptions, contextExceeded, contextSize } from './context-size.ts';
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
