/** The error codes, and the details that each carries. */

/** What is known about one problem of a plan. */
export interface PlanProblem {
  readonly code: PlanProblemCode;
  readonly message: string;
  readonly hint: string;
}

/** The details each code carries. */
export interface ErrorDetails {
  SF_PLAN_INVALID: { readonly pipeline: string; readonly problems: readonly PlanProblem[] };
  SF_PLAN_EMPTY: { readonly pipeline: string };
  SF_NAME_INVALID: { readonly subject: string; readonly name: string; readonly why: string };
  SF_DUPLICATE_STAGE: { readonly stage: string };
  SF_UNKNOWN_STAGE: { readonly stage: string; readonly reader: string; readonly nearest: string | undefined };
  SF_UNKNOWN_SOURCE: { readonly reader: string; readonly key: string; readonly received: string };
  SF_CYCLE: { readonly path: readonly string[] };
  SF_STAGE_UNREACHABLE: { readonly stage: string };
  SF_INPUT_CONFLICT: { readonly input: string };
  SF_POLICY_INVALID: { readonly subject: string; readonly option: string; readonly expected: string; readonly received: string };
  SF_GUARD_TOLERATED: { readonly guard: string; readonly reader: string; readonly edge: string };
  SF_ROUTE_EXPECTED: { readonly stage: string; readonly reader: string };
  SF_LOCAL_ESCAPED: { readonly local: string; readonly reader: string };
  SF_REGION_CONSTANT: { readonly stage: string };
  SF_STREAM_INVALID: { readonly reader: string; readonly stage: string; readonly why: string };

  SF_INPUT_INVALID: {
    /** Where nothing was given under the name of an input, `nearest` is what was given under one that no input has. */
    readonly inputs: readonly { readonly input: string; readonly issues: readonly string[]; readonly nearest?: string | undefined }[];
  };
  SF_SERVICE_MISSING: { readonly services: readonly string[] };
  SF_OPTION_INVALID: { readonly option: string; readonly expected: string; readonly received: string };
  SF_PIPELINE_UNKNOWN: { readonly pipeline: string; readonly nearest: string | undefined; readonly otherOfThatName: boolean };
  SF_DUPLICATE_PIPELINE: { readonly pipeline: string };
  SF_RUNTIME_CLOSED: { readonly pipeline: string };
  /** What asked: a stage, or a verb of the runtime. */
  SF_RUNTIME_REQUIRED: ({ readonly stage: string; readonly verb?: undefined } | { readonly verb: string }) & { readonly feature: string };
  SF_RESOURCE_UNKNOWN: { readonly stage: string; readonly resource: string; readonly nearest: string | undefined };
  SF_RESOURCE_REFUSED: {
    readonly stage: string;
    readonly resource: string;
    readonly key: string | undefined;
    readonly why: 'queue_full' | 'queue_timeout';
    /** How many may wait, or how long, milliseconds. */
    readonly limit: number;
  };
  SF_RESOURCE_ORDER: { readonly stage: string; readonly resource: string; readonly held: string };
  SF_RUN_CONFLICT: { readonly pipeline: string; readonly key: string; readonly other: string };
  SF_RUN_REFUSED: { readonly pipeline: string; readonly why: 'queue_full' | 'queue_timeout'; readonly limit: number };
  SF_RUN_DEPTH_EXCEEDED: { readonly pipeline: string; readonly parentRunId: string; readonly maxDepth: number };
  SF_PARENT_ENDED: { readonly pipeline: string; readonly parentRunId: string; readonly why: string };

  SF_STAGE_FAILED: { readonly stage: string; readonly thrown: string };
  SF_STAGE_TIMEOUT: { readonly stage: string; readonly timeoutMs: number; readonly overrunMs: number };
  SF_STAGE_IDLE: { readonly stage: string; readonly idleMs: number };
  SF_STAGE_BUDGET: { readonly stage: string; readonly budgetMs: number };
  SF_OUTPUT_INVALID: { readonly stage: string; readonly issues: readonly string[]; readonly received: string };
  SF_ROUTE_INVALID: { readonly stage: string; readonly received: string };
  SF_WHEN_INVALID: { readonly stage: string; readonly received: string };
  SF_GUARD_FAILED: { readonly stage: string; readonly why: string };
  SF_MAP_INVALID: { readonly stage: string; readonly why: string };
  SF_LOOP_EXHAUSTED: { readonly stage: string; readonly turns: number; readonly lastValue: unknown };
  SF_GUARD_EXHAUSTED: {
    readonly stage: string;
    readonly attempts: number;
    readonly spent: 'attempts' | 'stagnation' | 'timeout';
    readonly reason: string;
    readonly lastValue: unknown;
  };
  SF_EXTENSION_INVALID: { readonly extension: string; readonly issues: readonly string[] };
  SF_CONFIG_INVALID: { readonly key: string; readonly issues: readonly string[] };
  SF_SCHEMA_ASYNC: { readonly subject: string };
  SF_EVENT_INVALID: { readonly event: string; readonly issues: readonly string[] };

