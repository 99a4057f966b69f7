import { describe, expect, test } from 'vitest';
import { definePipeline, type PipelineSpecData } from '../define.ts';
import { isStageflowError } from '../errors.ts';
import type { DraftEdge } from './draft.ts';
import { compile } from './plan.ts';

const run = (): number => 1;
type StageData = PipelineSpecData['stages'][number];

function planOf(stages: readonly (Omit<StageData, 'run'> & { run?: StageData['run'] })[], rest: Partial<PipelineSpecData>) {
  return definePipeline({ name: 'p', stages: stages.map((stage) => ({ run, ...stage })), outputs: {}, ...rest }).plan;
}

/** The stages whose failure cannot fail the run. */
function handled(...given: Parameters<typeof planOf>): string[] {
  return planOf(...given)
    .stages.filter((stage) => stage.handled)
    .map(({ name }) => name);
}

describe('a failure is handled', () => {
  test('not where the stage is wanted, directly or through plain readers', () => {
    expect(handled([{ name: 'a' }, { name: 'b', needs: { a: 'a' } }, { name: 'c', needs: { b: 'b' } }], { outputs: { c: 'c' } })).toEqual(
      [],
    );
    expect(handled([{ name: 'a' }], { outputs: {}, also: ['a'] })).toEqual([]);
  });

  test('where only settled readers see it, or it is wanted as settled', () => {
    expect(handled([{ name: 'a' }, { name: 'b', needs: { a: { settled: 'a' } } }], { outputs: { b: 'b' } })).toEqual(['a']);
    expect(handled([{ name: 'a' }], { outputs: { a: { settled: 'a' } } })).toEqual(['a']);
  });

  test('also where it lies further up, and everything between ends in a settled reader', () => {
    const stages = [{ name: 'a' }, { name: 'b', needs: { a: 'a' } }, { name: 'c', needs: { b: { settled: 'b' } } }];
    expect(handled(stages, { outputs: { c: 'c' } })).toEqual(['a', 'b']);
    expect(handled([...stages, { name: 'd', needs: { a: 'a' } }], { outputs: { c: 'c', d: 'd' } })).toEqual(['b']);
  });

  test('not through optional, firstOf, after and when: these do not take a failure into account', () => {
    expect(handled([{ name: 'a' }, { name: 'b', needs: { a: { optional: 'a' } } }], { outputs: { b: 'b' } })).toEqual([]);
    expect(handled([{ name: 'a' }, { name: 'x' }, { name: 'b', needs: { a: { firstOf: ['a', 'x'] } } }], { outputs: { b: 'b' } })).toEqual(
      [],
    );
    expect(handled([{ name: 'a' }, { name: 'x' }], { outputs: { b: { firstOf: ['a', 'x'], optional: true } } })).toEqual([]);
    expect(handled([{ name: 'a' }, { name: 'b', after: ['a'] }], { outputs: { b: 'b' } })).toEqual([]);
    expect(
      handled(
        [
          { name: 'a', kind: 'route' },
          { name: 'b', when: { route: 'a', is: ['x'] } },
        ],
        { outputs: { b: 'b' } },
      ),
    ).toEqual([]);
  });

  test('also where others read a firstOf: that concerns only the stages in it', () => {
    const stages = [
      { name: 'a' },
      { name: 'watched' },
      { name: 'b' },
      { name: 'c', needs: { a: 'a', watched: { settled: 'watched' }, either: { firstOf: ['a', 'b'] } } },
    ];
    expect(handled(stages, { outputs: { c: 'c' } })).toEqual(['watched']);
  });

  test('also where an input or a service is wanted: that is no stage', () => {
    const stages = [{ name: 'a' }, { name: 'b', needs: { a: { settled: 'a' }, x: { input: 'x' }, y: { service: 'y' } } }];
    expect(handled(stages, { outputs: { b: 'b', x: { input: 'x' }, y: { service: 'y' } } })).toEqual(['a']);
  });

  test('where the stage says that a failure is a skip', () => {
    expect(
      handled(
        [
          { name: 'a', onFailure: 'skip' },
          { name: 'b', needs: { a: 'a' } },
        ],
        { outputs: { b: 'b' } },
      ),
    ).toEqual(['a']);
  });

  test('where a settled reader is itself behind one that is wanted', () => {
    const stages = [{ name: 'a' }, { name: 'notice', needs: { a: { settled: 'a' } } }, { name: 'b', needs: { a: 'a', notice: 'notice' } }];
    expect(handled(stages, { outputs: { notice: 'notice' }, also: ['b'] })).toEqual([]);
    expect(handled(stages.slice(0, 2), { outputs: { notice: 'notice' } })).toEqual(['a']);
  });
});

