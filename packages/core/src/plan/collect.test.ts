import { describe, expect, test } from 'vitest';
import { firstOf, optional, settled } from '../edge.ts';
import { isStageflowError } from '../errors.ts';
import { inputs, services } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import { type Stage, stage } from '../stage.ts';
import { isStage } from './sources-of.ts';

const run = (): number => 1;
const names = (made: { readonly plan: { readonly stages: readonly { readonly name: string }[] } }): string[] =>
  made.plan.stages.map(({ name }) => name);

function problemsOf(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code, message }) => `${code}: ${message}`);
    throw error;
  }
  return [];
}

describe('a pipeline', () => {
  const a = stage('a', { run });
  const b = stage('b', { needs: { a }, run });
  const gate = route('gate', { run: () => 'x' as const });
  const c = stage('c', { when: gate.is('x'), needs: { it: optional(firstOf(a, b)) }, run });
  const d = stage('d', { after: [b], needs: { c: settled(c) }, run });
  const apart = stage('apart', { run });

  test('consists of what its outputs and `also` reach, through needs, after, when and modified edges', () => {
    expect(new Set(names(pipeline('p', { outputs: { d } })))).toEqual(new Set(['a', 'b', 'gate', 'c', 'd']));
    expect(names(pipeline('p', { outputs: { a }, also: { apart } }))).toEqual(['a', 'apart']);
  });

  test('has a stage once, however many ways lead to it', () => {
    const left = stage('left', { needs: { a }, run });
    const right = stage('right', { needs: { a }, run });
    expect(names(pipeline('p', { outputs: { left, right, again: left, a }, also: { a } })).sort()).toEqual(['a', 'left', 'right']);
  });

  test('is reached over 20,000 stages in a row without overflowing the stack', () => {
    let last: Stage<number, never, never> = stage('s0', { run });
    for (let index = 1; index < 20_000; index++) last = stage(`s${index}`, { needs: { last }, run });
    const { plan } = pipeline('p', { outputs: { last } });
    expect([plan.stages.length, plan.stages[0]?.name, plan.stages.at(-1)?.name]).toEqual([20_000, 's0', 's19999']);
  });

  test('may have inputs, services and modified edges for outputs', async () => {
    const { text } = inputs<{ text: string }>();
    const { model } = services<{ model: number }>();
    const made = pipeline('p', { outputs: { text, model, a: settled(a), either: firstOf(a, apart) } });
    expect((await made.runOrThrow({ text: 'hi' }, { services: { model: 5 } })).outputs).toEqual({
      text: 'hi',
      model: 5,
      a: { status: 'completed', output: 1 },
      either: 1,
    });
  });

  test.each<[string, unknown, string]>([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a string', 'a', 'the string "a"'],
    ['an object', { kind: 'stage', name: 'a' }, 'an object with kind, name'],
    ['a stage in another’s clothes', { kind: 'transform', name: 'a' }, 'an object with kind, name'],
    ['an edge of what is none', optional('a' as never), 'optional() of the string "a"'],
    ['an edge of undefined', firstOf(a, undefined as never), 'firstOf() of an object with kind, name, spec, undefined'],
    ['an edge of an edge', settled(optional(a) as never), 'settled() of an object with kind, name, of'],
    [
      'an edge that is neither kind of reading a firstOf',
      settled(firstOf(a, apart) as never),
      'settled() of an object with kind, name, of',
    ],
    ['an edge of another kind of edge', optional(settled(a) as never), 'optional() of an object with kind, name, of'],
    ['an edge of nothing', optional(undefined as never), 'optional() of undefined'],
    ['an edge of what looks like a firstOf', optional({ kind: 'firstOf' } as never), 'optional() of an object with kind'],
    ['a firstOf of edges', optional(firstOf(a, settled(a) as never)), 'optional() of an object with kind, name, of'],
  ])('refuses %s in needs, and says what it found', (_, source, received) => {
    const it = stage('it', { needs: { source: source as never }, run });
    expect(problemsOf(() => pipeline('p', { outputs: { it } }))).toEqual([
      `SF_UNKNOWN_SOURCE: "source" of stage "it" is not something a stage can read: received ${received}.`,
    ]);
  });

  test('has its problems reported in the order its stages are written', () => {
    const bad = (name: string) => stage(name, { needs: { source: undefined as never }, run });
    const middle = stage('middle', { needs: { third: bad('third'), fourth: bad('fourth') }, run });
    const made = () => pipeline('p', { outputs: { first: bad('first'), second: bad('second'), middle }, also: { fifth: bad('fifth') } });
    const readers = problemsOf(made).map((line) => /of stage "(\w+)"/.exec(line)?.[1]);
    expect(readers).toEqual(['first', 'second', 'third', 'fourth', 'fifth']);
  });

  test.each<[string, object, string]>([
    ['after', { after: [inputs<{ text: string }>().text] }, '"after" of stage "it"'],
    ['after', { after: [undefined] }, '"after" of stage "it"'],
    ['when', { when: { kind: 'condition', route: 'a', arms: ['x'] } }, '"when" of stage "it"'],
  ])('refuses what is no stage in `%s`', (_, given, where) => {
    const problems = problemsOf(() => pipeline('p', { outputs: { it: stage('it', { run, ...given } as never) } }));
    expect(problems.length).toBe(1);
    expect(problems[0]).toContain(where);
  });

  test.each<[string, unknown]>([
    ['a string', 'a'],
    ['null', null],
    ['an input', inputs<{ text: string }>().text],
    ['an edge', optional(a)],
  ])('refuses %s in `also`', (_, source) => {
    const problems = problemsOf(() => pipeline('p', { outputs: { a }, also: { it: source as never } }));
    expect(problems.length).toBe(1);
    expect(problems[0]).toContain('"also"');
  });
});

