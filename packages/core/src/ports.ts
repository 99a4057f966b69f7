/** The ports of Stageflow: interfaces that adapters implement. Types only. */

export type { Encoded } from './durable/codec.ts';
export type { ArtifactKey, ArtifactStore } from './ports/artifact-store.ts';
export type { Clock, Timer } from './ports/clock.ts';
export type { ConfigProvider } from './ports/config-provider.ts';
export type { Driver, SignalRequest, StartedOperation, StepFacts, StepOutcome, StepRequest } from './ports/driver.ts';
export type { EventSink } from './ports/event-sink.ts';
export type {
  ClaimResult,
  IdempotencyClaim,
  IdempotencyIdentity,
  IdempotencyRecord,
  IdempotencyStore,
  StoreCallOptions,
} from './ports/idempotency-store.ts';
export type { LogFields, Logger } from './ports/logger.ts';
export type { RateLimit, RateLimitAnswer, RateLimiter, RateLimitRequest } from './ports/rate-limiter.ts';
export type {
  AnsweredWait,
  AnswerResult,
  DeliverResult,
  DueRun,
  JournalBatch,
  JournalRecord,
  Lease,
  NewRun,
  RunKey,
  RunStore,
  StoredRun,
  StoredStatus,
  StoredWait,
  Vote,
  VoteRequest,
  VoteResult,
  WaitFilter,
} from './ports/run-store.ts';
