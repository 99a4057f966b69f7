import { describe, expect, test } from 'vitest';
import { definePipeline, type PipelineSpecData } from '../define.ts';
import { optional } from '../edge.ts';
import type { PlanProblemCode } from '../error-details.ts';
import { isStageflowError } from '../errors.ts';
import { block, guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import { stage } from '../stage.ts';
import { planJson } from './plan-json.ts';

const run = (): number => 1;

/** The problems, as `code: message`, that a graph from data has. */
function problemsOf(spec: Partial<PipelineSpecData>): string[] {
  return problemsThrownBy(() => definePipeline({ name: 'p', stages: [], outputs: {}, ...spec }));
}

function problemsThrownBy(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code, message }) => `${code}: ${message}`);
    throw error;
  }
  return [];
}

function codesOf(problems: readonly string[]): string[] {
  return problems.map((line) => line.slice(0, line.indexOf(':')));
}

describe('a sound graph', () => {
  test('has no problem', () => {
    expect(
      problemsOf({
        stages: [
          { name: 'a', run },
          { name: 'b', needs: { a: 'a' }, run },
        ],
        outputs: { b: 'b' },
      }),
    ).toEqual([]);
  });

  test('is ordered dependencies first, and otherwise as written', () => {
    const { plan } = definePipeline({
      name: 'p',
      stages: [
        { name: 'last', needs: { b: 'b', a: 'a' }, run },
        { name: 'a', run },
        { name: 'b', after: ['c'], run },
        { name: 'c', kind: 'route', run: () => 'x' },
        { name: 'gated', when: { route: 'c', is: ['x'] }, run },
      ],
      outputs: { last: 'last', gated: 'gated' },
    });
    expect(plan.stages.map(({ name }) => name)).toEqual(['c', 'b', 'a', 'last', 'gated']);
  });
});

test('a pipeline without stages, and a name that is taken, are told by name', () => {
  expect(problemsOf({})).toEqual(['SF_PLAN_EMPTY: Pipeline "p" has no stage.']);
  const twice = [
    { name: 'twice', run },
    { name: 'twice', run },
  ];
  expect(problemsOf({ stages: twice, outputs: { twice: 'twice' } })).toEqual([
    'SF_DUPLICATE_STAGE: Two different stages are named "twice".',
  ]);
});

describe('circles', () => {
  const ring = (...names: string[]) => names.map((name, at) => ({ name, needs: { it: names[(at + 1) % names.length] as string }, run }));

  test('are reported with their path, one of one stage too', () => {
    expect(problemsOf({ stages: ring('a', 'b', 'c'), outputs: { a: 'a' } })).toEqual([
      'SF_CYCLE: The stages depend on each other in a circle: a -> b -> c -> a.',
    ]);
    expect(problemsOf({ stages: ring('a'), outputs: { a: 'a' } })).toEqual([
      'SF_CYCLE: The stages depend on each other in a circle: a -> a.',
    ]);
  });

  test('are all reported, those that nothing wanted reaches too, without what leads to them', () => {
    const stages = [{ name: 'start', needs: { a: 'a' }, run }, ...ring('a', 'b'), ...ring('x', 'y')];
    expect(problemsOf({ stages, outputs: { start: 'start' } })).toEqual([
      'SF_CYCLE: The stages depend on each other in a circle: a -> b -> a.',
      'SF_CYCLE: The stages depend on each other in a circle: x -> y -> x.',
    ]);
  });

  test('run through `after`, `when` and modified edges as through plain ones', () => {
    const stages: PipelineSpecData['stages'] = [
      { name: 'a', kind: 'route', after: ['b'], run: () => 'x' },
      { name: 'b', needs: { c: { settled: 'c' } }, run },
      { name: 'c', needs: { d: { firstOf: ['d', 'e'] } }, run },
      { name: 'd', needs: { e: { optional: 'e' } }, run },
      { name: 'e', when: { route: 'a', is: ['x'] }, run },
    ];
    expect(problemsOf({ stages, outputs: { b: 'b' } })[0]).toBe(
      'SF_CYCLE: The stages depend on each other in a circle: b -> c -> d -> e -> a -> b.',
    );
  });

  test('are told apart by their stages, not by letters that run together', () => {
    const stages = [
      { name: 'a', needs: { it: 'aa' }, run },
      { name: 'aa', needs: { it: 'a', self: 'aa' }, run },
    ];
    expect(problemsOf({ stages, outputs: { a: 'a' } })).toEqual([
      'SF_CYCLE: The stages depend on each other in a circle: a -> aa -> a.',
      'SF_CYCLE: The stages depend on each other in a circle: aa -> aa.',
    ]);
  });

  test('of several edges between the same stages are one', () => {
    const stages = [{ name: 'a', needs: { it: 'a', again: { settled: 'a' } }, after: ['a'], run }];
    expect(problemsOf({ stages, outputs: { a: 'a' } }).length).toBe(1);
  });

  test('of 20,000 stages are found without overflowing the stack', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `s${index}`);
    const [problem, ...others] = problemsOf({ stages: ring(...names), outputs: { a: 's0' } });
    expect(others).toEqual([]);
    expect(problem?.endsWith('s19999 -> s0.')).toBe(true);
  });

  test('can come about through with()', () => {
    const a = stage('a', { run });
    const b = stage('b', { needs: { a }, run });
    const made = pipeline('p', { outputs: { b } });
    const looped = stage('a', { needs: { b }, run });
    expect(codesOf(problemsThrownBy(() => made.with(a, looped as never)))).toEqual(['SF_CYCLE']);
  });
});

