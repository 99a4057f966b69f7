import { isStageflowError } from '@stageflow/core';
import { definePipeline, type PipelineSpecData } from '@stageflow/core/define';
import { planJson } from '@stageflow/core/plan';
import { virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ExpectedProblem, injections, withRing } from './defects-of-plans.ts';
import { handledStages } from './model-of-runs.ts';
import { largeGraphs, randomGraphs, smallGraphs } from './random-graph.ts';
import { givenInput, givenService, type ScriptedGraph } from './scripted-graph.ts';
import { scriptedData, scriptedPipeline } from './scripted-pipeline.ts';

const numRuns = Math.ceil(Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000) / 4);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const timeout = Math.max(60_000, numRuns * 60);

const backstage = () => ({ clock: virtualClock(), caller: new AbortController(), deeds: [] });

/** The problems that are reported for data, which may be any. */
function problemsOf(spec: PipelineSpecData): readonly { readonly code: string; readonly message: string }[] {
  try {
    definePipeline(spec);
    return [];
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems;
    throw error;
  }
}

/** Depth first along what each stage needs, from what is wanted: the order of the plan as the architecture defines it. */
function orderOf(graph: ScriptedGraph): readonly string[] {
  const ordered = new Set<string>();
  const visit = (index: number): void => {
    const stage = graph.stages[index];
    if (stage === undefined || ordered.has(stage.name)) return;
    for (const { from } of stage.needs) from.forEach(visit);
    stage.after.forEach(visit);
    if (typeof stage.when === 'object') visit(stage.when.route);
    ordered.add(stage.name);
  };
  for (const { from } of graph.outputs) from.forEach(visit);
  graph.also.forEach(visit);
  return [...ordered];
}

describe('a sound graph', () => {
  test('compiles, with every stage after those it needs, in the order and with the handled failures that the architecture defines', {
    timeout,
  }, () => {
    const check = (graph: ScriptedGraph): void => {
      const { plan } = scriptedPipeline({ ...graph, byReference: false }, backstage());
      const names = plan.stages.map(({ name }) => name);
      expect(names).toEqual(orderOf(graph));
      const handled = handledStages(graph);
      expect(plan.stages.filter((stage) => stage.handled).map(({ name }) => name)).toEqual(names.filter((name) => handled.has(name)));
      const position = new Map(names.map((name, at) => [name, at]));
      const isAfter = (later: string, earlier: string): boolean =>
        (position.get(later) ?? -1) > (position.get(earlier) ?? Number.POSITIVE_INFINITY);
      for (const { name, needs, after } of plan.draft.stages)
        for (const from of [...needs.filter(({ read }) => read !== 'input' && read !== 'service').flatMap((edge) => edge.from), ...after])
          if (!isAfter(name, from)) throw new Error(`${name} does not stand after ${from}`);
    };
    fc.assert(fc.property(randomGraphs(), check), { numRuns, seed });
  });

  test('compiles to equal plans whether it is data or written by reference', { timeout }, () => {
    const check = (graph: ScriptedGraph): void => {
      const [asData, byReference] = [false, true].map((each) =>
        planJson(scriptedPipeline({ ...graph, byReference: each }, backstage()).plan),
      );
      expect(byReference).toEqual(asData);
    };
    fc.assert(fc.property(fc.oneof(smallGraphs(30), largeGraphs(30, 300)), check), { numRuns, seed });
  });
});

