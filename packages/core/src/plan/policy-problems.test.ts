import { describe, expect, test } from 'vitest';
import { definePipeline } from '../define.ts';
import { isStageflowError } from '../errors.ts';
import { brokenRules, longestTimerMs, policyRules, sinkQueueRules, stagePolicyProblems } from './policy-problems.ts';

const run = (): number => 1;
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;

/** What is wrong with one stage, without its beginning. */
function wrong(given: object): string[] {
  try {
    definePipeline({ name: 'p', stages: [{ name: 'it', run, ...given } as never], outputs: { it: 'it' } });
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ message }) => message);
    throw error;
  }
  return [];
}

const must = (option: string, expected: string, received: string): string[] => [
  `Option "${option}" of stage "it" must be ${expected}, received ${received}.`,
];

describe('an option of a stage', () => {
  const duration = `a number of milliseconds above 0 and at most ${longestTimerMs}`;
  const wait = `a number of milliseconds from 0 to ${longestTimerMs}`;

  test.each<[object, string[]]>([
    [{ kind: 'step' }, must('kind', 'one of "transform", "enrich", "agent", "route", "guard", "work"', 'the string "step"')],
    [{ timeoutMs: 0 }, must('timeoutMs', duration, 'the number 0')],
    [{ idleMs: 0 }, must('idleMs', duration, 'the number 0')],
    [{ budgetMs: 0 }, must('budgetMs', duration, 'the number 0')],
    [{ graceMs: -1 }, must('graceMs', wait, 'the number -1')],
    [{ graceMs: longestTimerMs + 1 }, must('graceMs', wait, `the number ${longestTimerMs + 1}`)],
    [{ retry: 3 }, must('retry', 'an object of options', 'the number 3')],
    [{ retry: null }, must('retry', 'an object of options', 'null')],
    [{ retry: { attempts: 0 } }, must('retry.attempts', 'an integer of at least 1', 'the number 0')],
    [{ retry: { baseMs: -1 } }, must('retry.baseMs', wait, 'the number -1')],
    [{ retry: { maxMs: -1 } }, must('retry.maxMs', wait, 'the number -1')],
    [{ retry: { backoff: 'no' } }, must('retry.backoff', 'one of "constant", "linear", "exponential"', 'the string "no"')],
    [{ retry: { jitter: 'no' } }, must('retry.jitter', 'one of "none", "full", "equal", "decorrelated"', 'the string "no"')],
    [{ retry: { when: 1 } }, must('retry.when', 'a function', 'the number 1')],
    [{ onFailure: 'no' }, must('onFailure', 'one of "fail", "skip"', 'the string "no"')],
    [{ idempotencyKey: 'k' }, must('idempotencyKey', 'a function', 'the string "k"')],
    [{ undo: () => 1 }, must('undo', 'left out for a transform', 'a function')],
    [{ kind: 'work', undo: 1 }, must('undo', 'a function, or an object of options', 'the number 1')],
    [{ kind: 'work', undo: {} }, must('undo.run', 'a function', 'null')],
    [{ kind: 'work', undo: { run: () => 1, timeoutMs: 0 } }, must('undo.timeoutMs', duration, 'the number 0')],
    [
      { kind: 'work', undo: { run: () => 1, retry: { attempts: 0 } } },
      must('undo.retry.attempts', 'an integer of at least 1', 'the number 0'),
    ],
    [{ deduplicate: true }, must('deduplicate', 'left out for a transform', 'the boolean true')],
    [{ kind: 'work', deduplicate: true }, must('idempotencyKey', 'a function, where "deduplicate" is given', 'null')],
    [{ kind: 'work', idempotencyKey: () => 'k', deduplicate: 1 }, must('deduplicate', 'true, or an object of options', 'the number 1')],
    [
      { kind: 'work', idempotencyKey: () => 'k', deduplicate: { scope: '' } },
      must('deduplicate.scope', 'a string that is not empty', 'the string ""'),
    ],
    [{ kind: 'work', idempotencyKey: () => 'k', deduplicate: { params: 1 } }, must('deduplicate.params', 'a function', 'the number 1')],
    [
      { kind: 'work', idempotencyKey: () => 'k', deduplicate: { ttlMs: Number.POSITIVE_INFINITY } },
      must('deduplicate.ttlMs', 'a number of milliseconds above 0', 'the number Infinity'),
    ],
    [{ run: undefined }, must('run', 'a function', 'null')],
    [{ output: {} }, must('output', 'a Standard Schema', 'an object without keys')],
    [{ output: { '~standard': {} } }, must('output', 'a Standard Schema', 'an object with ~standard')],
    [{ output: 7 }, must('output', 'a Standard Schema', 'the number 7')],
  ])('that is wrong is told with what it must be: %j', (given, expected) => {
    expect(wrong(given)).toEqual(expected);
  });

  test.each<[object]>([
    [{ timeoutMs: longestTimerMs, idleMs: 0.5, budgetMs: 1 }],
    [{ graceMs: longestTimerMs }],
    [{ graceMs: 0 }],
    [{ retry: {} }],
    ...['constant', 'linear', 'exponential'].map((backoff): [object] => [{ retry: { backoff } }]),
    ...['none', 'full', 'equal', 'decorrelated'].map((jitter): [object] => [{ retry: { jitter, attempts: 1, baseMs: 0, maxMs: 0 } }]),
    ...['fail', 'skip'].map((onFailure): [object] => [{ onFailure }]),
    ...['transform', 'enrich', 'agent', 'route', 'work'].map((kind): [object] => [{ kind, timeoutMs: 5 }]),
    [{ output: schema, idempotencyKey: () => 'k' }],
    [{ kind: 'work', idempotencyKey: () => 'k', deduplicate: true }],
    [{ kind: 'work', undo: () => 1 }],
    [{ kind: 'work', undo: { run: () => 1, retry: { attempts: 2 }, timeoutMs: 10 } }],
    [{ kind: 'work', idempotencyKey: () => 'k', deduplicate: { scope: 's', params: () => 1, ttlMs: longestTimerMs * 2 } }],
  ])('that is right is no problem: %j', (given) => {
    expect(wrong(given)).toEqual([]);
  });

  test.each([
    ['guard', { subject: { input: 'text' } }],
    ['route', {}],
  ])('that a %s cannot have must be left out, whatever its value', (kind, given) => {
    for (const onFailure of ['skip', 'fail']) {
      expect(wrong({ kind, ...given, onFailure })).toEqual(must('onFailure', `left out for a ${kind}`, `the string "${onFailure}"`));
    }
    expect(wrong({ kind, ...given })).toEqual([]);
  });

  test.each(['transform', 'enrich', 'agent', 'work'])(
    'is looked at in a stage of every kind, also where it is the only one: %s',
    (kind) => {
      for (const option of ['timeoutMs', 'idleMs', 'budgetMs', 'graceMs', 'retry', 'onFailure', 'idempotencyKey', 'output']) {
        expect(wrong({ kind, [option]: 'x' }).join()).toContain(`Option "${option}" of stage "it" must be `);
      }
    },
  );
});

