import { pass } from '@stageflow/core';
import type { PipelineSpecData, SourceSpec, StageSpecData } from '@stageflow/core/define';

/** A problem that must be reported, by its code and what its message must name. */
export interface ExpectedProblem {
  readonly code: string;
  readonly names: readonly string[];
}

/** A flaw put into sound data, with exactly the problems that it brings. */
export interface Defect {
  readonly spec: PipelineSpecData;
  readonly problems: readonly ExpectedProblem[];
}

/** Puts a flaw into data. `variant` chooses among its forms, `mark` is part of the names of the stages it adds. */
export type Injection = (spec: PipelineSpecData, variant: number, mark: string) => Defect;

const run = (): number => 1;

/** The data with one more stage, which runs for its effect. */
function withStage(spec: PipelineSpecData, stage: Partial<StageSpecData> & { readonly name: string }): PipelineSpecData {
  return { ...spec, stages: [...spec.stages, { run, ...stage }], also: [...(spec.also ?? []), stage.name] };
}

function nth<T>(items: readonly T[], variant: number): T {
  return items[variant % items.length] as T;
}

const badNames = ['', ' padded', 'padded ', 'a/b', 'a[0', 'a]', '__proto__', 'line\nbreak', 'nul\u0000'];
const badSources: readonly unknown[] = [5, null, undefined, true, {}, [], { optional: 3 }, { firstOf: 'a' }, { input: 7 }];

const badPolicies: readonly (readonly [option: string, value: unknown])[] = [
  ['timeoutMs', 0],
  ['timeoutMs', '5'],
  ['timeoutMs', Number.NaN],
  ['idleMs', -1],
  ['idleMs', Number.POSITIVE_INFINITY],
  ['budgetMs', 2 ** 31],
  ['graceMs', -1],
  ['onFailure', 'explode'],
  ['kind', 'banana'],
  ['idempotencyKey', 'k'],
  ['output', 5],
  ['run', 'later'],
  ['retry', null],
  ['retry', 'often'],
];

const badRetries: readonly (readonly [option: string, value: unknown])[] = [
  ['attempts', 0],
  ['attempts', 1.5],
  ['baseMs', -1],
  ['maxMs', Number.NaN],
  ['backoff', 'quadratic'],
  ['jitter', 'wild'],
  ['when', true],
];

const badPipelinePolicies: readonly (readonly [option: string, value: unknown])[] = [
  ['failureMode', 'whenever'],
  ['maxConcurrency', 0],
  ['maxConcurrency', 2.5],
  ['deadlineMs', 0],
  ['graceMs', -5],
  ['cleanupMs', 'long'],
];

/** Where a name of a stage can stand, with an unknown one in it. */
const unknownNames: readonly ((name: string) => Partial<StageSpecData>)[] = [
  (name) => ({ needs: { key: name } }),
  (name) => ({ needs: { key: { optional: name } } }),
  (name) => ({ needs: { key: { settled: name } } }),
  (name) => ({ needs: { key: { firstOf: [name, name] } } }),
  (name) => ({ after: [name] }),
  (name) => ({ when: { route: name, is: ['left'] } }),
];