describe('names that do not exist', () => {
  test('are reported wherever they stand, with the nearest that does', () => {
    const stages: PipelineSpecData['stages'] = [
      {
        name: 'answer',
        needs: { it: 'profil', both: { firstOf: ['answer2', 'nothing'] } },
        after: ['gone'],
        when: { route: 'rout', is: ['x'] },
        run,
      },
      { name: 'profile', run },
    ];
    expect(problemsOf({ stages, outputs: { out: { optional: 'anwser' } }, also: ['profile', 'audit'] }).sort()).toEqual(
      [
        'SF_UNKNOWN_STAGE: "both" of stage "answer" names the stage "answer2", which this pipeline does not have.',
        'SF_UNKNOWN_STAGE: "both" of stage "answer" names the stage "nothing", which this pipeline does not have.',
        'SF_UNKNOWN_STAGE: "it" of stage "answer" names the stage "profil", which this pipeline does not have.',
        'SF_UNKNOWN_STAGE: "after" of stage "answer" names the stage "gone", which this pipeline does not have.',
        'SF_UNKNOWN_STAGE: "when" of stage "answer" names the stage "rout", which this pipeline does not have.',
        'SF_UNKNOWN_STAGE: "out" of "outputs" names the stage "anwser", which this pipeline does not have.',
        'SF_UNKNOWN_STAGE: "also" names the stage "audit", which this pipeline does not have.',
        'SF_STAGE_UNREACHABLE: Stage "answer" would never run: nothing in "outputs" or "also" needs it.',
      ].sort(),
    );
  });
});

describe('an input or a service', () => {
  const sources = [{ input: 'text' }, { service: 'text' }];

  test.each(sources)('may have the name of a stage, which is then not what is read: %j', (text) => {
    const alone = [{ name: 'text', needs: { text }, run }];
    const among = [
      { name: 'text', needs: { text, first: 'first' }, after: ['first'], run },
      { name: 'first', run },
    ];
    expect(problemsOf({ stages: alone, outputs: { out: 'text' } })).toEqual([]);
    expect(problemsOf({ stages: among, outputs: { out: 'text' } })).toEqual([]);
  });

  test.each(sources)('that is an output does not make a stage of its name one: %j', (text) => {
    const stages = [
      { name: 'text', run },
      { name: 'it', run },
    ];
    expect(problemsOf({ stages, outputs: { it: 'it', text } })).toEqual([
      'SF_STAGE_UNREACHABLE: Stage "text" would never run: nothing in "outputs" or "also" needs it.',
    ]);
  });

  test.each(['input', 'service'])('must have a name that can be used: %s', (read) => {
    const text = { [read]: 'a/b' } as unknown as { input: string };
    expect(problemsOf({ stages: [{ name: 'it', needs: { text }, run }], outputs: { it: 'it' } })).toEqual([
      `SF_NAME_INVALID: No ${read} can be named "a/b": it contains "/", which paths are made of.`,
    ]);
  });
});

test('a firstOf of nothing is refused', () => {
  const reading = (firstOf: string[]) => ({
    stages: [
      { name: 'a', run },
      { name: 'it', needs: { any: { firstOf } }, run },
    ],
    outputs: { it: 'it' },
    also: ['a'],
  });
  expect(problemsOf(reading([]))).toEqual([
    'SF_UNKNOWN_SOURCE: "any" of stage "it" is not something a stage can read: received a firstOf() of nothing.',
  ]);
  expect(problemsOf(reading(['a']))).toEqual([]);
});