describe('the policy of a run or a pipeline', () => {
  const broken = (policy: object) => brokenRules(policyRules(policy)).map(({ option, expected }) => [option, expected]);

  test('may leave everything out', () => {
    expect(broken({})).toEqual([]);
    expect(broken({ failureMode: undefined, maxConcurrency: undefined })).toEqual([]);
  });

  test.each<[object, string[]]>([
    [{ failureMode: 'slow' }, ['failureMode', 'one of "fail-fast", "continue", "best-effort"']],
    [{ maxConcurrency: 0 }, ['maxConcurrency', 'an integer of at least 1']],
    [{ deadlineMs: 0 }, ['deadlineMs', `a number of milliseconds above 0 and at most ${longestTimerMs}`]],
    [{ graceMs: -1 }, ['graceMs', `a number of milliseconds from 0 to ${longestTimerMs}`]],
    [{ cleanupMs: longestTimerMs + 1 }, ['cleanupMs', `a number of milliseconds from 0 to ${longestTimerMs}`]],
    [{ maxCallDepth: 0 }, ['maxCallDepth', 'an integer of at least 1']],
    [{ undoOn: ['completed'] }, ['undoOn', 'a list of "failed", "blocked", "cancelled"']],
  ])('says what an option must be: %j', (policy, expected) => {
    expect(broken(policy)).toEqual([expected]);
  });

  test('takes what is at the limit', () => {
    const most = { maxConcurrency: 1, deadlineMs: longestTimerMs, graceMs: 0, cleanupMs: longestTimerMs };
    for (const failureMode of ['fail-fast', 'continue', 'best-effort']) expect(broken({ ...most, failureMode })).toEqual([]);
    expect(broken({ maxConcurrency: Number.MAX_SAFE_INTEGER })).toEqual([]);
  });
});

