export { artifactStoreContract } from './contracts/artifact-store.ts';
export type { ContractCase } from './contracts/contract-case.ts';
export { type EventSinkSubject, eventSinkContract } from './contracts/event-sink.ts';
export { type IdempotencyStoreSubject, idempotencyStoreContract } from './contracts/idempotency-store.ts';
export { type RateLimiterSubject, rateLimiterContract } from './contracts/rate-limiter.ts';
export { runStoreContract } from './contracts/run-store.ts';
export { type HeapSlope, type HeapSlopeOptions, heapSlope } from './heap-slope.ts';
export {
  type CorruptFault,
  type DelayFault,
  type Fault,
  type FaultKind,
  type FaultOptions,
  type FaultTarget,
  type FiredFault,
  type HangFault,
  type InjectedFaults,
  injectFaults,
  type ThrowFault,
} from './inject-faults.ts';
export { type RecordingSink, recordingSink } from './recording-sink.ts';
export {
  type AskedOperation,
  type ReplayingDriver,
  type ReplayingDriverOptions,
  replayingDriver,
  type WalkOptions,
} from './replaying-driver.ts';
export { runStage, type StageRun } from './run-stage.ts';
export {
  type Script,
  type ScriptedCall,
  type ScriptedEnding,
  type ScriptedPace,
  type ScriptedReturn,
  type ScriptedStep,
  type ScriptedValues,
  type ScriptOptions,
  scripted,
} from './scripted.ts';
export { seededIds } from './seeded-ids.ts';
export { seededRandom } from './seeded-random.ts';
export { type IssueOptions, type TestTokens, type TestTokensOptions, testTokens } from './test-tokens.ts';
export { type Traceable, traceOf } from './trace.ts';
export { type RunAllOptions, type SettleOptions, type VirtualClock, type VirtualClockOptions, virtualClock } from './virtual-clock.ts';
