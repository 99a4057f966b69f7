import { replaced, type Section, tested } from '../row.ts';

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
      tested(104, 'A function around a stage is told its name and kind before it runs.'),
      replaced(
        105,
        'A hook that cancels the run keeps the stage from running.',
        'An interceptor that denies fails the stage, which does not run; a run is cancelled through its handle or signal.',
      ),
      tested(106, 'What the host provides reaches the stage.'),
      tested(107, 'An interceptor runs once before and once after a stage.'),
      tested(108, 'An interceptor can answer in place of the stage.'),
      tested(109, 'The default interceptors change nothing for a stage that works.'),
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
      tested(123, 'Wide events: one for each stage, one for the run.'),
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
      tested(125, 'A draft that a guard refuses is made again, and the second one counts.'),
      tested(126, 'A guard that never passes ends the run after its attempts.'),
      tested(127, 'Equal failures count as stagnation.'),
      tested(128, 'The time limit ends it though attempts remain.'),
    ],
  },
  {
    title: 'Interceptors',
    rows: [
      replaced(
        129,
        'The default stack is in order of priority.',
        'defaultInterceptors() is a list that can be read; its order is that of the list.',
      ),
      replaced(
        130,
        'Built-in interceptors have fixed priorities.',
        'There are no priorities: interceptors nest in the order of their list.',
      ),
      replaced(
        131,
        'Interceptors apply in order of priority, however they were given.',
        'They nest in the order of their list, the first outermost.',
      ),
      tested(132, 'An answer of an interceptor is the output of the stage.'),
      replaced(133, 'Hooks that throw do not crash the stage.', 'An interceptor that throws fails what it stands around; see D5.'),
      replaced(
        134,
        'A timeout interceptor with a default of 30 s, overridden by the run.',
        'timeoutMs is a policy of the stage, without a default, overridden by configure(); no timer is left behind.',
      ),
      tested(135, 'A circuit breaker opens after five failures and closes after a success.'),
      tested(136, 'Tracing and metrics keep their start time only while the stage runs.'),
      replaced(
        137,
        'An interceptor sees a copy of the data and keeps notes of its own.',
        'It sees what the stage reads and the identity of the run; its notes are variables of its own.',
      ),
      replaced(
        138,
        'An answer without result or error says that the stage ran.',
        'A short circuit is explicit: cached(value), or a throw. Anything else fails the stage.',
      ),
      tested(139, 'Metrics of children are logged in child runs.'),
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
      tested(146, 'Without a key the stage runs.'),
      tested(147, 'A known key gives the stored result.'),
      tested(148, 'One key with other parameters is an error.'),
      tested(149, 'Only completed results are stored, with a time to live.'),
      tested(150, 'Of two callers at once the second waits for the first.'),
      tested(151, 'Entries expire and can be deleted.'),
    ],
  },
  {
    title: 'Hardening',
    rows: [
      tested(152, 'A change to the data of the run is reported.'),
      replaced(
        153,
        'Large and growing contexts are reported.',
        'A limit on what a stage is given and another on what it yields; who exceeds them is told or fails.',
      ),
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
      tested(164, 'Slots that are taken and given back, their utilisation, and an overload above a mark.'),
      replaced(
        165,
        'A condition "stage:key" follows a truthy value, and a malformed one runs the stage.',
        'A condition is a function or an arm of a route; one that answers neither true nor false fails its stage.',
      ),
    ],
  },
];
