import { durabilityErrors } from './durable/durability-errors.ts';
import type { ErrorCode, ErrorDetails, PlanProblem } from './error-details.ts';
import { didYouMean, type ErrorEntry, ended, entry, reasons } from './error-entry.ts';
import { limitErrors } from './limits/limit-errors.ts';

/**
 * Every error code, once: the details it carries, its message, what to do about it. Messages are full sentences that
 * name the subject and what was received. The pages in `docs/errors` are generated from this table and a test keeps
 * them in step.
 */

/** One problem goes on in the same line; several have a line each. */
function listed(problems: readonly PlanProblem[]): string {
  const separator = problems.length === 1 ? ' ' : '\n- ';
  return problems.map(({ message, hint }) => `${separator}${message} ${hint}`).join('');
}

const spentWords = { attempts: 'which is all that are allowed', stagnation: 'the last ones alike', timeout: 'and the time was up' };

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
    (d) =>
      d.received === 'undefined'
        ? 'Where two modules import each other, what one needs of the other is not there yet: move it into a third.'
        : 'Give it an input, a service, a stage, or one of them in optional(), settled() or firstOf().',
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

  SF_LOCAL_ESCAPED: entry(
    (d) => `"${d.local}" is read by ${d.reader}, outside of the region that gives it.`,
    () => 'Read it only in what the body of the region returns, directly or through others.',
  ),
  SF_REGION_CONSTANT: entry(
    (d) => `What "${d.stage}" repeats reads nothing that changes, so every repetition would be the same.`,
    () => 'Let a stage of its body read the item, the state or the feedback it is given.',
  ),
  SF_STREAM_INVALID: entry(
    (d) => `The ${d.reader} cannot read the chunks of "${d.stage}": ${ended(d.why)}`,
    () => 'Read with streamed() a stage of the same scope that says streams: true, and wait for nothing that waits for the same stage.',
  ),

  SF_INPUT_INVALID: entry(
    (d) => d.inputs.map(({ input, issues }) => `Input "${input}" is invalid: ${reasons(issues)}`).join(' '),
    (d) =>
      d.inputs
        .flatMap(({ input, nearest }) => (nearest === undefined ? [] : [`"${nearest}" was given: did you mean "${input}"? `]))
        .concat('Mend the value given to run(); nothing has run.')
        .join(''),
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
    (d) =>
      d.verb === undefined
        ? `Stage "${d.stage}" needs ${d.feature}, which this run does not have.`
        : `${d.verb} needs ${d.feature}, which this runtime does not have.`,
    (d) =>
      d.verb === undefined
        ? 'Run the pipeline with createRuntime({ pipelines, … }).run(pipeline, input), where the runtime is given what is needed.'
        : 'Give createRuntime() such a store.',
  ),
  ...limitErrors,

  SF_STAGE_FAILED: entry(
    (d) => `Stage "${d.stage}" failed: ${d.thrown}`,
    () =>
      'Mend what the stage does: "cause" is the original error. What may pass is for retry; what may fail, for settled() or fallback().',
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
  SF_MAP_INVALID: entry(
    (d) => `Map "${d.stage}" cannot go through its items: ${ended(d.why)}`,
    () =>
      'Give it an array or another iterable, and a key that is a string or a number and differs for each item; without a key, the place in the list is the key.',
  ),
  SF_LOOP_EXHAUSTED: entry(
    (d) => `Loop "${d.stage}" had not come to its end after ${d.turns} ${d.turns === 1 ? 'turn' : 'turns'}.`,
    () => 'Allow more turns, or keep the last state with onExhausted: "keep". The state is in details.lastValue.',
  ),
  SF_GUARD_EXHAUSTED: entry(
    (d) =>
      `"${d.stage}" found no draft that its guard lets pass: ${d.attempts} made, ${spentWords[d.spent]}; the last was rejected because ${ended(d.reason)}`,
    () => 'Let the producer use the feedback, or allow more attempts. The last draft is in details.lastValue.',
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

  SF_INTERCEPTOR_FAILED: entry(
    (d) => `Interceptor "${d.interceptor}" threw: ${ended(d.thrown)}`,
    () => 'What an interceptor throws fails what it stands around. The error is in "cause".',
  ),
  SF_INTERCEPTOR_INVALID: entry(
    (d) => `Interceptor "${d.interceptor}" broke the rules: ${ended(d.why)}`,
    () => 'Call next() at most once and return what it gave; or return cached(value), or throw.',
  ),
  SF_DEPTH_EXCEEDED: entry(
    (d) => `Stage "${d.stage}" called "${d.callee}" more than ${d.maxDepth} calls deep.`,
    () => 'Look for a stage that calls itself, or raise maxCallDepth in the options of the run or the runtime.',
  ),
  SF_CALL_INVALID: entry(
    (d) => `Stage "${d.stage}" cannot call "${d.callee}": ${ended(d.why)}`,
    () => 'Call a stage; give calls of one stage that are under way at once a key each.',
  ),
  SF_NONDETERMINISTIC: entry(
    (d) => `Stage "${d.stage}" did not repeat its call "${d.call}": before it was ${d.expected}, now it is ${d.received}.`,
    () => 'A stage that is run again must make the same calls with the same values. Derive them from its values, or give calls keys.',
  ),
  SF_STREAM_UNDECLARED: entry(
    (d) => `Stage "${d.stage}" gave a chunk, and does not say that it streams.`,
    () => 'Add streams: true to the stage.',
  ),
  SF_STREAM_CLOSED: entry(
    (d) => `Stage "${d.stage}" gave a chunk after its attempt had ended.`,
    () => 'Await context.emitChunk(), and stop the work of a stage when context.signal aborts.',
  ),
  SF_STREAM_PUT_TIMEOUT: entry(
    (d) => `Stage "${d.stage}" waited ${d.putTimeoutMs} ms for "${d.reader}" to take a chunk.`,
    () => 'Let the reader take chunks faster, raise capacity or putTimeoutMs of the streamed edge, or let it drop chunks with "overflow".',
  ),
  SF_STREAM_OVERFLOW: entry(
    (d) =>
      `Stage "${d.stage}" gave a chunk for which "${d.reader}" had no room: ${d.capacity} ${d.capacity === 1 ? 'was' : 'were'} waiting.`,
    () => 'Let the reader take chunks faster, raise the capacity of the streamed edge, or choose another "overflow".',
  ),
  SF_STREAM_BROKEN: entry(
    (d) => `The chunks of "${d.stage}" that "${d.reader}" reads break off: ${ended(d.why)}`,
    () => 'What came before is whole. A reader that can use it catches this error; where another error is behind it, that is in "cause".',
  ),
  ...durabilityErrors,
  SF_STEP_LOST: entry(
    (d) => `Nobody knows what became of an attempt of stage "${d.stage}": ${ended(d.reason)}`,
    () => 'A retry policy lets it be tried again; give effects an idempotency key.',
    true,
  ),
  SF_STEP_REFUSED: entry(
    (d) => `The step "${d.path}" cannot be run here: ${ended(d.why)}`,
    () => 'Let the place where stages run and the place that walks the plan have the same version of the pipeline.',
  ),
  SF_RUN_SUSPENDED: entry(
    (d) => `The run waits to be answered: ${d.waits.join(', ')}.`,
    () => 'Answer with runtime.decide() or runtime.deliver(), then runtime.resume().',
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
    () => 'Await all that a stage begins before it returns, and stop its work when context.signal aborts.',
  ),
  SF_CLEANUP_FAILED: entry(
    (d) => `A cleanup of stage "${d.stage}" failed: ${ended(d.why)}`,
    () => 'Mend the function given to context.defer(); the outcome of the run stands.',
  ),
};
