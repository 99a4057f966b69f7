import { describe, expect, test } from 'vitest';
import { branch } from '../branch.ts';
import { definePipeline } from '../define.ts';
import { firstOf, optional, settled } from '../edge.ts';
import { fallback } from '../fallback.ts';
import { guard, pass } from '../guard.ts';
import { guarded } from '../guarded.ts';
import { inputs } from '../inputs.ts';
import { loop } from '../loop.ts';
import { map } from '../map.ts';
import { type PipelineSpec, pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import type { Needs } from '../source.ts';
import { type Stage, type StagePolicy, stage } from '../stage.ts';
import { subpipeline } from '../subpipeline.ts';
import { work } from '../work.ts';
import { type LintOptions, lint } from './lint.ts';
import { lintRules } from './lint-rules.ts';

const { text, list } = inputs<{ text: string; list: string[] }>();
const one = stage('one', { run: () => 1 });
const limited = { deadlineMs: 60_000, maxConcurrency: 50 } as const;

/** What is found in a pipeline with a deadline and a bound, as `rule path`. */
function found(spec: Partial<PipelineSpec<Needs, Needs>>, options?: LintOptions): string[] {
  const made = pipeline('p', { ...limited, outputs: { one }, ...spec });
  return lint(made.plan, options).map(({ rule, path }) => `${rule} ${path}`);
}

const of = (stage: Stage, policy: Partial<PipelineSpec<Needs, Needs>> = {}): string[] => found({ outputs: { stage }, ...policy });

test('a plan that does what it says has nothing to be told', () => {
  const safe = guard('safe', { subject: text, timeoutMs: 500, check: () => pass() });
  const answer = stage('answer', { kind: 'agent', needs: { safe }, timeoutMs: 1_000, retry: { attempts: 3 }, run: ({ safe }) => safe });
  const save = work('save', {
    needs: { answer },
    timeoutMs: 1_000,
    onFailure: 'skip',
    retry: { attempts: 3 },
    idempotencyKey: ({ answer }) => answer,
    run: () => 1,
  });
  expect(lint(pipeline('chat', { outputs: { answer }, also: { save } }).plan)).toEqual([]);
});

test('every rule and its words', () => {
  const judged = guard('safe', { subject: text, failOpen: true, check: () => pass() });
  const send = work('send', { needs: { text }, retry: { attempts: 20 }, tags: ['a', 'a'], run: () => 1 });
  const profile = stage('profile', { kind: 'enrich', needs: { text }, idleMs: 100, timeoutMs: 50, run: () => 1 });
  const sends = map('sends', list, (item) => work('mail', { needs: { item }, run: () => 1 }));
  const made = pipeline('p', { outputs: { profile, sends }, also: { judged, send } });
  const findings = lint(made.plan);
  expect(findings).toMatchInlineSnapshot(`
    [
      {
        "hint": "Give the pipeline a deadlineMs, or these stages a timeoutMs.",
        "message": "Pipeline "p" has no deadline, and "sends/mail" and 2 other stages no limit: a call that hangs keeps its run for ever.",
        "path": "",
        "rule": "no-time-limit",
        "severity": "info",
      },
      {
        "hint": "Mend the numbers, or remove the limit that never applies.",
        "message": ""profile" has an idleMs of 100, which never applies: its timeoutMs of 50 comes first.",
        "path": "profile",
        "rule": "limit-never-applies",
        "severity": "warning",
      },
      {
        "hint": "Give it onFailure: 'skip' and read it with optional(), read it with settled(), or give it a retry policy.",
        "message": ""profile" enriches, is not retried, and nothing takes its failure into account: where it fails, so does the run.",
        "path": "profile",
        "rule": "enrich-fails-run",
        "severity": "info",
      },
      {
        "hint": "Give it a key: (item) => item.id.",
        "message": ""sends" tells the effects of its items apart by position: when the list changes between two runs or on resume, keys belong to other items.",
        "path": "sends",
        "rule": "map-of-work-without-key",
        "severity": "info",
      },
      {
        "hint": "Give it a concurrency, or the pipeline a maxConcurrency.",
        "message": ""sends" reaches out of the process for all of its items at once.",
        "path": "sends",
        "rule": "map-without-bound",
        "severity": "info",
      },
      {
        "hint": "Let what it should protect read it, or stand after it.",
        "message": "Nothing reads "safe", so everything else runs without waiting for its verdict.",
        "path": "safe",
        "rule": "guard-without-reader",
        "severity": "warning",
      },
      {
        "hint": "Give it a timeoutMs.",
        "message": ""safe" lets pass what it cannot judge, and has no limit: where it hangs, it lets nothing pass.",
        "path": "safe",
        "rule": "fail-open-without-timeout",
        "severity": "warning",
      },
      {
        "hint": "Let it read "safe" in place of what that judges, or stand after it.",
        "message": ""send" has its effect on a value that "safe" judges, and does not wait for the verdict.",
        "path": "send",
        "rule": "effect-beside-guard",
        "severity": "warning",
      },
      {
        "hint": "Give it an idempotencyKey and hand context.idempotencyKey to the target, or take the retry away.",
        "message": ""send" is retried without an idempotency key: an attempt that failed late may have had its effect, which is then repeated.",
        "path": "send",
        "rule": "work-retried-without-key",
        "severity": "warning",
      },
      {
        "hint": "Bound it lower, or by time with budgetMs or timeoutMs.",
        "message": ""send" may make 20 attempts.",
        "path": "send",
        "rule": "large-bound",
        "severity": "warning",
      },
      {
        "hint": "Where the outputs matter more, give it onFailure: 'skip'.",
        "message": "Nothing reads "send", and still the run fails where it fails, whatever the outputs.",
        "path": "send",
        "rule": "side-effect-fails-run",
        "severity": "info",
      },
      {
        "hint": "Remove one.",
        "message": ""send" has the tag "a" twice.",
        "path": "send",
        "rule": "duplicate-tag",
        "severity": "info",
      },
    ]
  `);
  expect(new Set(findings.map(({ rule }) => rule)).size).toBe(lintRules.length);
});

describe('effect-beside-guard', () => {
  const safe = guard('safe', { subject: text, check: () => pass() });
  const send = (needs: Needs, after: Stage[] = []) => work('send', { needs, after, onFailure: 'skip', run: () => 1 });
  const told = ['effect-beside-guard send'];

  test('is found where an effect and a guard read the same: an input, a stage, the last of several', () => {
    const read = stage('read', { needs: { safe }, run: () => 1 });
    expect(found({ outputs: { read }, also: { send: send({ text }) } })).toEqual(told);
    const drafted = guard('tone', { subject: one, check: () => pass() });
    const edges: Needs[] = [{ one }, { one: optional(one) }, { one: settled(one) }, { one: firstOf(stage('zero', { run: () => 1 }), one) }];
    for (const needs of edges) expect(found({ outputs: { drafted }, also: { send: send(needs) } })).toEqual(told);
  });

  test('is not found where the effect waits for the verdict, at any distance', () => {
    const after = stage('after', { needs: { safe }, run: () => 1 });
    expect(found({ outputs: { after }, also: { send: send({ safe }) } })).toEqual([]);
    expect(found({ outputs: { after }, also: { send: send({ text, after }) } })).toEqual([]);
    expect(found({ outputs: { after }, also: { send: send({ text }, [safe]) } })).toEqual([]);
    const either = firstOf(one, after);
    expect(found({ outputs: { after }, also: { send: send({ text, either }) } })).toEqual([]);
  });

  test('is not found where a region that waits for the verdict lets the effect start', () => {
    const way = route('way', { needs: { safe }, run: () => 'a' as 'a' | 'b' });
    const prepared = work('prepared', { needs: { text }, run: () => 1 });
    const chosen = branch('chosen', way, { a: work('send', { needs: { text, prepared }, run: () => 1 }), b: one });
    expect(of(chosen)).toEqual([]);
  });

  test('is not found for what is no effect, nor where they read different things', () => {
    const reads = stage('reads', { needs: { text, safe }, run: () => 1 });
    const beside = stage('beside', { needs: { text }, run: () => 1 });
    expect(found({ outputs: { reads, beside }, also: { send: send({ list }) } })).toEqual([]);
  });
});

describe('guard-without-reader', () => {
  const safe = guard('safe', { subject: text, check: () => pass() });
  const told = ['guard-without-reader safe'];

  test('is found where a guard runs for its effect only', () => {
    expect(found({ also: { safe } })).toEqual(told);
  });

  test('is not found where it is read, waited for, or an output', () => {
    const after = stage('after', { after: [safe], run: () => 1 });
    const reads = stage('reads', { needs: { safe }, run: () => 1 });
    for (const outputs of [{ safe }, { after }, { reads }, { safe: settled(safe) }]) expect(found({ outputs })).toEqual([]);
  });

  test('is not found where a region yields it, chooses it, or reads it in its body', () => {
    const open = guard('safe', { subject: text, failOpen: true, timeoutMs: 5, check: () => pass() });
    const draft = guarded('draft', (feedback) =>
      guard('tone', { subject: stage('write', { needs: { feedback }, run: () => 'x' }), check: () => pass() }),
    );
    expect(found({ outputs: { either: firstOf(open, one) } })).toEqual([]);
    expect(of(fallback('either', open, stage('other', { run: () => 'x' })))).toEqual([]);
    expect(of(draft)).toEqual([]);
    const each = map('each', list, (item) => stage('inner', { needs: { item, safe }, run: () => 1 }), { concurrency: 2 });
    expect(of(each)).toEqual([]);
  });
});

describe('fail-open-without-timeout', () => {
  const open = (policy: StagePolicy, failOpen = true) => guard('open', { subject: text, failOpen, ...policy, check: () => pass() });

  test('is found where a guard that fails open has no limit', () => {
    expect(of(open({}))).toEqual(['fail-open-without-timeout open']);
  });

  test('is not found where it has one, or fails closed', () => {
    for (const policy of [{ timeoutMs: 5 }, { idleMs: 5 }, { budgetMs: 5 }]) expect(of(open(policy))).toEqual([]);
    expect(of(open({}, false))).toEqual([]);
  });
});

describe('work-retried-without-key', () => {
  const save = (attempts: number | undefined, key?: () => string) =>
    work('save', { ...(attempts === undefined ? {} : { retry: { attempts } }), idempotencyKey: key, run: () => 1 });

  test('is found where an effect may be repeated', () => {
    expect(of(save(2))).toEqual(['work-retried-without-key save']);
  });

  test('is not found where the target can tell, or nothing is repeated', () => {
    for (const stage of [save(2, () => 'k'), save(1), save(undefined)]) expect(of(stage)).toEqual([]);
    expect(of(stage('pure', { retry: { attempts: 2 }, run: () => 1 }))).toEqual([]);
  });
});

describe('limit-never-applies', () => {
  const message = (policy: StagePolicy, run: Partial<PipelineSpec<Needs, Needs>> = {}) =>
    lint(pipeline('p', { ...limited, ...run, outputs: { it: stage('it', { ...policy, run: () => 1 }) } }).plan).map(
      ({ message }) => message,
    );

  test.each<[string, StagePolicy, string]>([
    ['idle and timeout', { idleMs: 100, timeoutMs: 50 }, 'an idleMs of 100, which never applies: its timeoutMs of 50'],
    ['timeout and budget', { timeoutMs: 100, budgetMs: 50 }, 'a timeoutMs of 100, which never applies: its budgetMs of 50'],
    [
      'retry and a budget that one attempt spends',
      { timeoutMs: 50, budgetMs: 50, retry: { attempts: 2 } },
      'a retry after a timeout of 50 ms, which never applies: its budgetMs of 50',
    ],
    ['timeout and deadline', { timeoutMs: 70_000 }, 'timeoutMs of 70000, which never applies: the deadlineMs of 60000'],
    ['budget and deadline', { budgetMs: 70_000 }, 'budgetMs of 70000, which never applies: the deadlineMs of 60000'],
    ['idle and deadline', { idleMs: 70_000 }, 'idleMs of 70000, which never applies: the deadlineMs of 60000'],
  ])('is found in %s', (_, policy, words) => {
    expect(message(policy)).toEqual([`"it" has ${words} comes first.`]);
  });

  test.each<[string, StagePolicy]>([
    ['equal limits', { idleMs: 50, timeoutMs: 50 }],
    ['a budget for one attempt', { timeoutMs: 50, budgetMs: 50 }],
    ['a budget for two', { timeoutMs: 50, budgetMs: 100, retry: { attempts: 2 } }],
    ['a timeout up to the deadline', { timeoutMs: 60_000 }],
  ])('is not found in %s', (_, policy) => {
    expect(message(policy)).toEqual([]);
  });

  test('is found in the concurrency of a map, in nested pipelines by the limits of the whole', () => {
    const each = (concurrency: number) => map('each', list, (item) => stage('inner', { needs: { item }, run: () => 1 }), { concurrency });
    expect(of(each(51))).toEqual(['limit-never-applies each']);
    expect(of(each(50))).toEqual([]);
    const child = pipeline('child', { deadlineMs: 5, outputs: { it: stage('inner', { timeoutMs: 100, run: () => 1 }) } });
    expect(of(subpipeline('nested', child, {}))).toEqual([]);
    expect(of(subpipeline('nested', child, {}), { deadlineMs: 50 })).toEqual(['limit-never-applies nested/inner']);
  });
});

describe('large-bound', () => {
  const turns = (maxTurns: number, kind: 'transform' | 'agent') =>
    loop('turns', one, (state) => stage('turn', { kind, needs: { state }, run: () => 1 }), { until: () => true, maxTurns });
  const drafts = (attempts: number | undefined) =>
    guarded(
      'drafts',
      (feedback) => guard('tone', { subject: stage('write', { needs: { feedback }, run: () => 'x' }), check: () => pass() }),
      { attempts },
    );

  test('is found in attempts, drafts and turns that reach out of the process', () => {
    expect(of(stage('it', { retry: { attempts: 11 }, run: () => 1 }))).toEqual(['large-bound it']);
    expect(of(drafts(11))).toEqual(['large-bound drafts']);
    expect(of(turns(101, 'agent'))).toEqual(['large-bound turns']);
  });

  test('is not found below, nor in turns that only compute', () => {
    for (const stages of [stage('it', { retry: { attempts: 10 }, run: () => 1 }), drafts(10), drafts(undefined), turns(100, 'agent')]) {
      expect(of(stages)).toEqual([]);
    }
    expect(of(turns(1_000_000, 'transform'))).toEqual([]);
  });
});

describe('enrich-fails-run', () => {
  const profile = (spec: { onFailure?: 'skip'; retry?: { attempts: number } } = {}) =>
    stage('profile', { kind: 'enrich', ...spec, run: () => 1 });

  test('is found where an enrichment is as needed as the rest', () => {
    expect(of(profile())).toEqual(['enrich-fails-run profile']);
  });

  test('is not found where its failure is taken into account, or it is retried', () => {
    const settledReader = stage('reads', { needs: { profile: settled(profile()) }, run: () => 1 });
    for (const stage of [profile({ onFailure: 'skip' }), profile({ retry: { attempts: 2 } }), settledReader]) expect(of(stage)).toEqual([]);
  });
});

describe('side-effect-fails-run', () => {
  const audit = (onFailure?: 'skip') => work('audit', { onFailure, run: () => 1 });

  test('is found where nothing reads an effect and the run fails with it', () => {
    expect(found({ also: { audit: audit() } })).toEqual(['side-effect-fails-run audit']);
  });

  test('is not found where it may fail, is an output, or what exists is what counts', () => {
    expect(found({ also: { audit: audit('skip') } })).toEqual([]);
    expect(of(audit())).toEqual([]);
    expect(found({ failureMode: 'best-effort', also: { audit: audit() } })).toEqual([]);
  });
});

describe('map-of-work-without-key, map-without-bound', () => {
  const each = (kind: 'work' | 'agent' | 'transform', options: { key?: () => string; concurrency?: number } = {}) =>
    map(
      'each',
      list,
      (item) =>
        kind === 'work' ? work('inner', { needs: { item }, run: () => 1 }) : stage('inner', { kind, needs: { item }, run: () => 1 }),
      options,
    );
  const unbounded = (stage: Stage) => of(stage, { maxConcurrency: undefined });

  test('are found where effects are told apart by position, and where all items reach out at once', () => {
    expect(of(each('work'))).toEqual(['map-of-work-without-key each']);
    expect(unbounded(each('work'))).toEqual(['map-of-work-without-key each', 'map-without-bound each']);
    expect(unbounded(each('agent'))).toEqual(['map-without-bound each']);
    const outer = map('outer', list, (item) =>
      map('each', stage('parts', { needs: { item }, run: () => ['x'] }), (part) => work('inner', { needs: { part }, run: () => 1 })),
    );
    expect(of(outer)).toEqual(['map-of-work-without-key outer', 'map-of-work-without-key outer/each']);
  });

  test('are not found with a key, with a bound, or where items only compute', () => {
    expect(unbounded(each('work', { key: () => 'k', concurrency: 2 }))).toEqual([]);
    expect(unbounded(each('transform'))).toEqual([]);
  });
});

describe('no-time-limit', () => {
  const without = (outputs: Needs, deadlineMs?: number) => lint(pipeline('p', { deadlineMs, outputs }).plan).map(({ message }) => message);

  test('is said once for a pipeline, with the first stage', () => {
    const [two, three] = ['two', 'three'].map((name) => stage(name, { run: () => 1 }));
    const bounded = stage('bounded', { timeoutMs: 5, run: () => 1 });
    expect(without({ one })).toEqual(['Pipeline "p" has no deadline, and "one" no limit: a call that hangs keeps its run for ever.']);
    expect(without({ bounded, one, two: two as Stage })).toEqual([expect.stringContaining('"one" and 1 other stage no limit')]);
    expect(without({ one, two: two as Stage, three: three as Stage })).toEqual([expect.stringContaining('"one" and 2 other stages')]);
    const each = map('each', list, (item) => stage('inner', { needs: { item }, run: () => 1 }));
    expect(without({ each })).toEqual([expect.stringContaining('"each/inner" no limit')]);
  });

  test('is not said where there is a deadline, or each stage has a limit or a tag', () => {
    expect(without({ one }, 5)).toEqual([]);
    const bounded = [{ timeoutMs: 5 }, { idleMs: 5 }, { budgetMs: 5 }].map((policy, at) => stage(`s${at}`, { ...policy, run: () => 1 }));
    const sync = stage('sync', { tags: ['lint-ignore:no-time-limit'], run: () => 1 });
    expect(without({ ...Object.fromEntries(bounded.map((stage, at) => [at, stage])), sync })).toEqual([]);
  });
});

describe('a rule is not applied', () => {
  const tagged = (...tags: string[]) => work('save', { tags, retry: { attempts: 2 }, run: () => 1 });

  test('to a stage with its tag', () => {
    expect(of(tagged('lint-ignore:work-retried-without-key'))).toEqual([]);
    expect(of(tagged('lint-ignore:large-bound'))).toEqual(['work-retried-without-key save']);
  });

  test('where it is ignored for all, or at one path', () => {
    const spec = { outputs: { save: tagged() } };
    expect(found(spec, { ignore: ['work-retried-without-key'] })).toEqual([]);
    expect(found(spec, { ignore: ['work-retried-without-key:save'] })).toEqual([]);
    expect(found(spec, { ignore: ['work-retried-without-key:other', 'large-bound'] })).toEqual(['work-retried-without-key save']);
    expect(found(spec, {})).toEqual(['work-retried-without-key save']);
  });

  test('only if there is one of that name', () => {
    const made = pipeline('p', { ...limited, outputs: { one: stage('one', { tags: ['lint-ignore:large-bounds'], run: () => 1 }) } });
    expect(lint(made.plan, { ignore: ['speling:one'] })).toEqual([
      {
        rule: 'unknown-rule',
        severity: 'warning',
        path: '',
        message: '"ignore" names the rule "speling", which does not exist.',
        hint: 'Mend the name, or remove it.',
      },
      {
        rule: 'unknown-rule',
        severity: 'warning',
        path: 'one',
        message: 'A tag of "one" names the rule "large-bounds", which does not exist.',
        hint: 'Did you mean "large-bound"?',
      },
    ]);
    expect(lint(made.plan, { ignore: ['unknown-rule'] })).toEqual([]);
  });
});

test('graphs from data are held to the same rules', () => {
  const defined = definePipeline({
    name: 'p',
    ...limited,
    stages: [{ name: 'save', kind: 'work', retry: { attempts: 2 }, needs: { text: { input: 'text' } }, run: () => 1 }],
    outputs: { save: 'save' },
  });
  expect(lint(defined.plan).map(({ rule, path }) => [rule, path])).toEqual([['work-retried-without-key', 'save']]);
});

test('every rule has a severity and a name in lower case', () => {
  for (const { rule, severity } of lintRules) expect(`${rule} ${severity}`).toMatch(/^[a-z-]+ (error|warning|info)$/);
  expect(new Set(lintRules.map(({ rule }) => rule)).size).toBe(lintRules.length);
});
