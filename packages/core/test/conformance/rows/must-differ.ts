import { later, type Section, tested } from '../row.ts';

const interceptors = '@stageflow/interceptors';
const idempotency = '@stageflow/interceptors, @stageflow/redis-idempotency';

/** Cases D1 to D30: where the earlier system is wrong. */
export const mustDifferSections: readonly Section[] = [
  {
    title: 'Where the earlier system is wrong',
    rows: [
      tested('D1', 'When a stage fails, by value or by timeout, the others are aborted and awaited, and nothing starts afterwards.'),
      tested('D2', 'A cancel from outside aborts the running stage at once, and the run ends cancelled even if that was its last.'),
      tested('D3', 'Whoever gives up a run has all its work aborted.'),
      tested('D4', 'Runs of one pipeline at the same time do not touch each other.'),
      tested('D5', 'An interceptor that denies or throws fails the stage, which does not run.'),
      later('D6', 'An open breaker is a failure of its own and lets one probe through.', interceptors, 'the breaker is an interceptor'),
      later(
        'D7',
        'One error counts once for the breaker.',
        interceptors,
        'the breaker is an interceptor; an attempt is reported as failed once here',
      ),
      tested('D8', 'Five attempts are five calls.'),
      tested('D9', 'A stage that asks to be called again is, after the wait it asked for; without a policy it fails.'),
      tested('D10', 'Each attempt has its own timeout, and a timeout is worth another attempt.'),
      later('D11', 'Under one idempotency key two stages each run and are stored apart.', idempotency, 'it needs an IdempotencyStore'),
      later('D12', 'The third identical call gives what the first gave.', idempotency, 'it needs an IdempotencyStore'),
      tested('D13', 'What stands behind a skipped stage is skipped, at any distance, unless it says that it can do without.'),
      tested('D14', "A guard retry makes everything between draft and guard again, with the guard's feedback."),
      tested('D15', 'Every run has events for itself and its stages, numbered without a gap.'),
      tested('D16', 'A sink that throws changes nothing for the run, and is counted.'),
      tested('D17', 'An empty list of interceptors means none.'),
      tested('D18', 'Two stages of one name are an error.'),
      tested('D19', 'Reading what was not declared is an error.'),
      tested('D20', 'Values are in the order declared, results in the order of the plan.'),
      tested('D21', 'Deep graphs build and run in linear time without recursion.'),
      tested('D22', 'A failed run shows what was finished, and what the failing stage knew.'),
      tested('D23', 'Closing loses nothing that a sink had accepted, and never throws because of the sink.'),
      tested('D24', 'Cancelling a parent aborts its children, whose events carry its id.'),
      tested('D25', 'A cancelled child is reported as cancelled, not as failed.'),
      later(
        'D26',
        'Comparing schemas sees nullability, optional members, nesting and arrays, with direction.',
        '@stageflow/declarative (plan lint)',
        'comparing needs JSON Schema, which Standard Schema does not give',
      ),
      tested('D27', 'Every run has an id.'),
      tested('D28', 'A cleanup registered by a cleanup runs, and any function can be one.'),
      tested('D29', 'The output of a stage and the data of the run cannot be changed by those who read them.'),
      tested('D30', 'A timeout is reported as a timeout, and as worth another attempt.'),
    ],
  },
];
