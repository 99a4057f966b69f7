import {
  firstOf,
  guard,
  inputs,
  isStageflowError,
  optional,
  pass,
  pipeline,
  route,
  services,
  settled,
  skip,
  stage,
  transform,
  work,
} from '@stageflow/core';
import { compose, flow } from '@stageflow/core/flow';
import { planJson } from '@stageflow/core/plan';
import { runStage } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

/** The codes of what is wrong with a flow. */
function codesOf(build: () => unknown): string[] {
  try {
    build();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code }) => code);
    throw error;
  }
  return [];
}

describe('flow()', () => {
  const { text } = inputs<{ text: string }>();
  const { limit } = services<{ limit: number }>();
  const options = { timeoutMs: 500, retry: { attempts: 2 }, tags: ['a'], version: '2', onFailure: 'skip', kind: 'enrich' } as const;
  const count = z.number();

  const written = flow('order', { text, limit })
    .guard('safe', { subject: 'text', needs: ['limit'], check: ({ subject, limit }) => (subject.length < limit ? pass() : transform('')) })
    .route('intent', { needs: ['safe'], run: ({ safe }) => (safe.startsWith('buy') ? 'order' : 'question') })
    .stage('order', { needs: ['safe'], when: { route: 'intent', is: ['order'] }, output: count, run: ({ safe }) => safe.length })
    .stage('question', { ...options, needs: ['safe'], when: ({ safe }) => safe !== '', run: ({ safe }) => safe.length })
    .stage('reply', {
      needs: ['limit', { firstOf: ['order', 'question'], as: 'value' }, { optional: 'question' }, { settled: 'order' }],
      after: ['intent'],
      run: ({ limit, value, question, order }) => `${limit} ${value} ${question} ${order.status}`,
    })
    .work('audit', { needs: ['reply'], idempotencyKey: ({ reply }) => reply, run: (_, { idempotencyKey }) => idempotencyKey });

  test('compiles to the plan of the same stages defined by reference', () => {
    const safe = guard('safe', { subject: text, needs: { limit }, check: () => pass() });
    const intent = route('intent', { needs: { safe }, run: () => 'order' as const });
    const order = stage('order', { needs: { safe }, when: intent.is('order'), output: count, run: () => 1 });
    const question = stage('question', { ...options, needs: { safe }, when: () => true, run: () => 1 });
    const reply = stage('reply', {
      needs: { limit, value: firstOf(order, question), question: optional(question), order: settled(order) },
      after: [intent],
      run: () => '',
    });
    const audit = work('audit', { needs: { reply }, idempotencyKey: () => '', run: () => {} });
    const policy = { version: '3', failureMode: 'continue', maxConcurrency: 4 } as const;
    const byReference = pipeline('order', { outputs: { reply, text, order: settled(order) }, also: { audit }, ...policy });
    const built = written.build({ outputs: ['reply', 'text', { settled: 'order' }], also: ['audit'], ...policy });

    expect(planJson(built.plan)).toEqual(planJson(byReference.plan));
    expect(built.plan.draft.stages.map(({ needs }) => needs)).toEqual(byReference.plan.draft.stages.map(({ needs }) => needs));
  });

  test('runs what it built', async () => {
    const built = written.build({ outputs: ['reply'], also: ['audit'] });
    const run = await built.runOrThrow({ text: 'buy' }, { services: { limit: 10 } });

    expect(run.outputs).toEqual({ reply: '10 3 3 completed' });
    expect(run.stages.get('audit')?.outcome).toEqual({ status: 'completed', output: '10 3 3 completed' });
    expect((await built.runOrThrow({ text: 'why' }, { services: { limit: 10 } })).outputs).toEqual({ reply: '10 3 3 skipped' });
  });

  test('reads stages that were defined by reference', async () => {
    const words = stage('words', { needs: { text }, run: ({ text }) => text.split(' ') });
    const built = flow('p', { words })
      .stage('count', { needs: ['words'], run: ({ words }) => words.length })
      .build({ outputs: ['count'] });

    expect((await built.runOrThrow({ text: 'a b' })).outputs.count).toBe(2);
  });

  test('may be continued in several ways', () => {
    const base = flow('p').stage('one', { run: () => 1 });
    expect(base.name).toBe('p');
    const left = base.stage('left', { needs: ['one'], run: ({ one }) => one });
    const right = base.stage('right', { needs: ['one'], run: ({ one }) => one });

    for (const [each, names] of [
      [base.build({ outputs: ['one'] }), ['one']],
      [left.build({ outputs: ['left'] }), ['one', 'left']],
      [right.build({ outputs: ['right'] }), ['one', 'right']],
    ] as const) {
      expect(each.plan.stages.map(({ name }) => name)).toEqual(names);
    }
  });

  test('has its stages as references: to run one alone, to replace one, to read one elsewhere', async () => {
    const chat = flow('chat', { text })
      .route('intent', { needs: ['text'], run: ({ text }) => (text === '' ? 'nothing' : 'something') })
      .stage('answer', { needs: ['text'], after: ['intent'], run: ({ text }) => `online: ${text}` });
    const built = chat.build({ outputs: ['answer'] });
    const { answer, intent } = chat.stages;
    const loud = stage('loud', { needs: { answer }, when: intent.is('something'), run: ({ answer }) => answer.toUpperCase() });

    expect(await runStage(answer, { text: 'a' })).toEqual({ status: 'completed', output: 'online: a' });
    expect((await built.with(answer, ({ text }) => `offline: ${text}`).runOrThrow({ text: 'a' })).outputs.answer).toBe('offline: a');
    expect((await pipeline('p', { outputs: { loud } }).runOrThrow({ text: 'a' })).outputs.loud).toBe('ONLINE: A');
    expect(chat.stages.answer).toBe(answer);
  });

  test('has no stages while a name is wrong', () => {
    const wrong = flow('p').stage('a', { needs: ['b' as never], run: () => 1 });

    expect(codesOf(() => wrong.stages)).toEqual(['SF_UNKNOWN_STAGE']);
  });
});

