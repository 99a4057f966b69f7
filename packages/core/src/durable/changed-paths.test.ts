import { describe, expect, test } from 'vitest';
import { optional } from '../edge.ts';
import { fallback } from '../fallback.ts';
import { guard, pass } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { map } from '../map.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import type { Plan } from '../plan/plan.ts';
import type { JournalRecord } from '../ports/run-store.ts';
import { route } from '../route.ts';
import { stage } from '../stage.ts';
import { subpipeline } from '../subpipeline.ts';
import { work } from '../work.ts';
import { changedPaths } from './changed-paths.ts';
import { fingerprint } from './fingerprint.ts';

const { text, list } = inputs<{ text: string; list: readonly number[] }>();

/** Records of stages of a plan, by path, as that plan would write them. */
function recordsOf(plan: Plan, paths: Readonly<Record<string, Plan>>): readonly JournalRecord[] {
  return Object.entries(paths).map(([path, owner]) => {
    const name = path.split('/').at(-1) ?? '';
    const found = owner.stages[owner.indexByName.get(name) ?? -1];
    if (found === undefined) throw new Error(`${plan.name} has no ${path}`);
    return { path, status: 'completed', attempts: 1, fingerprint: fingerprint(owner, found), at: 0 };
  });
}

/** Which of the stages of one pipeline the other has otherwise. */
function changed(before: RegisteredPipeline, after: RegisteredPipeline): readonly string[] {
  const { plan } = before;
  return changedPaths(after.plan, recordsOf(plan, Object.fromEntries(plan.stages.map(({ name }) => [name, plan]))));
}

const a = stage('a', { needs: { text }, run: () => 1 });
const b = stage('b', { needs: { a }, run: () => 2 });
const before = pipeline('p', { outputs: { b } });

describe('a stage that may change while runs of it are kept', () => {
  test.each<[string, RegisteredPipeline]>([
    ['its function', pipeline('p', { outputs: { b: stage('b', { needs: { a }, run: () => 3 }) } })],
    ['its limits', pipeline('p', { outputs: { b: stage('b', { needs: { a }, timeoutMs: 5, graceMs: 1, run: () => 2 }) } })],
    ['its retries', pipeline('p', { outputs: { b: stage('b', { needs: { a }, retry: { attempts: 3 }, run: () => 2 }) } })],
    ['policies laid over it', before.configure({ a: { timeoutMs: 7 } })],
    ['the version of the pipeline', pipeline('p', { version: '2', outputs: { b } })],
    ['what else there is', pipeline('p', { outputs: { b, c: stage('c', { needs: { a }, run: () => 3 }) } })],
  ])('%s', (_, after) => {
    expect(changed(before, after)).toEqual([]);
  });
});