  SF_INTERCEPTOR_FAILED: { readonly interceptor: string; readonly thrown: string };
  SF_INTERCEPTOR_INVALID: { readonly interceptor: string; readonly why: string };
  SF_DEPTH_EXCEEDED: { readonly stage: string; readonly callee: string; readonly maxDepth: number };
  SF_CALL_INVALID: { readonly stage: string; readonly callee: string; readonly why: string };
  SF_NONDETERMINISTIC: { readonly stage: string; readonly call: string; readonly expected: string; readonly received: string };

  SF_STREAM_UNDECLARED: { readonly stage: string };
  SF_STREAM_CLOSED: { readonly stage: string };
  SF_STREAM_PUT_TIMEOUT: { readonly stage: string; readonly reader: string; readonly putTimeoutMs: number };
  SF_STREAM_OVERFLOW: { readonly stage: string; readonly reader: string; readonly capacity: number };
  SF_STREAM_BROKEN: { readonly stage: string; readonly reader: string; readonly why: string };

  SF_NOT_SERIALIZABLE: { readonly stage: string; readonly at: string; readonly received: string };
  SF_ANSWER_INVALID: { readonly stage: string; readonly wait: string; readonly issues: readonly string[] };
  SF_WAIT_EXPIRED: { readonly stage: string; readonly wait: string };
  SF_WAIT_CLOSED: { readonly waitId: string; readonly why: string };
  SF_DECISION_REFUSED: { readonly waitId: string; readonly by: string | undefined; readonly why: string };
  SF_RUN_EXISTS: { readonly runId: string };
  SF_RUN_UNKNOWN: { readonly runId: string };
  SF_RUN_NOT_RESUMABLE: { readonly runId: string; readonly why: string };
  SF_RUN_TAKEN_OVER: { readonly runId: string; readonly epoch: number };
  SF_PLAN_CHANGED: { readonly pipeline: string; readonly runId: string; readonly paths: readonly string[] };
  /** `at`: which part of what is kept. */
  SF_JOURNAL_CORRUPT: { readonly runId: string; readonly at: string; readonly why: string };
  /** `subject`: what has the version, at the beginning of a sentence. */
  SF_STORE_VERSION: { readonly subject: string; readonly version: number; readonly known: number; readonly package: string };
  SF_STORE_FAILED: { readonly store: string; readonly why: string };
  SF_STEP_LOST: { readonly stage: string; readonly reason: string };
  SF_STEP_REFUSED: { readonly path: string; readonly why: string };
  SF_RUN_SUSPENDED: { readonly waits: readonly string[] };

  SF_RUN_DEADLINE: { readonly deadlineMs: number };
  SF_RUN_BLOCKED: { readonly stage: string; readonly reason: string };
  SF_RUN_CANCELLED: { readonly reason: string };
  SF_RUN_ENDED: { readonly stage: string; readonly call: string };
  SF_CLEANUP_FAILED: { readonly stage: string; readonly why: string };
  SF_COMPENSATION_FAILED: { readonly stage: string; readonly attempts: number; readonly why: string };
}

/** Every error code. */
export type ErrorCode = keyof ErrorDetails;

/** The codes of problems that `pipeline()` and `definePipeline()` report, all at once, inside `SF_PLAN_INVALID`. */
export type PlanProblemCode =
  | 'SF_PLAN_EMPTY'
  | 'SF_NAME_INVALID'
  | 'SF_DUPLICATE_STAGE'
  | 'SF_UNKNOWN_STAGE'
  | 'SF_UNKNOWN_SOURCE'
  | 'SF_CYCLE'
  | 'SF_STAGE_UNREACHABLE'
  | 'SF_INPUT_CONFLICT'
  | 'SF_POLICY_INVALID'
  | 'SF_GUARD_TOLERATED'
  | 'SF_ROUTE_EXPECTED'
  | 'SF_LOCAL_ESCAPED'
  | 'SF_REGION_CONSTANT'
  | 'SF_STREAM_INVALID';