describe('compile()', () => {
  test('lays values in slots: stages, then inputs, then services, each name once', () => {
    const plan = planOf(
      [
        { name: 'a', needs: { text: { input: 'text' }, model: { service: 'model' } } },
        { name: 'b', needs: { a: 'a', again: { input: 'text' }, id: { input: 'id' }, model: { service: 'model' } } },
      ],
      { outputs: { b: 'b', text: { input: 'text' }, clock: { service: 'clock' } } },
    );
    expect(plan.inputs.map(({ name }) => name)).toEqual(['text', 'id']);
    expect(plan.services).toEqual(['model', 'clock']);
    expect(plan.stages.map(({ slots }) => slots)).toEqual([
      [2, 4],
      [0, 2, 3, 4],
    ]);
    expect(plan.outputs.map(({ read }) => read)).toEqual([
      { read: 'slot', slot: 1 },
      { read: 'slot', slot: 2 },
      { read: 'slot', slot: 5 },
    ]);
  });

  test('counts what each stage waits for, a firstOf once, and lists who waits', () => {
    const plan = planOf(
      [
        { name: 'a' },
        { name: 'r', kind: 'route' },
        { name: 'c', needs: { a: 'a', either: { firstOf: ['a', 'r'] } }, after: ['a'], when: { route: 'r', is: ['x'] } },
      ],
      { outputs: { c: 'c' } },
    );
    expect(plan.waits).toEqual([0, 0, 4]);
    expect(plan.groups).toEqual([{ reader: 2, stages: [0, 1] }]);
    expect(plan.roots).toEqual([0, 1]);
    const waiting = (index: number) => [...plan.successors.slice(plan.offsets[index], plan.offsets[index + 1])];
    expect([waiting(0), waiting(1), waiting(2)]).toEqual([[2, -1, 2], [-1, 2], []]);
  });

  test('calls a stage simple only where one call is all there is to it', () => {
    const simple = (given: Partial<StageData>) => planOf([{ name: 'a', ...given }], { outputs: { a: 'a' } }).stages[0]?.simple;
    expect(simple({})).toBe(true);
    expect(simple({ kind: 'work', tags: ['x'], graceMs: 5 })).toBe(true);
    expect(simple({ timeoutMs: 1 })).toBe(false);
    expect(simple({ idleMs: 1 })).toBe(false);
    expect(simple({ budgetMs: 1 })).toBe(false);
    expect(simple({ retry: {} })).toBe(false);
    expect(simple({ kind: 'route' })).toBe(false);
    expect(simple({ kind: 'guard', subject: { input: 'x' } })).toBe(false);
    expect(simple({ output: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } } })).toBe(false);
  });

  test('refuses a draft that was not validated', () => {
    const draft = planOf([{ name: 'a' }], { outputs: { a: 'a' } }).draft;
    const astray: DraftEdge = { key: 'x', read: 'value', from: ['gone'] };
    expect(() => compile({ ...draft, outputs: [astray] })).toThrow('not been validated');
    expect(() => compile({ ...draft, outputs: [{ ...astray, from: [] }] })).toThrow('not been validated');
  });

  test('throws no plan but an error where a problem was found', () => {
    let thrown: unknown;
    try {
      planOf([], {});
    } catch (error) {
      thrown = error;
    }
    expect(isStageflowError(thrown, 'SF_PLAN_INVALID')).toBe(true);
  });
});