/** Every kind of flaw, by name. */
export const injections: Readonly<Record<string, Injection>> = {
  'a stage of a name that is taken': (spec, variant) => {
    const sound = spec.stages.filter((stage) => /^s\d+$/.test(stage.name));
    const { name } = nth(sound, variant);
    return { spec: { ...spec, stages: [...spec.stages, { name, run }] }, problems: [{ code: 'SF_DUPLICATE_STAGE', names: [name] }] };
  },
  'a bad name': (spec, variant) => {
    const name = nth(badNames, variant);
    return { spec: withStage(spec, { name }), problems: [{ code: 'SF_NAME_INVALID', names: [JSON.stringify(name)] }] };
  },
  'a bad key': (spec, variant, mark) => {
    const key = nth(badNames, variant);
    const needs = Object.fromEntries([[key, { input: 'text' }]]);
    const name = `keyed-${mark}`;
    return { spec: withStage(spec, { name, needs }), problems: [{ code: 'SF_NAME_INVALID', names: [JSON.stringify(key), name] }] };
  },
  'a source that is none': (spec, variant, mark) => {
    const name = `sourced-${mark}`;
    const needs = { strange: nth(badSources, variant) as SourceSpec };
    return { spec: withStage(spec, { name, needs }), problems: [{ code: 'SF_UNKNOWN_SOURCE', names: ['strange', name] }] };
  },
  'a name that nothing has': (spec, variant, mark) => {
    const name = `lost-${mark}`;
    const unknown = `nowhere to be found ${mark}`;
    const place = nth(unknownNames, variant)(unknown);
    const twice = typeof place.needs?.['key'] === 'object' && 'firstOf' in place.needs['key'];
    const problem = { code: 'SF_UNKNOWN_STAGE', names: [unknown, name] };
    return { spec: withStage(spec, { name, ...place }), problems: twice ? [problem, problem] : [problem] };
  },
  'an unknown output': (spec, _, mark) => ({
    spec: { ...spec, outputs: { ...spec.outputs, [`missing-${mark}`]: `nobody ${mark}` } },
    problems: [{ code: 'SF_UNKNOWN_STAGE', names: [`nobody ${mark}`, 'outputs'] }],
  }),
  'an unknown stage under also': (spec, _, mark) => ({
    spec: { ...spec, also: [...(spec.also ?? []), `no one ${mark}`] },
    problems: [{ code: 'SF_UNKNOWN_STAGE', names: [`no one ${mark}`, 'also'] }],
  }),
  'a bad policy of a stage': (spec, variant, mark) => {
    const [option, value] = nth(badPolicies, variant);
    const name = `strict-${mark}`;
    return { spec: withStage(spec, { name, [option]: value }), problems: [{ code: 'SF_POLICY_INVALID', names: [`"${option}"`, name] }] };
  },
  'a bad retry': (spec, variant, mark) => {
    const [option, value] = nth(badRetries, variant);
    const name = `stubborn-${mark}`;
    const stage = { name, retry: { [option]: value } };
    return { spec: withStage(spec, stage), problems: [{ code: 'SF_POLICY_INVALID', names: [`retry.${option}`, name] }] };
  },
  'a bad policy of the pipeline': (spec, variant) => {
    const [option, value] = nth(badPipelinePolicies, variant);
    return { spec: { ...spec, [option]: value }, problems: [{ code: 'SF_POLICY_INVALID', names: [`"${option}"`, spec.name] }] };
  },
  'a guard that is read through optional or firstOf': (spec, variant, mark) => {
    const guard: StageSpecData = { name: `guard-${mark}`, kind: 'guard', subject: { input: 'text' }, run: pass };
    const other = { name: `other-of-${mark}` };
    const source: SourceSpec = variant % 2 === 0 ? { optional: guard.name } : { firstOf: [guard.name, other.name] };
    const reader = { name: `lenient-${mark}`, needs: { judged: source } };
    return {
      spec: withStage(withStage(withStage(spec, guard), other), reader),
      problems: [{ code: 'SF_GUARD_TOLERATED', names: [guard.name, reader.name] }],
    };
  },
  'a condition on a stage that is no route': (spec, _, mark) => {
    const plain = { name: `plain-${mark}` };
    const gated = { name: `gated-${mark}`, when: { route: plain.name, is: ['left'] } };
    return { spec: withStage(withStage(spec, plain), gated), problems: [{ code: 'SF_ROUTE_EXPECTED', names: [plain.name, gated.name] }] };
  },
  'an input of two schemas': (spec, _, mark) => {
    const contract = () => ({ '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) } });
    const read = (name: string) => ({ name, needs: { it: { input: `doubtful-${mark}`, schema: contract() } } });
    return {
      spec: withStage(withStage(spec, read(`one-${mark}`)), read(`other-${mark}`)),
      problems: [{ code: 'SF_INPUT_CONFLICT', names: [`doubtful-${mark}`] }],
    };
  },
  'a stage that nothing needs': (spec, _, mark) => {
    const stages = [...spec.stages, { name: `idle-${mark}`, run }];
    return { spec: { ...spec, stages }, problems: [{ code: 'SF_STAGE_UNREACHABLE', names: [`idle-${mark}`] }] };
  },
};

/**
 * Adds a ring of stages, each needing the next, the last the first.
 *
 * @param entry - Which of them a stage outside of the ring needs; `undefined`: nothing needs the ring.
 * @returns The data, and the path by which the ring must be reported.
 */
export function withRing(
  spec: PipelineSpecData,
  size: number,
  mark: string,
  entry: number | undefined,
): { readonly spec: PipelineSpecData; readonly path: readonly string[] } {
  const ring = Array.from({ length: size }, (_, at) => `ring-${mark}-${at}`);
  const edges = unknownNames.slice(0, 5);
  const stages = ring.map((name, at): StageSpecData => ({ name, run, ...nth(edges, at)(nth(ring, at + 1)) }));
  const first = (entry ?? 0) % size;
  const path = [...ring.slice(first), ...ring.slice(0, first), nth(ring, first)];
  const added = { ...spec, stages: [...stages, ...spec.stages] };
  return { path, spec: entry === undefined ? added : withStage(added, { name: `into-${mark}`, needs: { ring: nth(ring, first) } }) };
}