describe('the queue of a sink', () => {
  const broken = (options: object) => brokenRules(sinkQueueRules(options)).map(({ option, expected }) => [option, expected]);

  test('has a capacity, and drops one end or the other', () => {
    expect(broken({ capacity: 0 })).toEqual([['capacity', 'an integer of at least 1']]);
    expect(broken({ overflow: 'block' })).toEqual([['overflow', 'one of "drop-oldest", "drop-newest"']]);
    expect([broken({}), broken({ capacity: 1, overflow: 'drop-oldest' }), broken({ overflow: 'drop-newest' })]).toEqual([[], [], []]);
  });
});

describe('a region', () => {
  const messages = (kind: string, options: object, spec: object = {}): string[] =>
    stagePolicyProblems({ name: 'it', kind, spec: { run, ...spec }, region: { options } } as never).map(({ message }) => message);
  const duration = `a number of milliseconds above 0 and at most ${longestTimerMs}`;
  const turns = { maxTurns: 1, until: () => true };

  test.each<[string, object, string, string, string]>([
    ['map', { concurrency: 0 }, 'concurrency', 'an integer of at least 1', 'the number 0'],
    ['map', { key: 'id' }, 'key', 'a function', 'the string "id"'],
    ['map', { onItemError: 'no' }, 'onItemError', 'one of "fail", "skip", "collect"', 'the string "no"'],
    ['loop', { ...turns, maxTurns: 0 }, 'maxTurns', 'an integer of at least 1', 'the number 0'],
    ['loop', { ...turns, maxTurns: undefined }, 'maxTurns', 'an integer of at least 1', 'null'],
    ['loop', { ...turns, until: undefined }, 'until', 'a function', 'null'],
    ['loop', { ...turns, onExhausted: 'no' }, 'onExhausted', 'one of "fail", "keep"', 'the string "no"'],
    ['guarded', { attempts: 0 }, 'attempts', 'an integer of at least 1', 'the number 0'],
    ['guarded', { stagnation: 0 }, 'stagnation', 'an integer of at least 1', 'the number 0'],
    ['guarded', { timeoutMs: 0 }, 'timeoutMs', duration, 'the number 0'],
  ])('of kind %s with %j is told what its option must be', (kind, options, option, expected, received) => {
    expect(messages(kind, options)).toEqual([`Option "${option}" of region "it" must be ${expected}, received ${received}.`]);
  });

  test.each<[string, object]>([
    ['map', {}],
    ...['fail', 'skip', 'collect'].map((onItemError): [string, object] => ['map', { concurrency: 1, key: () => 'k', onItemError }]),
    ...['fail', 'keep'].map((onExhausted): [string, object] => ['loop', { ...turns, onExhausted }]),
    ['guarded', { attempts: 1, stagnation: 1, timeoutMs: 1 }],
    ['branch', {}],
    ['subpipeline', { pipeline: 'child' }],
  ])('of kind %s with %j has no problem', (kind, options) => {
    expect(messages(kind, options)).toEqual([]);
  });

  test.each(['timeoutMs', 'idleMs', 'budgetMs', 'graceMs', 'retry'])('has no %s of its own: what stands in it has', (option) => {
    expect(messages('map', {}, { [option]: 1 })).toEqual([
      `Option "${option}" of region "it" must be left out for a map, received the number 1.`,
    ]);
  });
});
