/**
 * Every error code, once: the details it carries, its message, what to do about it. Messages are full sentences that
 * name the subject and what was received. The pages in `docs/errors` are generated from this table and a test keeps
 * them in step.
 */

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

  SF_INPUT_INVALID: { readonly inputs: readonly { readonly input: string; readonly issues: readonly string[] }[] };
  SF_SERVICE_MISSING: { readonly services: readonly string[] };
  SF_OPTION_INVALID: { readonly option: string; readonly expected: string; readonly received: string };
  SF_PIPELINE_UNKNOWN: { readonly pipeline: string; readonly nearest: string | undefined; readonly otherOfThatName: boolean };
  SF_DUPLICATE_PIPELINE: { readonly pipeline: string };
  SF_RUNTIME_CLOSED: { readonly pipeline: string };
  SF_RUNTIME_REQUIRED: { readonly stage: string; readonly feature: string };

  SF_STAGE_FAILED: { readonly stage: string; readonly thrown: string };
  SF_STAGE_TIMEOUT: { readonly stage: string; readonly timeoutMs: number; readonly overrunMs: number };
  SF_STAGE_IDLE: { readonly stage: string; readonly idleMs: number };
  SF_STAGE_BUDGET: { readonly stage: string; readonly budgetMs: number };
  SF_OUTPUT_INVALID: { readonly stage: string; readonly issues: readonly string[]; readonly received: string };
  SF_ROUTE_INVALID: { readonly stage: string; readonly received: string };
  SF_WHEN_INVALID: { readonly stage: string; readonly received: string };
  SF_GUARD_FAILED: { readonly stage: string; readonly why: string };
  SF_EXTENSION_INVALID: { readonly extension: string; readonly issues: readonly string[] };
  SF_CONFIG_INVALID: { readonly key: string; readonly issues: readonly string[] };
  SF_SCHEMA_ASYNC: { readonly subject: string };
  SF_EVENT_INVALID: { readonly event: string; readonly issues: readonly string[] };

  SF_RUN_DEADLINE: { readonly deadlineMs: number };
  SF_RUN_BLOCKED: { readonly stage: string; readonly reason: string };
  SF_RUN_CANCELLED: { readonly reason: string };
  SF_RUN_ENDED: { readonly stage: string; readonly call: string };
  SF_CLEANUP_FAILED: { readonly stage: string; readonly why: string };
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
  | 'SF_ROUTE_EXPECTED';

interface ErrorEntry<Details> {
  readonly message: (details: Details) => string;
  readonly hint: (details: Details) => string;
  readonly retryable: boolean;
}

function entry<Details>(message: (details: Details) => string, hint: (details: Details) => string, retryable = false): ErrorEntry<Details> {
  return { message, hint, retryable };
}

function didYouMean(nearest: string | undefined, otherwise: string): string {
  return nearest === undefined ? otherwise : `Did you mean "${nearest}"?`;
}

/** Text of users' or of schemas, as the end of a sentence. */
function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** What a schema complained of. */
function reasons(issues: readonly string[]): string {
  return ended(issues.join('; '));
}

/** One problem goes on in the same line; several have a line each. */
function listed(problems: readonly PlanProblem[]): string {
  const separator = problems.length === 1 ? ' ' : '\n- ';
  return problems.map(({ message, hint }) => `${separator}${message} ${hint}`).join('');
}

