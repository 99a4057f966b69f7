export { type Arms, branch } from './branch.ts';
export type { Condition, When } from './condition.ts';
export {
  type Asked,
  type AskOptions,
  type Cancel,
  type Control,
  cancel,
  type Fail,
  fail,
  type Output,
  type RetryLater,
  retryLater,
  type Skip,
  type Suspend,
  skip,
  suspend,
} from './control.ts';
export { defineError, type ErrorDefinition, type ErrorText } from './define-error.ts';
export { defineEvent, type EventDefinition } from './define-event.ts';
export type { ArtifactOptions } from './durable/artifact-values.ts';
export { decode, type EncodeResult, encode } from './durable/codec.ts';
export type { Decider } from './durable/decision.ts';
export type { Delivery } from './durable/durable-runs.ts';
export { memoryArtifactStore } from './durable/memory-artifact-store.ts';
export { memoryRunStore } from './durable/memory-run-store.ts';
export type { RecoverOptions, Recovery } from './durable/recovery.ts';
export type { RecoveryOptions } from './durable/recovery-loop.ts';
export type { Replay, ReplayDifference, ReplayedEnd } from './durable/replay-journal.ts';
export { type FirstOf, firstOf, type Optional, optional, type Settled, settled } from './edge.ts';
export type { ErrorCode, ErrorDetails, PlanProblem, PlanProblemCode } from './error-details.ts';
export { summarizeError } from './error-summary.ts';
export {
  type AnyErrorCode,
  type DetailsOf,
  type ErrorLocation,
  isStageflowError,
  StageflowError,
  type StageflowErrorJson,
} from './errors.ts';
export {
  type AttemptAbandoned,
  type AttemptArrivedLate,
  type AttemptFailed,
  type CleanupFailed,
  type CustomEvent,
  type ErrorSummary,
  type EventEnvelope,
  type EventOf,
  type EventsDropped,
  eventVersion,
  type GuardedExhausted,
  type GuardedRecovered,
  type GuardedRejected,
  type GuardedRetried,
  type GuardFailedOpen,
  isTerminal,
  type RunBlocked,
  type RunCancelled,
  type RunCompleted,
  type RunContinued,
  type RunCreated,
  type RunEvent,
  type RunFailed,
  type RunPaused,
  type RunSnapshotted,
  type RunStarted,
  type RunStopping,
  type RunSuspended,
  type StageBlocked,
  type StageCancelled,
  type StageCompleted,
  type StageEnvelope,
  type StageFailed,
  type StageProgressed,
  type StageResumed,
  type StageSkipped,
  type StageStarted,
  type StageSuspended,
  topicOf,
  type UndoCompleted,
  type UndoFailed,
  type UndoStarted,
} from './event.ts';
export type { ExclusiveOption } from './exclusive-runs.ts';
export type { RunOptions } from './execution/start-run.ts';
export { fallback } from './fallback.ts';
export {
  type Block,
  block,
  type Guard,
  type GuardSpec,
  type GuardValues,
  guard,
  type Pass,
  pass,
  type Review,
  review,
  type Transform,
  transform,
  type Verdict,
} from './guard.ts';
export { type Feedback, type GuardedOptions, guarded } from './guarded.ts';
export type { IdentityOptions, RunIdentity } from './identity.ts';
export { type InputsOf, inputs, type ServicesOf, services } from './inputs.ts';
export {
  type Cached,
  cached,
  type DeclaredEffect,
  type InterceptedRun,
  type InterceptedStage,
  type Interceptor,
  type InterceptorScope,
} from './interceptor.ts';
export type { OverloadOptions } from './limits/overload.ts';
export type { WaitPercentiles } from './limits/recent-waits.ts';
export type { ResourceOptions, ResourceSnapshot } from './limits/resource-pool.ts';
export type { ResourceOption, ResourceUse } from './limits/resource-use.ts';
export type { LimitSnapshots, OverloadChange, RuntimeLimits } from './limits/runtime-limits.ts';
export { type LoopOptions, loop } from './loop.ts';
export { type ItemErrorPolicy, type ItemOf, type ItemOutcome, type MapOptions, type Mapped, map } from './map.ts';
export { type MemoryIdempotencyStoreOptions, memoryIdempotencyStore } from './memory-idempotency-store.ts';
export type {
  BlockedOutcome,
  CancelledOutcome,
  CompletedOutcome,
  EndedOutcome,
  FailedOutcome,
  OutcomeCounts,
  OutcomeStatus,
  RootCause,
  SkippedOutcome,
  StageOutcome,
  StageReport,
  SuspendedOutcome,
} from './outcome.ts';
export {
  type OptionsArgument,
  type Pipeline,
  type PipelineSpec,
  pipeline,
  type RegisteredPipeline,
  type Replacement,
  type RunInput,
  type RunOutputs,
  type RunServices,
} from './pipeline.ts';
export type { FailureMode, JournalLevel, PipelinePolicy } from './plan/draft.ts';
export type { Plan } from './plan/plan.ts';
export { race } from './race.ts';
export type { Region, WithoutLocals } from './region.ts';
export { isWorthRetrying, type RetryPolicy } from './retry.ts';
export { type Route, type RouteSpec, route } from './route.ts';
export type { BlockedRun, CancelledRun, CompletedRun, FailedRun, OpenWait, Run, RunStatus, RunSummary, SuspendedRun } from './run.ts';
export type { RunHandle } from './run-handle.ts';
export type { ActiveRunInfo } from './run-registry.ts';
export { createRuntime, type Runtime } from './runtime.ts';
export type { DecideOptions, ForkOptions, ResumeOptions, RuntimeOptions, RuntimeRunOptions, TenantOption } from './runtime-options.ts';
export type { Schema, SchemaIssue, SchemaResult } from './schema.ts';
export { isSecret, type Secret, secret } from './secret.ts';
export type { OverflowPolicy, SinkCounters, SinkQueueOptions } from './sink-queue.ts';
export type { SinkEntry } from './sink-queues.ts';
export type {
  Demand,
  DemandOf,
  Input,
  Local,
  Needs,
  NoNeeds,
  OutputOf,
  Service,
  Skippable,
  SkipsOf,
  Source,
  SourceTypes,
  ValuesOf,
} from './source.ts';
export {
  type RegionKind,
  type Stage,
  type StageKind,
  type StageLabel,
  type StageOptions,
  type StagePolicy,
  type StageSpec,
  type Streams,
  stage,
} from './stage.ts';
export type { CallOptions, StageContext, WaitForOptions } from './stage-context.ts';
export {
  type ChunkOf,
  type Leaves,
  type Streamed,
  type StreamedOptions,
  type StreamingStage,
  type StreamOptions,
  type StreamOverflow,
  streamed,
  type Yields,
} from './streamed.ts';
export { type InputSources, subpipeline } from './subpipeline.ts';
export type { EffectResult, Undo, UndoContext, UndoFunction, UndoneEnding, UndoOptions } from './undo.ts';
export { type Deduplicate, type DeduplicateOptions, type WorkSpec, work } from './work.ts';