describe('a stage that has changed', () => {
  const c = stage('c', { run: () => 1 });
  const r = route('r', { needs: { text }, run: () => 'x' as 'x' | 'y' });
  test.each<[string, RegisteredPipeline]>([
    ['its name', pipeline('p', { outputs: { b: stage('b2', { needs: { a }, run: () => 2 }) } })],
    ['its kind', pipeline('p', { outputs: { a }, also: { b: work('b', { needs: { a }, run: () => 2 }) } })],
    ['what it reads', pipeline('p', { outputs: { a, b: stage('b', { needs: { a: c }, run: () => 2 }) } })],
    ['under which key', pipeline('p', { outputs: { b: stage('b', { needs: { value: a }, run: () => 2 }) } })],
    ['how it reads', pipeline('p', { outputs: { b: stage('b', { needs: { a: optional(a) }, run: () => 2 }) } })],
    ['what it waits for', pipeline('p', { outputs: { b: stage('b', { needs: { a }, after: [c], run: () => 2 }) } })],
    ['what gates it', pipeline('p', { outputs: { b: stage('b', { needs: { a }, when: r.is('x'), run: () => 2 }) } })],
    ['a predicate that gates it', pipeline('p', { outputs: { b: stage('b', { needs: { a }, when: () => true, run: () => 2 }) } })],
    ['that it has a contract', pipeline('p', { outputs: { b: stage('b', { needs: { a }, output: anything, run: () => 2 }) } })],
    ['its version', pipeline('p', { outputs: { b: stage('b', { needs: { a }, version: '2', run: () => 2 }) } })],
    ['what its failure means', pipeline('p', { outputs: { b: stage('b', { needs: { a }, onFailure: 'skip', run: () => 2 }) } })],
  ])('%s', (_, after) => {
    expect(changed(before, after)).toEqual(['b']);
  });

  test('which arm gates it', () => {
    const gated = (arm: 'x' | 'y') => pipeline('p', { outputs: { b: stage('b', { needs: { a }, when: r.is(arm), run: () => 2 }) } });
    expect(changed(gated('x'), gated('y'))).toEqual(['b']);
    expect(changed(gated('x'), gated('x'))).toEqual([]);
  });

  test('whether a guard fails open', () => {
    const guarded = (failOpen: boolean) => pipeline('p', { outputs: { g: guard('g', { subject: a, failOpen, check: () => pass() }) } });
    expect(changed(guarded(false), guarded(true))).toEqual(['g']);
  });

  test('the alternatives of a region', () => {
    const [x, y] = [stage('x', { run: () => 1 }), stage('y', { run: () => 2 })];
    const either = (...alternatives: readonly [typeof x, typeof y]) => pipeline('p', { outputs: { f: fallback('f', ...alternatives) } });
    expect(changed(either(x, y), either(y as never, x as never))).toEqual(['f']);
  });

  test('a stage that is gone', () => {
    expect(changed(before, pipeline('p', { outputs: { a } }))).toEqual(['b']);
  });
});

describe('a stage inside a region', () => {
  const inItems = (version: string) =>
    pipeline('p', { outputs: { m: map('m', list, (item) => stage('inner', { needs: { item }, version, run: () => 1 })) } });
  const bodyOf = (made: RegisteredPipeline, region: string): Plan =>
    made.plan.stages[made.plan.indexByName.get(region) ?? -1]?.region?.body as Plan;

  test('is compared where it stands, and each path is named once', () => {
    const [one, two] = [inItems('1'), inItems('2')];
    const records = recordsOf(one.plan, { 'm[k]/inner': bodyOf(one, 'm'), 'm[a/b]/inner': bodyOf(one, 'm') });
    expect(changedPaths(one.plan, records)).toEqual([]);
    expect(changedPaths(two.plan, [...records, ...records])).toEqual(['m[k]/inner', 'm[a/b]/inner']);
  });

  test('is compared in a nested pipeline, too', () => {
    const outer = (version: string) => {
      const child = pipeline('child', { outputs: { a: stage('a', { needs: { text }, version, run: () => 1 }) } });
      return pipeline('p', { outputs: { s: subpipeline('s', child, { text }) } });
    };
    const records = recordsOf(outer('1').plan, { 's/a': bodyOf(outer('1'), 's') });
    expect(changedPaths(outer('1').plan, records)).toEqual([]);
    expect(changedPaths(outer('2').plan, records)).toEqual(['s/a']);
  });

  test('of a region that is gone has changed', () => {
    const records = recordsOf(inItems('1').plan, { 'm[k]/inner': bodyOf(inItems('1'), 'm') });
    expect(changedPaths(before.plan, records)).toEqual(['m[k]/inner']);
  });
});

test('what a stage called is not in the plan, so it is not compared; its caller is', () => {
  const record = { status: 'completed', attempts: 1, fingerprint: 'any', at: 0 } as const;
  expect(
    changedPaths(before.plan, [
      { ...record, path: 'a/tool' },
      { ...record, path: 'a[k]/tool/deeper' },
    ]),
  ).toEqual([]);
  expect(changedPaths(before.plan, [{ ...record, path: 'gone/tool' }])).toEqual(['gone/tool']);
});

test('a stage has one fingerprint, 16 hexadecimal digits, whatever its pipeline is called', () => {
  const renamed = pipeline('q', { outputs: { b } });
  const prints = [before, renamed].map(({ plan }) => fingerprint(plan, plan.stages[1] as Plan['stages'][number]));
  expect(prints[0]).toMatch(/^[0-9a-f]{16}$/);
  expect(prints[1]).toBe(prints[0]);
});

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