describe('guards', () => {
  const { text } = inputs<{ text: string }>();
  const strict = guard('strict', { subject: text, check: () => block('no') });
  const lenient = guard('lenient', { subject: text, failOpen: true, check: () => block('no') });

  test('may be tolerated only if they fail open', () => {
    const reading = (safe: typeof strict) => pipeline('p', { outputs: { it: stage('it', { needs: { safe: optional(safe) }, run }) } });
    expect(problemsThrownBy(() => reading(strict))).toEqual([
      'SF_GUARD_TOLERATED: Guard "strict" is read by stage "it" through optional(), which would let work go on after a block.',
    ]);
    expect(problemsThrownBy(() => reading(lenient))).toEqual([]);
  });

  test('may not be tolerated in a firstOf, and not as an output', () => {
    const spec: Partial<PipelineSpecData> = {
      stages: [
        { name: 'safe', kind: 'guard', subject: { input: 'text' }, run },
        { name: 'other', run },
        { name: 'it', needs: { it: { firstOf: ['other', 'safe'] }, both: { firstOf: ['safe', 'other'], optional: true } }, run },
      ],
      outputs: { it: 'it', safe: { optional: 'safe' } },
    };
    const told = (reader: string, edge: string) =>
      `SF_GUARD_TOLERATED: Guard "safe" is read by ${reader} through ${edge}, which would let work go on after a block.`;
    expect(problemsOf(spec)).toEqual([told('stage "it"', 'firstOf()'), told('stage "it"', 'firstOf()'), told('"outputs"', 'optional()')]);
    expect(problemsOf({ ...spec, outputs: { it: 'it', safe: { settled: 'safe' } } }).length).toBe(2);
  });
});

test('a guard that is read plainly under a bad key has the bad key for its only problem', () => {
  const safe = guard('safe', { subject: inputs<{ text: string }>().text, check: () => block('no') });
  expect(codesOf(problemsThrownBy(() => pipeline('p', { outputs: { it: stage('it', { needs: { 'y/z': safe }, run }) } })))).toEqual([
    'SF_NAME_INVALID',
  ]);
});

test('a condition on what is no route is refused, in code too', () => {
  const plain = stage('plain', { run: () => 'x' });
  const real = route('real', { run: () => 'x' as const });
  const condition = { ...real.is('x'), route: plain } as unknown as ReturnType<typeof real.is>;
  expect(problemsThrownBy(() => pipeline('p', { outputs: { it: stage('it', { when: condition, run }) } }))).toEqual([
    'SF_ROUTE_EXPECTED: The condition of stage "it" refers to "plain", which is not a route.',
  ]);
});

describe('one input name', () => {
  const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
  const reading = (name: string, given?: typeof schema) => ({ name, needs: { id: { input: 'id', schema: given } }, run });

  test('may be declared twice with one schema, or without any', () => {
    expect(problemsOf({ stages: [reading('a', schema), reading('b', schema)], outputs: { a: 'a', b: 'b' } })).toEqual([]);
    expect(problemsOf({ stages: [reading('a'), reading('b')], outputs: { a: 'a', b: 'b' } })).toEqual([]);
  });

  test('may not have two schemas, or one and none; each name is reported once', () => {
    const stages = [reading('a', schema), reading('b'), reading('c', { ...schema })];
    const conflict = ['SF_INPUT_CONFLICT: Two inputs named "id" have different schemas.'];
    expect(problemsOf({ stages, outputs: { a: 'a', b: 'b', c: 'c', out: { input: 'id', schema } } })).toEqual(conflict);
    expect(problemsOf({ stages: [reading('a')], outputs: { a: 'a', out: { input: 'id', schema } } })).toEqual(conflict);
  });

  test('may be that of a stage and a service as well: these have no schema to differ by', () => {
    const stages = [reading('a', schema), { name: 'id', needs: { id: { service: 'id' } }, run }, { name: 'b', needs: { id: 'id' }, run }];
    expect(problemsOf({ stages, outputs: { a: 'a', b: 'b', id: { settled: 'id' } } })).toEqual([]);
  });
});

