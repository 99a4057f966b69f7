import { later, replaced, type Section, tested } from '../row.ts';

const interceptors = '@stageflow/interceptors';
const whyInterceptors = 'interceptors are not part of this slice';
const guarded = '@stageflow/core, regions (guarded)';
const whyGuarded = 'drafting again under a guard is a region of its own, with budget, stagnation and feedback';
const idempotency = '@stageflow/interceptors, @stageflow/redis-idempotency';
const whyIdempotency = 'it needs an IdempotencyStore; core only hands the key to the target';

/** Cases 98 to 165: executing, retrying, stopping, failing. */
export const runningSections: readonly Section[] = [
  {
    title: 'Execution',
    rows: [
      tested(98, 'The value and the status of one stage stand under its name.'),
      tested(99, 'Independent stages run at the same time.'),
      tested(100, 'The stages of a chain start in its order.'),
      tested(101, 'In a diamond the first stage runs first and the join last.'),
      tested(102, 'Nothing, maps and nested values arrive as they were returned.'),
      tested(103, 'A stage reads the value of the stage it needs.'),
      replaced(
        104,
        'Hooks are told the name and kind of a stage before it runs.',
        'The event stage.started says so; functions around a stage come with interceptors.',
      ),
      later(105, 'A hook that cancels the run keeps the stage from running.', interceptors, whyInterceptors),
      tested(106, 'What the host provides reaches the stage.'),
      later(107, 'An interceptor runs once before and once after a stage.', interceptors, whyInterceptors),
      later(108, 'An interceptor can answer in place of the stage.', interceptors, whyInterceptors),
      later(109, 'The default interceptors change nothing for a stage that works.', interceptors, whyInterceptors),
      tested(110, 'A stage that returns a failure fails the run, which names it.'),
      tested(111, 'A stage that throws fails the run, which names it and keeps what was thrown.'),
      tested(112, 'If one of two roots throws, the run fails.'),
      tested(113, 'A stage that cancels stops the run: its reason is kept, dependents never run, finished outputs stay.'),
      tested(114, 'The needs of a stage that cancels have run before it.'),
      replaced(
        115,
        'A graph with a circle or an unknown dependency ends in a deadlock when it runs.',
        'Such a graph cannot be built, by reference or from data.',
      ),
      tested(116, 'A graph without stages is refused when it is made.'),
      tested(117, 'A conditional stage runs when its condition holds.'),
      tested(118, 'A conditional stage whose condition does not hold is skipped with a reason, and the rest goes on.'),
      tested(119, 'A stage that skips has ended skipped, and the run succeeds.'),
      replaced(
        120,
        'A stage that asks to be called again ends so, and the run succeeds.',
        'It is called again under its retry policy, and fails without one.',
      ),
      tested(121, 'Chains of 20 and 100 and a fan-out of 30 complete with every stage.'),
      tested(122, 'All stages of a run count from the same start.'),
      replaced(
        123,
        'Wide events: one for each stage, one for the run.',
        'Each stage and the run have one last event, with counts and durations; wide events come with @stageflow/interceptors.',
      ),
      replaced(
        124,
        'A graph can be started with the context of a stage.',
        'A pipeline is started with its inputs; there is no second way.',
      ),
    ],
  },
  {
    title: 'Guard retry',
    rows: [
      later(125, 'A draft that a guard refuses is made again, and the second one counts.', guarded, whyGuarded),
      later(126, 'A guard that never passes ends the run after its attempts.', guarded, whyGuarded),
      later(127, 'Equal failures count as stagnation.', guarded, whyGuarded),
      later(128, 'The time limit ends it though attempts remain.', guarded, whyGuarded),
    ],
  },
  {
    title: 'Interceptors',
    rows: [
      later(129, 'The default stack is in order of priority.', interceptors, whyInterceptors),
      later(130, 'Built-in interceptors have fixed priorities.', interceptors, 'an order of nesting replaces priorities'),
      later(
        131,
        'Interceptors apply in order of priority, however they were given.',
        interceptors,
        'an order of nesting replaces priorities',
      ),
      later(132, 'An answer of an interceptor is the output of the stage.', interceptors, whyInterceptors),
      later(133, 'Hooks that throw do not crash the stage.', interceptors, 'an interceptor that throws will fail its stage; see D5'),
      replaced(
        134,
        'A timeout interceptor with a default of 30 s, overridden by the run.',
        'timeoutMs is a policy of the stage, without a default, overridden by configure(); no timer is left behind.',
      ),
      later(135, 'A circuit breaker opens after five failures and closes after a success.', interceptors, whyInterceptors),
      later(
        136,
        'Tracing and metrics keep their start time only while the stage runs.',
        '@stageflow/otel',
        'traces and metrics are made from events there',
      ),
      later(137, 'An interceptor sees a copy of the data and keeps notes of its own.', interceptors, whyInterceptors),
      later(
        138,
        'An answer without result or error says that the stage ran.',
        interceptors,
        'short-circuits will be explicit: cached(value), or a failure',
      ),
      later(139, 'Metrics of children are logged in child runs.', '@stageflow/otel', 'traces and metrics are made from events there'),
    ],
  },
  {
    title: 'Retry',
    rows: [
      replaced(140, 'Defaults: 3 attempts, 1,000 ms, 30,000 ms, exponential, full jitter.', 'The same, with a first wait of 100 ms.'),
      tested(141, 'Waits without jitter: exponential, linear, constant, capped.'),
      tested(142, 'Full jitter stays below the wait, equal jitter in its upper half.'),
      tested(143, 'A failure worth another attempt gets one while attempts are left; others end the stage.'),
      tested(144, "A classifier of one's own takes the place of the default."),
      tested(145, 'An error can say how long to wait; an unavailable service is worth another attempt.'),
    ],
  },
  {
    title: 'Idempotency',
    rows: [
      later(146, 'Without a key the stage runs.', idempotency, whyIdempotency),
      later(147, 'A known key gives the stored result.', idempotency, whyIdempotency),
      later(148, 'One key with other parameters is an error.', idempotency, whyIdempotency),
      later(149, 'Only completed results are stored, with a time to live.', idempotency, whyIdempotency),
      later(150, 'Of two callers at once the second waits for the first.', idempotency, whyIdempotency),
      later(151, 'Entries expire and can be deleted.', idempotency, whyIdempotency),
    ],
  },
  {
    title: 'Hardening',
    rows: [
      later(
        152,
        'A change to the data of the run is reported.',
        interceptors,
        'a check for production; under the development condition outputs are frozen, see D29',
      ),
      later(153, 'Large and growing contexts are reported.', interceptors, 'measuring sizes is a matter for an interceptor'),
    ],
  },
  {
    title: 'Cancellation and cleanup',
    rows: [
      tested(154, 'Cleanups run when the run ends, last registered first.'),
      tested(155, 'A cleanup that fails is reported, and the others run.'),
      tested(156, 'A cleanup that exceeds the budget is reported.'),
      replaced(
        157,
        'A cleanup can be taken back, and pending ones counted.',
        'context.defer() is for good; a cleanup that may become needless looks for itself.',
      ),
      tested(158, 'The first reason of a cancel stays; listeners are called, and a late one finds it cancelled.'),
      tested(159, 'A run is a scope: all its stages run, cleanups run on success and on error, the error is kept.'),
      tested(160, 'Cleanups run on success, on error and on cancel.'),
      tested(161, 'The result or the error of the work stands, and a slow cleanup holds the run no longer than its budget.'),
    ],
  },
  {
    title: 'Failure tolerance',
    rows: [
      tested(162, 'Three failure modes: stop at the first, go on with what is not behind it, or make the best of it.'),
      tested(163, 'A summary counts how stages ended and lists the failures.'),
      later(
        164,
        'Backpressure: slots, utilisation, a watermark.',
        '@stageflow/core/limits',
        'limits that runs share belong to the runtime; a run has maxConcurrency',
      ),
      replaced(
        165,
        'A condition "stage:key" follows a truthy value, and a malformed one runs the stage.',
        'A condition is a function or an arm of a route; one that answers neither true nor false fails its stage.',
      ),
    ],
  },
];