/** The table itself. */
export const errorTable: { readonly [C in ErrorCode]: ErrorEntry<ErrorDetails[C]> } = {
  SF_PLAN_INVALID: entry(
    (d) => `Pipeline "${d.pipeline}" is invalid:${listed(d.problems)}`,
    (d) =>
      d.problems.length === 1
        ? 'Mend the problem that the message names.'
        : `Mend all ${d.problems.length} problems; "details.problems" has them as data.`,
  ),
  SF_PLAN_EMPTY: entry(
    (d) => `Pipeline "${d.pipeline}" has no stage.`,
    () => 'Name at least one stage in "outputs" or "also".',
  ),
  SF_NAME_INVALID: entry(
    (d) => `No ${d.subject} can be named ${JSON.stringify(d.name)}: ${d.why}.`,
    () => 'Choose another name: not empty or padded with white space, without "/", "[", "]" and control characters, and not "__proto__".',
  ),
  SF_DUPLICATE_STAGE: entry(
    (d) => `Two different stages are named "${d.stage}".`,
    () => 'Give one of them another name: names identify stages in reports, events and stores.',
  ),
  SF_UNKNOWN_STAGE: entry(
    (d) => `${d.reader} names the stage "${d.stage}", which this pipeline does not have.`,
    (d) => didYouMean(d.nearest, 'Add the stage, or mend the name.'),
  ),
  SF_UNKNOWN_SOURCE: entry(
    (d) => `"${d.key}" of ${d.reader} is not something a stage can read: received ${d.received}.`,
    () => 'Give it an input, a service, a stage, or one of them in optional(), settled() or firstOf().',
  ),
  SF_CYCLE: entry(
    (d) => `The stages depend on each other in a circle: ${d.path.join(' -> ')}.`,
    () => 'Remove one of these edges; each points from a stage to one it needs.',
  ),
  SF_STAGE_UNREACHABLE: entry(
    (d) => `Stage "${d.stage}" would never run: nothing in "outputs" or "also" needs it.`,
    () => 'Name it under "outputs" or "also", or remove it.',
  ),
  SF_INPUT_CONFLICT: entry(
    (d) => `Two inputs named "${d.input}" have different schemas.`,
    () => 'Import one input where both are used, give both the same schema object, or rename one.',
  ),
  SF_POLICY_INVALID: entry(
    (d) => `Option "${d.option}" of ${d.subject} must be ${d.expected}, received ${d.received}.`,
    () => 'Mend the value, or leave the option out for its default.',
  ),
  SF_GUARD_TOLERATED: entry(
    (d) => `Guard "${d.guard}" is read by ${d.reader} through ${d.edge}, which would let work go on after a block.`,
    () => 'Read the guard plainly, read settled() and decide yourself, or declare the guard failOpen.',
  ),
  SF_ROUTE_EXPECTED: entry(
    (d) => `The condition of ${d.reader} refers to "${d.stage}", which is not a route.`,
    () => 'Refer to a stage made with route().',
  ),

  SF_INPUT_INVALID: entry(
    (d) => d.inputs.map(({ input, issues }) => `Input "${input}" is invalid: ${reasons(issues)}`).join(' '),
    () => 'Mend the value given to run(); nothing has run.',
  ),
  SF_SERVICE_MISSING: entry(
    (d) => `The pipeline reads services that were not provided: ${d.services.map((name) => `"${name}"`).join(', ')}.`,
    () => 'Pass them as "services" to run() or createRuntime().',
  ),
  SF_OPTION_INVALID: entry(
    (d) => `Option "${d.option}" must be ${d.expected}, received ${d.received}.`,
    () => 'Mend the value, or leave the option out for its default.',
  ),
  SF_PIPELINE_UNKNOWN: entry(
    (d) =>
      d.otherOfThatName
        ? `This runtime has another pipeline "${d.pipeline}", not this one.`
        : `This runtime has no pipeline "${d.pipeline}".`,
    (d) =>
      d.otherOfThatName
        ? 'Give createRuntime() the very pipeline that is run: what with() and configure() return is a pipeline of its own.'
        : didYouMean(d.nearest, 'Add it to "pipelines" of createRuntime().'),
  ),
  SF_DUPLICATE_PIPELINE: entry(
    (d) => `Two different pipelines are named "${d.pipeline}".`,
    () => 'Give one of them another name.',
  ),
  SF_RUNTIME_CLOSED: entry(
    (d) => `Pipeline "${d.pipeline}" was started on a runtime that is closed.`,
    () => 'Start runs before close(), or create another runtime.',
  ),
  SF_RUNTIME_REQUIRED: entry(
    (d) => `Stage "${d.stage}" needs ${d.feature}, which this run does not have.`,
    () => 'Run the pipeline on a runtime that provides it.',
  ),

  SF_STAGE_FAILED: entry(
    (d) => `Stage "${d.stage}" failed: ${d.thrown}`,
    () => 'See "cause" for the original error.',
    true,
  ),
  SF_STAGE_TIMEOUT: entry(
    (d) =>
      `Stage "${d.stage}" did not finish within ${d.timeoutMs} ms${d.overrunMs > 0 ? `: it held the thread and ended ${d.overrunMs} ms late` : ''}.`,
    (d) =>
      d.overrunMs > 0
        ? 'Move blocking work off this thread, or raise timeoutMs.'
        : 'Pass context.signal to what the stage calls, or raise timeoutMs.',
    true,
  ),
  SF_STAGE_IDLE: entry(
    (d) => `Stage "${d.stage}" gave no sign of life for ${d.idleMs} ms.`,
    () => 'Call context.heartbeat() or context.progress() as work advances, or raise idleMs.',
    true,
  ),
  SF_STAGE_BUDGET: entry(
    (d) => `Stage "${d.stage}" did not finish within its budget of ${d.budgetMs} ms for all attempts.`,
    () => 'Raise budgetMs, or lower timeoutMs and retry.attempts.',
  ),
  SF_OUTPUT_INVALID: entry(
    (d) => `The output of stage "${d.stage}" breaks its contract: ${reasons([...d.issues, `received ${d.received}`])}`,
    () => 'Mend what the stage returns, or its "output" schema.',
    true,
  ),
  SF_ROUTE_INVALID: entry(
    (d) => `Route "${d.stage}" must return a string, received ${d.received}.`,
    () => 'Return the name of the arm to take.',
  ),
  SF_WHEN_INVALID: entry(
    (d) => `The condition of stage "${d.stage}" must answer true or false at once, received ${d.received}.`,
    () => 'Make "when" a synchronous predicate; put asynchronous decisions in a route().',
  ),
  SF_GUARD_FAILED: entry(
    (d) => `Guard "${d.stage}" could not give a verdict: ${ended(d.why)}`,
    () => 'Return pass(), transform(), block() or review(). Without a verdict a guard blocks, unless it is declared failOpen.',
  ),
  SF_EXTENSION_INVALID: entry(
    (d) => `Extension "${d.extension}" is invalid: ${reasons(d.issues)}`,
    () => 'Mend the value under "extensions" in the run options.',
  ),
  SF_CONFIG_INVALID: entry(
    (d) => `Configuration "${d.key}" is invalid: ${reasons(d.issues)}`,
    () => 'Mend the value in the ConfigProvider.',
  ),
  SF_SCHEMA_ASYNC: entry(
    (d) => `The schema of ${d.subject} answered with a promise where an answer is needed at once.`,
    () => 'Use a synchronous schema here.',
  ),
  SF_EVENT_INVALID: entry(
    (d) => `The payload of event "${d.event}" is invalid: ${reasons(d.issues)}`,
    () => 'Mend the payload given to context.emit(), or the schema given to defineEvent().',
  ),

  SF_RUN_DEADLINE: entry(
    (d) => `The run did not finish within ${d.deadlineMs} ms.`,
    () => 'Raise deadlineMs, or give slow stages a timeout of their own.',
    true,
  ),
  SF_RUN_BLOCKED: entry(
    (d) => `Guard "${d.stage}" blocked the run: ${ended(d.reason)}`,
    () => 'This is a decision, not a fault: show the reason to whoever made the request.',
  ),
  SF_RUN_CANCELLED: entry(
    (d) => `The run was cancelled: ${ended(d.reason)}`,
    () => 'Start it again if it is still wanted; run.outputs holds what was finished.',
  ),
  SF_RUN_ENDED: entry(
    (d) => `Stage "${d.stage}" called ${d.call} after its run had ended.`,
    () => 'Stop the work of a stage when context.signal aborts.',
  ),
  SF_CLEANUP_FAILED: entry(
    (d) => `A cleanup of stage "${d.stage}" failed: ${ended(d.why)}`,
    () => 'Mend the function given to context.defer(); the outcome of the run stands.',
  ),
};