describe('what keeps a flow from being built', () => {
  const run = () => 1;
  const { text } = inputs<{ text: string }>();
  const base = flow('p', { text }).stage('first', { run });

  test.each([
    [
      'an unknown need',
      { needs: ['frist'] },
      'stage "x" names the stage "frist", which this pipeline does not have. Did you mean "first"?',
    ],
    ['a need that is no name', { needs: [7] }, '"needs[0]" of stage "x" is not something a stage can read: received the number 7.'],
    ['a need that is nothing', { needs: ['first', null] }, '"needs[1]" of stage "x" is not something a stage can read: received null.'],
    ['an unknown optional', { needs: [{ optional: 'frist' }] }, 'stage "x" names the stage "frist"'],
    ['an unknown settled', { needs: [{ settled: 'frist' }] }, 'stage "x" names the stage "frist"'],
    ['an unknown member of a firstOf', { needs: [{ firstOf: ['first', 'frist'], as: 'it' }] }, 'stage "x" names the stage "frist"'],
    ['a firstOf of nothing', { needs: [{ firstOf: [], as: 'it' }] }, '"needs[0]" of stage "x" is not something a stage can read'],
    ['a firstOf without a key', { needs: [{ firstOf: ['first'] }] }, '"needs[0]" of stage "x" is not something a stage can read'],
    ['one key twice', { needs: ['first', { optional: 'first' }] }, 'must be a list with each key once, received "first" more than once'],
    [
      'one name in place of a list',
      { needs: 'first' },
      'Option "needs" of stage "x" must be a list of names, received the string "first".',
    ],
    ['an unknown stage to wait for', { after: ['frist'] }, '"after" of stage "x" names the stage "frist"'],
    ['a stage to wait for that is no name', { after: [run] }, '"after" of stage "x" names the stage "a function"'],
    ['one stage to wait for in place of a list', { after: 'first' }, 'Option "after" of stage "x" must be a list of names'],
    ['an unknown route', { when: { route: 'frist', is: ['a'] } }, '"when" of stage "x" names the stage "frist"'],
    ['a stage in place of a route', { when: { route: 'first', is: ['a'] } }, 'refers to "first", which is not a route'],
    ['one arm in place of a list', { when: { route: 'first', is: 'a' } }, 'Option "when.is" of stage "x" must be a list of names'],
  ])('%s', (_, spec, message) => {
    const build = (more: object) => () => base.stage('x', { run, ...(more as { needs: [] }) }).build({ outputs: ['x'], also: ['first'] });

    expect(build({ needs: ['first'] })).not.toThrow();
    expect(build({ when: null })).not.toThrow();
    expect(build(spec)).toThrow(message);
  });

  test('unknown outputs, and a list that is none', () => {
    expect(() => base.build({ outputs: ['frist' as 'first'], also: ['first'] })).toThrow('"outputs" names the stage "frist"');
    expect(() => base.build({ outputs: ['first'], also: ['frist' as 'first'] })).toThrow('"also" of flow "p" names the stage "frist"');
    expect(() => base.build({ outputs: 'first' as never, also: ['first'] })).toThrow(
      'Option "outputs" of "outputs" must be a list of names',
    );
  });

  test('a name that is taken, by a stage or by what the flow was given', () => {
    const twice = flow('p', { text })
      .stage('a', { run })
      .stage('a' as never, { run });
    const given = flow('p', { text }).stage('text' as never, { run });

    expect(() => twice.build({ outputs: ['a'] })).toThrow('Two different stages are named "a".');
    expect(() => given.build({ outputs: ['text'] })).toThrow('No stage can be named "text": the flow was given something of that name.');
  });

  test('inputs() itself in place of its members, of which any name would be one', () => {
    const all = inputs<{ text: string }>();
    const reading = (given: { readonly text: typeof text }) => () =>
      flow('p', given)
        .stage('a', { needs: ['text'], run: ({ text }) => text })
        .build({ outputs: ['a'] });

    expect(reading({ text: all.text })).not.toThrow();
    expect(reading(all)).toThrow('Option "given" of flow "p" must be a record that lists its members, as { text }');
    expect(() =>
      flow('p', Object.assign(Object.create(null), { text }))
        .stage('a', { run })
        .build({ outputs: ['a'] }),
    ).not.toThrow();
  });

  test('a guard without a subject', () => {
    const check = () => pass();
    const judging = (subject: string) => () => base.guard('safe', { subject: subject as 'first', check }).build({ outputs: ['safe'] });

    expect(judging('first')).not.toThrow();
    expect(codesOf(judging('frist'))).toEqual(['SF_UNKNOWN_STAGE', 'SF_STAGE_UNREACHABLE']);
    expect(codesOf(judging(undefined as never))).toEqual(['SF_UNKNOWN_SOURCE', 'SF_STAGE_UNREACHABLE']);
  });

  test('a stage that nothing needs, which pipeline() would have left out', () => {
    const two = base.stage('second', { run });

    expect(() => two.build({ outputs: ['second'] })).toThrow('Stage "first" would never run');
    expect(() => two.build({ outputs: ['second'], also: ['first'] })).not.toThrow();
  });

  test('no stage at all', () => {
    expect(codesOf(() => flow('p').build({ outputs: [] }))).toEqual(['SF_PLAN_EMPTY']);
  });

  test('everything at once', () => {
    const wrong = base
      .stage('a', { needs: ['b' as never], timeoutMs: -1, run })
      .stage('a/b', { after: ['c' as never], run })
      .stage('first' as never, { run });

    expect(codesOf(() => wrong.build({ outputs: ['a', 'd' as never], maxConcurrency: 0 })).sort()).toEqual([
      'SF_DUPLICATE_STAGE',
      'SF_NAME_INVALID',
      'SF_POLICY_INVALID',
      'SF_POLICY_INVALID',
      'SF_STAGE_UNREACHABLE',
      'SF_STAGE_UNREACHABLE',
      'SF_UNKNOWN_STAGE',
      'SF_UNKNOWN_STAGE',
      'SF_UNKNOWN_STAGE',
    ]);
  });

  test('what pipeline() finds, with its own words', () => {
    expect(() => base.build({ outputs: ['first'], maxConcurrency: 0 })).toThrow('Option "maxConcurrency" of pipeline "p"');
    const late = base.stage('late', { run: () => (Date.now() > 0 ? skip('no') : 1) });
    expect(
      codesOf(() =>
        late
          .guard('safe', { subject: 'late', check: () => pass() })
          .stage('x', { needs: [{ optional: 'safe' }], run })
          .build({ outputs: ['x'], also: ['first'] }),
      ),
    ).toEqual(['SF_GUARD_TOLERATED']);
  });

  test('nothing about a flow of ten thousand stages', () => {
    const links = Array.from({ length: 10_000 }, (_, index) => [`s${index}`, (value: number) => value + 1] as const);
    const { start } = inputs<{ start: number }>();
    const long = flow('long', { start }).chain({ from: 'start', stages: links });

    expect(long.build({ outputs: ['s9999'] }).plan.stages).toHaveLength(10_000);
    expect(compose(long, long).build({ outputs: ['s9999'] }).plan.stages).toHaveLength(10_000);
  });
});