describe('with()', () => {
  const { text } = inputs<{ text: string }>();
  const answer = stage('answer', { needs: { text }, timeoutMs: 5_000, run: ({ text }) => `online ${text}` });
  const shout = stage('shout', { needs: { answer }, run: ({ answer }) => answer.toUpperCase() });
  const chat = pipeline('chat', { outputs: { shout, answer } });

  test('puts another function in place of a stage’s, with its name and policies', async () => {
    const offline = chat.with(answer, ({ text }) => `offline ${text}`);
    expect((await offline.runOrThrow({ text: 'hi' })).outputs).toEqual({ shout: 'OFFLINE HI', answer: 'offline hi' });
    expect(offline.plan.stages.find(({ name }) => name === 'answer')?.timeoutMs).toBe(5_000);
    expect((await chat.runOrThrow({ text: 'hi' })).outputs.answer).toBe('online hi');
  });

  test('puts another stage in its place wherever it is read, and what it needs with it', async () => {
    const canned = stage('canned', { run: () => 'soon' });
    const reply = stage('reply', { needs: { canned }, run: ({ canned }) => canned });
    const offline = chat.with(answer, reply);
    expect(names(offline)).toEqual(['canned', 'reply', 'shout']);
    expect((await offline.runOrThrow({ text: 'hi' })).outputs).toEqual({ shout: 'SOON', answer: 'soon' });
  });

  test('can be called again for the same stage, and for the stand-in', async () => {
    const first = chat.with(answer, () => 'first');
    expect((await first.with(answer, () => 'second').runOrThrow({ text: '' })).outputs.answer).toBe('second');
  });

  test('refuses a stage that the pipeline does not have, one of the same name included', () => {
    const stranger = stage('answer', { run: () => 'x' });
    expect(problemsOf(() => chat.with(stranger, () => 'y'))).toEqual([
      'SF_UNKNOWN_STAGE: with() names the stage "answer", which this pipeline does not have.',
    ]);
  });
});

test.each([
  [undefined],
  [null],
  ['stage'],
  [{ kind: 'transform' }],
  [{ kind: 'input', name: 'x', spec: {} }],
  [inputs<{ a: string }>().a],
  [optional(stage('x', { run }))],
])('isStage(%o) is false', (value) => {
  expect(isStage(value)).toBe(false);
});