describe('the problems of data', () => {
  const kinds = Object.keys(injections);
  const flaws = fc.uniqueArray(fc.record({ kind: fc.constantFrom(...kinds), variant: fc.nat(1_000) }), {
    minLength: 1,
    maxLength: 6,
    selector: ({ kind }) => kind,
  });

  test('are all reported at once, each naming what it is about, and nothing else is', { timeout }, () => {
    const injected = new Map<string, number>(kinds.map((kind) => [kind, 0]));
    const check = (graph: ScriptedGraph, chosen: readonly { readonly kind: string; readonly variant: number }[]): void => {
      let spec = scriptedData(graph, backstage());
      expect(problemsOf(spec)).toEqual([]);
      const expected: ExpectedProblem[] = [];
      for (const [at, { kind, variant }] of chosen.entries()) {
        const defect = injections[kind]?.(spec, variant, `x${at}`);
        if (defect === undefined || defect.problems.length === 0) continue;
        spec = defect.spec;
        expected.push(...defect.problems);
        injected.set(kind, (injected.get(kind) ?? 0) + 1);
      }
      const found = [...problemsOf(spec)];
      expect(found.map(({ code }) => code).sort()).toEqual(expected.map(({ code }) => code).sort());
      for (const { code, names } of expected) {
        const match = found.findIndex((problem) => problem.code === code && names.every((name) => problem.message.includes(name)));
        expect(match, `${code} about ${names.join(', ')} in:\n${found.map(({ message }) => message).join('\n')}`).not.toBe(-1);
        found.splice(match, 1);
      }
    };
    fc.assert(fc.property(smallGraphs(12), flaws, check), { numRuns, seed });
    for (const [kind, count] of injected) expect(count, kind).toBeGreaterThan(0);
  });

  test('include every circle, by its exact path', { timeout }, () => {
    const ring = fc.record({ size: fc.integer({ min: 1, max: 40 }), entry: fc.option(fc.nat(39), { nil: undefined }) });
    const check = (graph: ScriptedGraph, rings: readonly { readonly size: number; readonly entry: number | undefined }[]): void => {
      let spec = scriptedData(graph, backstage());
      const expected: string[] = [];
      for (const [at, { size, entry }] of rings.entries()) {
        const added = withRing(spec, size, String(at), entry);
        spec = added.spec;
        expected.push(added.path.join(' -> '));
      }
      const found = problemsOf(spec);
      expect(new Set(found.map(({ code }) => code))).toEqual(new Set(['SF_CYCLE']));
      const paths = found.map(({ message }) => /circle: (.*)\.$/.exec(message)?.[1]);
      expect(paths.sort()).toEqual(expected.sort());
    };
    fc.assert(fc.property(smallGraphs(12), fc.array(ring, { minLength: 1, maxLength: 3 }), check), { numRuns, seed });
  });
});

describe('data that holds anything anywhere', () => {
  const junk = fc.constantFrom<readonly unknown[]>(
    [null],
    [undefined],
    [0],
    [Number.NaN],
    [''],
    ['s0'],
    [[]],
    [{}],
    [true],
    [[null]],
    [{ firstOf: [] }],
    [Symbol('junk')],
    [() => 1],
  );

  test('is refused by an error with a code, or makes a pipeline whose runs end', { timeout }, async () => {
    let refused = 0;
    let ran = 0;
    const check = async (graph: ScriptedGraph, [value]: readonly unknown[], where: number): Promise<void> => {
      const hand = backstage();
      const spec = withJunk(scriptedData(graph, hand), value, where);
      let pipeline: ReturnType<typeof definePipeline>;
      try {
        pipeline = definePipeline(spec);
      } catch (error) {
        refused++;
        expect(error).toSatisfy((thrown) => isStageflowError(thrown));
        return;
      }
      ran++;
      const options = { clock: hand.clock, services: { model: givenService }, signal: hand.caller.signal, deadlineMs: 10_000 };
      const ended = pipeline.run({ text: givenInput }, options).then(
        ({ status }) => status,
        (error) => isStageflowError(error, 'SF_SERVICE_MISSING') && error.code,
      );
      expect(await hand.clock.settle(ended, { patienceMs: 20 })).toBeTruthy();
    };
    await fc.assert(fc.asyncProperty(smallGraphs(5), junk, fc.nat(), check), { numRuns: numRuns * 4, seed });
    expect(Math.min(refused, ran)).toBeGreaterThan(numRuns / 4);
  });
});

type Tree = Record<string, unknown>;

/** The data with the value at one place of its own, counted in the order it is written, replaced. */
function withJunk(spec: PipelineSpecData, junk: unknown, where: number): PipelineSpecData {
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)]));
    return value;
  };
  const root = copy(spec) as Tree;
  const places: (readonly [Tree, string])[] = [];
  const visit = (tree: Tree): void => {
    for (const key of Object.keys(tree)) {
      places.push([tree, key]);
      const member = tree[key];
      if (typeof member === 'object' && member !== null) visit(member as Tree);
    }
  };
  visit(root);
  const [tree, key] = places[where % places.length] as readonly [Tree, string];
  tree[key] = junk;
  return root as unknown as PipelineSpecData;
}
