import { guard, inputs, optional, pass, pipeline, route, settled, skip, stage } from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import { planJson } from '@stageflow/core/plan';
import { runStage } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

const { text } = inputs<{ text: string }>();

describe('making stages and pipelines', () => {
  test('[61] a pipeline has the name it was given, and is refused without one', () => {
    const one = stage('one', { run: () => 1 });

    expect(pipeline('chat', { outputs: { one } }).name).toBe('chat');
    expect(() => pipeline(undefined as never, { outputs: { one } })).toThrow('it is not a string');
  });

  test('[62] with() and configure() give other pipelines and leave the original as it was', async () => {
    const one = stage('one', { run: () => 1 });
    const original = pipeline('p', { outputs: { one } });
    const before = JSON.stringify(planJson(original.plan));
    const swapped = original.with(one, () => 2);
    const tuned = original.configure({ one: { timeoutMs: 5 } });

    expect(await swapped.run({})).toMatchObject({ outputs: { one: 2 } });
    expect(planJson(tuned.plan).stages[0]?.limits).toEqual({ timeoutMs: 5 });
    expect(await original.run({})).toMatchObject({ outputs: { one: 1 } });
    expect(JSON.stringify(planJson(original.plan))).toBe(before);
  });

  test('[63] a stage is a transform unless it says otherwise, and a word that is no kind is refused', () => {
    const plain = stage('plain', { run: () => 1 });
    const labelled = stage('labelled', { kind: 'enrich', run: () => 1 });
    expect(planJson(pipeline('p', { outputs: { plain, labelled } }).plan).stages.map(({ kind }) => kind)).toEqual(['transform', 'enrich']);

    const define = (kind: string) =>
      definePipeline({ name: 'p', stages: [{ name: 'a', kind: kind as never, run: () => 1 }], outputs: { a: 'a' } });
    expect(() => define('agent')).not.toThrow();
    expect(() => define('banana')).toThrow(expect.objectContaining({ code: 'SF_PLAN_INVALID' }));
    const banana = stage('banana', { kind: 'banana' as never, run: () => 1 });
    expect(() => pipeline('p', { outputs: { banana } })).toThrow(expect.objectContaining({ code: 'SF_PLAN_INVALID' }));
  });

  test('[64] a plain asynchronous function is a stage', async () => {
    async function double({ text: given }: { readonly text: string }) {
      return given + given;
    }
    const doubled = stage('doubled', { needs: { text }, run: double });

    expect((await pipeline('p', { outputs: { doubled } }).runOrThrow({ text: 'ab' })).outputs.doubled).toBe('abab');
  });

  test('[65] both "needs" and "after" put a stage behind another, and a stage may have both', async () => {
    const order: string[] = [];
    const note = (name: string) => async () => {
      await null;
      order.push(name);
    };
    const first = stage('first', { run: note('first') });
    const second = stage('second', { after: [first], run: note('second') });
    const third = stage('third', { needs: { first }, after: [second], run: note('third') });
    await pipeline('p', { outputs: { third } }).runOrThrow({});

    expect(order).toEqual(['first', 'second', 'third']);
  });

  test('[66] a graph written as data has the plan of the same graph written by reference', async () => {
    const words = stage('words', { needs: { text }, run: ({ text: given }) => given.split(' ') });
    const count = stage('count', { needs: { words }, retry: { attempts: 2 }, run: ({ words: all }) => all.length });
    const written = pipeline('p', { outputs: { count } });
    const defined = definePipeline({
      name: 'p',
      stages: [
        {
          name: 'count',
          needs: { words: 'words' },
          retry: { attempts: 2 },
          run: ({ words: all = [] }: { readonly words?: readonly string[] }) => all.length,
        },
        { name: 'words', needs: { text: { input: 'text' } }, run: ({ text: given }) => String(given).split(' ') },
      ],
      outputs: { count: 'count' },
    });

    expect(planJson(defined.plan)).toEqual(planJson(written.plan));
    expect(await defined.run({ text: 'a b c' })).toMatchObject({ status: 'completed', outputs: { count: 3 } });
  });

  test('[67] [D18] two stages of one name are an error, by reference and from data', () => {
    const one = stage('same', { run: () => 1 });
    const two = stage('same', { run: () => 2 });
    const duplicate = expect.objectContaining({
      details: expect.objectContaining({ problems: [expect.objectContaining({ code: 'SF_DUPLICATE_STAGE' })] }),
    });
    const same = { name: 'same', run: () => 1 };

    expect(() => pipeline('p', { outputs: { one, two } })).toThrow(duplicate);
    expect(() => pipeline('p', { outputs: { one, again: one } })).not.toThrow();
    expect(() => definePipeline({ name: 'p', stages: [same, { ...same }], outputs: { same: 'same' } })).toThrow(duplicate);
  });

  test('[68] policies of a stage are set where it is made and again by configure()', () => {
    const one = stage('one', { timeoutMs: 10, graceMs: 1, run: () => 1 });
    const p = pipeline('p', { outputs: { one } });

    expect(planJson(p.plan).stages[0]?.limits).toEqual({ timeoutMs: 10, graceMs: 1 });
    expect(planJson(p.configure({ one: { timeoutMs: 20 } }).plan).stages[0]?.limits).toEqual({ timeoutMs: 20, graceMs: 1 });
    expect(() => p.configure({ one: { run: () => 2 } as never })).toThrow(expect.objectContaining({ code: 'SF_PLAN_INVALID' }));
  });

  test('[69] stages are listed with those they need first: a, c after b, b after a gives a, b, c', async () => {
    const a = stage('a', { run: () => 1 });
    const b = stage('b', { after: [a], run: () => 2 });
    const c = stage('c', { after: [b], run: () => 3 });
    const written = pipeline('p', { outputs: { a, c, b } });
    const run = () => 1;
    const defined = definePipeline({
      name: 'p',
      stages: [
        { name: 'a', run },
        { name: 'c', after: ['b'], run },
        { name: 'b', after: ['a'], run },
      ],
      outputs: { a: 'a', c: 'c', b: 'b' },
    });

    for (const { plan } of [written, defined]) expect(plan.stages.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect([...(await written.run({})).stages.keys()]).toEqual(['a', 'b', 'c']);
  });

  test('[70] a stage is looked up by name, and one that does not exist is undefined', async () => {
    const one = stage('one', { run: () => 1 });
    const run = await pipeline('p', { outputs: { one } }).run({});

    expect([run.stages.has('one'), run.stages.has('two')]).toEqual([true, false]);
    expect([run.stages.get('one')?.stage, run.stages.get('two')]).toEqual(['one', undefined]);
  });

  test('[73] [116] a pipeline without stages is refused when it is made, by reference and from data', () => {
    const empty = expect.objectContaining({
      details: expect.objectContaining({ problems: [expect.objectContaining({ code: 'SF_PLAN_EMPTY' })] }),
    });

    expect(() => pipeline('p', { outputs: {} })).toThrow(empty);
    expect(() => definePipeline({ name: 'p', stages: [], outputs: {} })).toThrow(empty);
  });

  test('[74] a dependency that does not exist is refused, wherever it is named', () => {
    const define = (more: object) =>
      definePipeline({ name: 'p', stages: [{ name: 'one', run: () => 1, ...more }], outputs: { one: 'one' } });
    const unknown = /names the stage "two", which this pipeline does not have/;

    expect(() => define({})).not.toThrow();
    for (const more of [
      { needs: { two: 'two' } },
      { needs: { two: { optional: 'two' } } },
      { after: ['two'] },
      { when: { route: 'two', is: ['a'] } },
    ]) {
      expect(() => define(more)).toThrow(unknown);
    }
  });

  test('[75] [115] a circle is refused with its path, before anything can run', () => {
    const run = () => 1;
    const define = (last: string) =>
      definePipeline({
        name: 'p',
        stages: [
          { name: 'a', after: ['c'], run },
          { name: 'b', after: ['a'], run },
          { name: 'c', after: [last], run },
          { name: 'd', run },
        ],
        outputs: { b: 'b', d: 'd' },
      });

    expect(() => define('b')).toThrow('The stages depend on each other in a circle: b -> a -> c -> b.');
    expect(() => define('d')).not.toThrow();
  });

  test('[76] dependencies, conditions and kinds arrive in the plan', () => {
    const intent = route('intent', { needs: { text }, run: ({ text: given }) => (given === '' ? 'nothing' : 'order') });
    const safe = guard('safe', { subject: text, check: () => pass() });
    const order = stage('order', { kind: 'agent', needs: { safe }, when: intent.is('order'), run: () => 1 });
    const note = stage('note', { needs: { order: settled(order) }, when: ({ order: seen }) => seen.status === 'completed', run: () => 2 });
    const { stages } = planJson(pipeline('p', { outputs: { note } }).plan);

    expect(stages.map(({ name, kind, needs, when }) => [name, kind, needs.map(({ read, from }) => `${read} ${from}`), when])).toEqual([
      ['safe', 'guard', ['input text'], undefined],
      ['intent', 'route', ['input text'], undefined],
      ['order', 'agent', ['value safe'], { route: 'intent', is: ['order'] }],
      ['note', 'transform', ['settled order'], 'predicate'],
    ]);
  });

  test('[77] a stage is immutable, and by default depends on nothing and always runs', () => {
    const one = stage('one', { run: () => 1 });
    const [planned] = planJson(pipeline('p', { outputs: { one } }).plan).stages;

    expect(Object.isFrozen(one)).toBe(true);
    expect(planned).toEqual({ name: 'one', kind: 'transform', needs: [], handled: false });
  });

  test('[78] long names and other scripts are accepted, an empty name is refused, and a hundred stages run', async () => {
    const named = (name: string) => pipeline('p', { outputs: { it: stage(name, { run: () => 1 }) } });
    expect((await named('x'.repeat(1_000)).run({})).status).toBe('completed');
    expect((await named('ステージ 1').run({})).status).toBe('completed');
    expect(() => named('')).toThrow('it is empty');

    const many = Array.from({ length: 100 }, (_, index) => stage(`stage-${index}`, { run: () => index }));
    const run = await pipeline('many', { outputs: Object.fromEntries(many.map((each) => [each.name, each])) }).run({});
    expect(run.counts.completed).toBe(100);
  });
});

describe('running', () => {
  const echo = stage('echo', { needs: { text }, run: ({ text: given }, { identity }) => [given, identity.userId] });
  const one = stage('one', { run: () => 1 });

  test('[79] a run takes its inputs and its options, and options may be left out', async () => {
    const p = pipeline('p', { outputs: { echo } });

    expect(await p.run({ text: 'a' }, { userId: 'u' })).toMatchObject({ outputs: { echo: ['a', 'u'] } });
    expect(await p.run({ text: 'a' })).toMatchObject({ outputs: { echo: ['a', undefined] } });
    expect(await pipeline('q', { outputs: { one } }).run({})).toMatchObject({ outputs: { one: 1 } });
    await expect(p.run({ text: 'a' }, { maxConcurrency: 0 })).rejects.toMatchObject({ code: 'SF_OPTION_INVALID' });
  });

  test('[80] a text is given by the name of its input', async () => {
    expect(await pipeline('p', { outputs: { echo } }).run({ text: 'hello' })).toMatchObject({ outputs: { echo: ['hello', undefined] } });
  });

  test('[81] one stage is run by itself, with the values it needs', async () => {
    expect(await runStage(echo, { text: 'a' }, { userId: 'u' })).toEqual({ status: 'completed', output: ['a', 'u'] });
    expect(await runStage(stage('left', { run: () => skip('no') }), {})).toEqual({ status: 'skipped', reason: 'no' });
  });

  test('[82] a stage that returns a plain map has completed with it', async () => {
    const map = stage('map', { run: () => ({ answer: 42 }) });
    const run = await pipeline('p', { outputs: { map } }).run({});

    expect(run.stages.get('map')?.outcome).toEqual({ status: 'completed', output: { answer: 42 } });
  });

  test('[83] reports, errors and counts are there at any status, and runOrThrow() insists', async () => {
    const broken = stage('broken', { run: () => Promise.reject(new Error('no')) });
    const p = pipeline('p', { outputs: { one, broken } });
    const run = await p.run({});

    expect(run).toMatchObject({ status: 'failed', outputs: { one: 1 }, counts: { completed: 1, failed: 1 } });
    expect(run.errors.map(({ path }) => path)).toEqual(['broken']);
    await expect(p.runOrThrow({})).rejects.toMatchObject({ code: 'SF_STAGE_FAILED', path: 'broken' });
    await expect(pipeline('q', { outputs: { one } }).runOrThrow({})).resolves.toMatchObject({ outputs: { one: 1 } });
  });

  test('[84] options of a pipeline reach its runs, and those of a run stand above them', async () => {
    const broken = stage('broken', { run: () => Promise.reject(new Error('no')) });
    const left = stage('left', { run: () => skip('not needed') });
    const late = stage('late', { needs: { left: optional(left) }, after: [one], run: async () => 'late' });
    const p = pipeline('p', { outputs: { broken, late }, failureMode: 'continue', maxConcurrency: 1 });

    expect((await p.run({})).outputs).toEqual({ late: 'late' });
    expect((await p.run({}, { failureMode: 'fail-fast' })).outputs).toEqual({});
  });
});
