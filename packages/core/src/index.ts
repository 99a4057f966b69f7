export type { Condition, When } from './condition.ts';
export {
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
export { defineEvent, type EventDefinition } from './define-event.ts';
export { type FirstOf, firstOf, type Optional, optional, type Settled, settled } from './edge.ts';
export type { ErrorCode, ErrorDetails, PlanProblem, PlanProblemCode } from './error-table.ts';
export { type ErrorLocation, isStageflowError, StageflowError, type StageflowErrorJson } from './errors.ts';
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
  type GuardFailedOpen,
  isTerminal,
  type RunBlocked,
  type RunCancelled,
  type RunCompleted,
  type RunCreated,
  type RunEvent,
  type RunFailed,
  type RunSnapshotted,
  type RunStarted,
  type RunStopping,
  type StageBlocked,
  type StageCancelled,
  type StageCompleted,
  type StageEnvelope,
  type StageFailed,
  type StageProgressed,
  type StageSkipped,
  type StageStarted,
  topicOf,
} from './event.ts';
export type { RunOptions } from './execution/start-run.ts';
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
export type { IdentityOptions, RunIdentity } from './identity.ts';
export { type InputsOf, inputs, type ServicesOf, services } from './inputs.ts';
export type {
  BlockedOutcome,
  CancelledOutcome,
  CompletedOutcome,
  FailedOutcome,
  OutcomeCounts,
  OutcomeStatus,
  RootCause,
  SkippedOutcome,
  StageOutcome,
  StageReport,
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
export type { FailureMode, PipelinePolicy } from './plan/draft.ts';
export type { Plan } from './plan/plan.ts';
export type { RetryPolicy } from './retry.ts';
export { type Route, type RouteSpec, route } from './route.ts';
export type { BlockedRun, CancelledRun, CompletedRun, FailedRun, Run, RunStatus, RunSummary } from './run.ts';
export type { RunHandle } from './run-handle.ts';
export { createRuntime, type Runtime, type RuntimeOptions, type SinkEntry } from './runtime.ts';
export type { Schema, SchemaIssue, SchemaResult } from './schema.ts';
export type { OverflowPolicy, SinkCounters, SinkQueueOptions } from './sink-queue.ts';
export type {
  Demand,
  DemandOf,
  Input,
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
export { type Stage, type StageKind, type StageLabel, type StageOptions, type StagePolicy, type StageSpec, stage } from './stage.ts';
export type { StageContext } from './stage-context.ts';
export { type WorkSpec, work } from './work.ts';