describe('options', () => {
  test.each<[string, object, number]>([
    ['timeoutMs', { timeoutMs: 0 }, 1],
    ['timeoutMs', { timeoutMs: 2 ** 31 }, 1],
    ['timeoutMs', { timeoutMs: Number.NaN }, 1],
    ['timeoutMs', { timeoutMs: '5' }, 1],
    ['timeoutMs', { timeoutMs: 2 ** 31 - 1 }, 0],
    ['idleMs', { idleMs: -1 }, 1],
    ['budgetMs', { budgetMs: Number.POSITIVE_INFINITY }, 1],
    ['graceMs', { graceMs: -1 }, 1],
    ['graceMs', { graceMs: 0 }, 0],
    ['retry.attempts', { retry: { attempts: 0 } }, 1],
    ['retry.attempts', { retry: { attempts: 1.5 } }, 1],
    ['retry.attempts', { retry: { attempts: 1 } }, 0],
    ['retry.baseMs', { retry: { baseMs: -1 } }, 1],
    ['retry.maxMs', { retry: { maxMs: Number.NaN } }, 1],
    ['retry.backoff', { retry: { backoff: 'quadratic' } }, 1],
    ['retry.jitter', { retry: { jitter: 'some' } }, 1],
    ['retry.when', { retry: { when: true } }, 1],
    ['onFailure', { onFailure: 'ignore' }, 1],
    ['onFailure', { onFailure: 'skip' }, 0],
    ['idempotencyKey', { idempotencyKey: 'key' }, 1],
    ['run', { run: undefined }, 1],
    ['run', { run: 'x' }, 1],
    ['output', { output: {} }, 1],
    ['output', { output: null }, 1],
    ['output', { output: 'string' }, 1],
    ['output', { output: Object.assign(() => 1, { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: 1 }) } }) }, 0],
    ['kind', { kind: 'step' }, 1],
  ])('of a stage: %s, %o, makes %i problems', (option, given, count) => {
    const problems = problemsOf({ stages: [{ name: 'it', run, ...given } as never], outputs: { it: 'it' } });
    expect(problems.length).toBe(count);
    for (const problem of problems) expect(problem).toContain(`SF_POLICY_INVALID: Option "${option}" of stage "it" must be `);
  });

  test.each([
    ['guard', { subject: { input: 'text' }, onFailure: 'skip' as const }],
    ['route', { onFailure: 'skip' as const }],
  ] as const)('onFailure of a %s is refused: it would let a failure pass for a choice', (kind, given) => {
    expect(codesOf(problemsOf({ stages: [{ name: 'it', kind, run, ...given }], outputs: { it: 'it' } }))).toEqual(['SF_POLICY_INVALID']);
  });

  test.each([
    ['failureMode', { failureMode: 'slow' }],
    ['maxConcurrency', { maxConcurrency: 0 }],
    ['deadlineMs', { deadlineMs: 0 }],
    ['graceMs', { graceMs: -1 }],
    ['cleanupMs', { cleanupMs: '5' }],
  ])('of a pipeline: %s is checked as well', (option, given) => {
    const [problem] = problemsOf({ stages: [{ name: 'it', run }], outputs: { it: 'it' }, ...(given as object) });
    expect(problem).toContain(`SF_POLICY_INVALID: Option "${option}" of pipeline "p" must be `);
  });
});

test('everything that is wrong is reported at once', () => {
  const codes = codesOf(
    problemsOf({
      name: 'a/b',
      maxConcurrency: -1,
      stages: [
        { name: '', run },
        { name: 'twice', run },
        { name: 'twice', run },
        { name: 'slow', timeoutMs: -1, needs: { x: 7 as never, 'y/z': 'nowhere' }, when: { route: 'twice', is: ['x'] }, run },
        { name: 'safe', kind: 'guard', subject: { input: 'text' }, run },
        { name: 'lax', needs: { safe: { optional: 'safe' } }, run },
        { name: 'lost', run },
      ],
      outputs: { slow: 'slow', lax: 'lax', empty: '' },
    }),
  );
  const expected: PlanProblemCode[] = [
    'SF_NAME_INVALID',
    'SF_POLICY_INVALID',
    'SF_DUPLICATE_STAGE',
    'SF_UNKNOWN_SOURCE',
    'SF_UNKNOWN_STAGE',
    'SF_ROUTE_EXPECTED',
    'SF_GUARD_TOLERATED',
    'SF_STAGE_UNREACHABLE',
  ];
  expect([...new Set(codes)].sort()).toEqual(expected.sort());
  expect(codes.filter((code) => code === 'SF_NAME_INVALID').length).toBe(3);
});

test('a deep graph of 10,000 stages is checked and compiled', () => {
  const stages = Array.from({ length: 10_000 }, (_, index) => ({
    name: `s${index}`,
    needs: index === 0 ? {} : { it: `s${index - 1}` },
    run,
  }));
  const { plan } = definePipeline({ name: 'p', stages, outputs: { last: 's9999' } });
  expect(planJson(plan).stages.length).toBe(10_000);
});
