import { inputs, isStageflowError, services, stage } from '@stageflow/core';
import { compose, flow } from '@stageflow/core/flow';
import { planJson } from '@stageflow/core/plan';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

const { text } = inputs<{ text: string }>();
const run = () => 1;
const load = (): string => 'loaded';

/** What is wrong with a composition, one message each. */
function problemsOf(join: () => unknown): string[] {
  try {
    join();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ message }) => message);
    throw error;
  }
  return [];
}

describe('compose()', () => {
  test('joins the stages of both, those of the first before those of the second', async () => {
    const lookups = flow('lookups', { id: inputs<{ id: string }>().id }).stage('user', { needs: ['id'], run: ({ id }) => `user ${id}` });
    const answers = flow('answers', { text }).stage('answer', { needs: ['text'], run: ({ text }) => text.length });
    const both = compose(lookups, answers);
    const built = both
      .stage('told', { needs: ['user', 'answer', 'id', 'text'], run: (values) => Object.values(values).join() })
      .build({ outputs: ['told'] });

    expect(built.name).toBe('lookups+answers');
    expect((await built.runOrThrow({ id: '7', text: 'abc' })).outputs.told).toBe('user 7,3,7,abc');
    expect(Object.keys(both.stages)).toEqual(['user', 'answer']);
  });

  test('leaves both flows as they were, and helpers go on from the last stage of the second', () => {
    const one = flow('p').stage('one', { run });
    const two = flow('p').stage('two', { run });
    const both = compose(one, two).parallel({ stages: { three: ({ two }) => two } });

    expect(planJson(both.build({ outputs: ['three', 'one'] }).plan).stages.map(({ name, needs }) => [name, needs.length])).toEqual([
      ['two', 0],
      ['three', 1],
      ['one', 0],
    ]);
    expect([Object.keys(one.stages), Object.keys(two.stages)]).toEqual([['one'], ['two']]);
  });

  test('counts a stage once that both describe alike', () => {
    const { key } = services<{ key: string }>();
    const schema = z.string();
    const part = (name: string) =>
      flow(name, { text, key })
        .route('way', { needs: ['text'], run: load })
        .stage('load', {
          needs: ['text', 'key'],
          after: ['way'],
          when: { route: 'way', is: ['loaded'] },
          retry: { attempts: 2 },
          tags: ['a', 'b'],
          output: schema,
          timeoutMs: 5,
          run: load,
        })
        .stage('show', { needs: ['way', { optional: 'load' }], run: load });
    const joined = compose(part('a').stage('left', { needs: ['load'], run }), part('b').stage('right', { needs: ['show'], run }));

    expect(joined.build({ outputs: ['left', 'right'] }).plan.stages.map(({ name }) => name)).toEqual([
      'way',
      'load',
      'left',
      'show',
      'right',
    ]);
  });

  test('counts inputs and services once that both flows declare for themselves', () => {
    const part = () => flow('p', { text: inputs<{ text: string }>().text, key: services<{ key: string }>().key });
    const one = part().stage('load', { needs: ['text', 'key'], run: load });
    const two = part().stage('load', { needs: ['text', 'key'], run: load });

    expect(planJson(compose(one, two).build({ outputs: ['load'] }).plan)).toEqual(planJson(one.build({ outputs: ['load'] }).plan));
  });

  const base = { needs: ['text'], retry: { attempts: 2 }, tags: ['a'], run: load } as const;
  test.each<[string, object]>([
    ['another function', { run: () => 'other' }],
    ['other needs', { needs: ['other'] }],
    ['more needs', { needs: ['text', 'other'] }],
    ['needs read otherwise', { needs: [{ settled: 'other' }] }],
    ['another order', { after: ['other'] }],
    ['another policy', { retry: { attempts: 3 } }],
    ['another policy of the same length', { retry: { baseMs: 3 } }],
    ['a policy more', { timeoutMs: 5 }],
    ['other tags', { tags: ['b'] }],
    ['an option of another shape', { tags: 'a' }],
    ['an option that is nothing', { tags: null }],
    ['an option of a class', { retry: new (class {})() }],
    ['a gate', { when: { route: 'other', is: ['a'] } }],
    ['another kind', { kind: 'agent' }],
  ])('refuses one name for two stages: %s', (_, more) => {
    const part = (spec: object) =>
      flow('p', { text })
        .route('other', { run: load })
        .stage('load', spec as { run: () => string });

    expect(problemsOf(() => compose(part(base), part({ ...base })))).toEqual([]);
    expect(problemsOf(() => compose(part(base), part({ ...base, ...more })))).toEqual(['Two different stages are named "load".']);
  });

  test('refuses other arms of one gate, and a link in place of a stage', () => {
    const gated = (arm: string) =>
      flow('p')
        .route('way', { run: (): string => 'a' })
        .stage('x', { when: { route: 'way', is: [arm] }, run: load });
    const stages = [['x', load]] as const;
    const linked = flow('p', { text }).chain({ from: 'text', stages });
    const plain = flow('p', { text }).stage('x', { needs: ['text'], run: load });

    expect(problemsOf(() => compose(linked, flow('p', { text }).chain({ from: 'text', stages })))).toEqual([]);
    expect(problemsOf(() => compose(linked, plain))).toEqual(['Two different stages are named "x".']);
    expect(problemsOf(() => compose(gated('a'), gated('b'))).at(-1)).toBe('Two different stages are named "x".');
  });

  test('refuses a name that is a stage in one flow and given to the other', () => {
    const given = flow('given', { text }).stage('one', { needs: ['text'], run });
    const added = flow('added').stage('text', { run });
    const message = 'No stage can be named "text": the flow was given something of that name.';

    expect(problemsOf(() => compose(given, added))).toEqual([message]);
    expect(problemsOf(() => compose(added, given))).toEqual([message]);
  });

  test('refuses one name for two things that were given', () => {
    const words = stage('words', { run });
    const part = (given: { readonly it: typeof text | typeof words }) => flow('p', given).stage('x', { run });
    const message = 'Option "it" of compose() of "p" and "p" must be given the same in both, received two that differ.';

    expect(problemsOf(() => compose(part({ it: text }), part({ it: text })))).toEqual([]);
    expect(problemsOf(() => compose(part({ it: text }), part({ it: words })))).toEqual([message]);
    expect(problemsOf(() => compose(part({ it: words }), part({ it: text })))).toEqual([message]);
    expect(problemsOf(() => compose(part({ it: text }), part({ it: null as never })))).toEqual([message]);
    expect(problemsOf(() => compose(part({ it: text }), part({ it: inputs({ text: z.string() }).text as never })))).toEqual([message]);
  });

  test('reports all conflicts, with what was wrong before; without a conflict the build does', () => {
    const wrong = flow('p').stage('a', { needs: ['b' as never], run });
    const left = wrong.stage('c', { run }).stage('d', { run });
    const right = wrong.stage('c', { run: load }).stage('d', { run: load });

    expect(problemsOf(() => compose(left, right))).toEqual([
      'stage "a" names the stage "b", which this pipeline does not have.',
      'Two different stages are named "c".',
      'Two different stages are named "d".',
    ]);
    const joined = compose(left, wrong.stage('e', { run }));
    expect(problemsOf(() => joined.build({ outputs: ['a', 'c', 'd', 'e'] }))).toEqual([
      'stage "a" names the stage "b", which this pipeline does not have.',
    ]);
  });
});
