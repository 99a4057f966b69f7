import {
  branch,
  firstOf,
  isStageflowError,
  map,
  pipeline,
  route,
  type Stage,
  type StreamingStage,
  skip,
  stage,
  streamed,
} from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import { planJson, toMermaid } from '@stageflow/core/plan';
import { describe, expect, test } from 'vitest';

type Model = StreamingStage<number, string, never, never, object>;

const model: Model = stage('model', {
  streams: true,
  run: async function* () {
    yield 'Hel';
    return 1;
  },
});

/** What is wrong with the pipeline that `act` makes: codes, with the reasons of streams. */
function problemsOf(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) {
      return error.details.problems.map(({ code, message }) =>
        code === 'SF_STREAM_INVALID' || code === 'SF_POLICY_INVALID' ? message : code,
      );
    }
    throw error;
  }
  return [];
}

const wanting = (...outputs: readonly Stage[]) =>
  problemsOf(() => pipeline('p', { outputs: Object.fromEntries(outputs.entries()) as never }));

describe('a streamed edge', () => {
  test('is sound to a stage that streams', () => {
    expect(wanting(stage('speech', { needs: { tokens: streamed(model) }, run: () => 1 }))).toEqual([]);
  });

  test.each([
    ['capacity', { capacity: 0 }, '"capacity" of streamed edge "tokens" of stage "speech" must be an integer of at least 1'],
    ['overflow', { overflow: 'drop' }, '"overflow" of streamed edge "tokens"'],
    ['putTimeoutMs', { putTimeoutMs: -1 }, '"putTimeoutMs" of streamed edge "tokens"'],
  ])('must have options that can be used: %s', (_option, options, expected) => {
    const [problem, ...others] = wanting(stage('speech', { needs: { tokens: streamed(model, options as never) }, run: () => 1 }));
    expect(problem).toContain(expected.split('" of ')[0]?.slice(1));
    expect(problem).toContain('streamed edge "tokens" of stage "speech"');
    expect(others).toEqual([]);
  });

  test('cannot read what does not stream, a guard included', () => {
    const plain = stage('plain', { run: () => 1 });
    expect(wanting(stage('speech', { needs: { tokens: streamed(plain as never) }, run: () => 1 }))).toEqual([
      'The stage "speech" cannot read the chunks of "plain": it gives no chunks, as it does not say streams: true.',
    ]);
    const safe = { ...model, kind: 'guard' };
    expect(
      problemsOf(() => pipeline('p', { outputs: { it: stage('it', { needs: { tokens: streamed(safe as never) }, run: () => 1 }) } })),
    ).toEqual([expect.stringContaining('"streams" of stage "model" must be left out for a guard')]);
  });

  test('cannot be an output', () => {
    expect(problemsOf(() => pipeline('p', { outputs: { tokens: streamed(model) } }))).toEqual([
      expect.stringContaining('The output "tokens" cannot read the chunks of "model": a run hands over its outputs when it has ended'),
    ]);
  });

  test('reads within its own region only', () => {
    const each = map('each', stage('items', { run: () => [1] }), (item) =>
      stage('reads', { needs: { item, tokens: streamed(model) }, run: () => 1 }),
    );
    expect(wanting(each)).toEqual(['The stage "reads" cannot read the chunks of "model": it stands outside of the region of its reader.']);
  });

  test('of an unknown stage is no other problem besides', () => {
    const spec = {
      name: 'p',
      stages: [{ name: 'speech', needs: { tokens: { streamed: 'modl' } }, run: () => 1 }],
      outputs: { it: 'speech' },
    };
    expect(problemsOf(() => definePipeline(spec))).toEqual(['SF_UNKNOWN_STAGE']);
  });

  test('of no source is no stream', () => {
    expect(wanting(stage('speech', { needs: { tokens: streamed(7 as never) }, run: () => 1 }))).toEqual(['SF_UNKNOWN_SOURCE']);
  });
});

describe('the options of streams', () => {
  test.each([
    ['streams', 'yes'],
    ['streams.publish', { publish: 1 }],
    ['streams.keepPartial', { keepPartial: 'all' }],
    ['streams.chunk', { chunk: {} }],
  ])('must be ones that can be used: %s', (option, streams) => {
    const [problem] = wanting(stage('speech', { streams: streams as never, run: () => 1 }));
    expect(problem).toContain(`"${option}"`);
  });

  test('may all be left out', () => {
    expect(wanting(stage('speech', { streams: {}, run: () => 1 }))).toEqual([]);
  });
});

describe('a reader that would keep its own producer waiting', () => {
  const reads = (name: string, needs: object, options: object = {}) =>
    stage(name, { needs: { tokens: streamed(model, options), ...needs } as never, run: () => 1 });
  const waits = (name: string, waited: string) => [
    `The stage "${name}" cannot read the chunks of "model": "${name}" begins only when "${waited}" has ended, and that would wait for "${name}".`,
  ];

  test('is refused where it waits for the producer itself', () => {
    expect(wanting(reads('speech', { whole: model }))).toEqual(waits('speech', 'model'));
  });

  test('is refused where it waits for what waits for the producer', () => {
    const far = stage('far', { needs: { far: stage('near', { after: [model], run: () => 1 }) }, run: () => 1 });
    expect(wanting(reads('speech', { far }))).toEqual(waits('speech', 'far'));
  });

  test('is refused where it waits for another reader of the same chunks', () => {
    expect(wanting(reads('speech', { other: reads('other', {}) }))).toEqual(waits('speech', 'other'));
  });

  test('is refused where it streams what begins only after the producer', () => {
    const later = stage('later', { needs: { model }, streams: true, run: async function* () {} });
    expect(wanting(reads('speech', { more: streamed(later) }))).toEqual(waits('speech', 'model'));
  });

  test('is refused where a route or an arm stands between', () => {
    const way = route('way', { needs: { model }, run: (): 'a' | 'b' => 'a' });
    const gated = stage('speech', { when: way.is('a'), needs: { tokens: streamed(model) }, run: () => 1 });
    expect(wanting(gated)).toEqual(waits('speech', 'way'));
    const arms = branch('arms', route('ways', { run: (): 'a' | 'b' => 'a' }), {
      a: stage('a', { needs: { model }, run: () => 1 }),
      b: stage('b', { run: () => 2 }),
    });
    expect(wanting(reads('speech', { arms }))).toEqual(waits('speech', 'arms'));
  });

  test('is refused where a region captures the producer', () => {
    const each = map('each', stage('items', { run: () => [1] }), (item) => stage('in', { needs: { item, model }, run: () => 1 }));
    expect(wanting(reads('speech', { each }))).toEqual(waits('speech', 'each'));
  });

  test('is sound where it drops what it has no room for', () => {
    expect(wanting(reads('speech', { whole: model }, { overflow: 'drop-oldest' }))).toEqual([]);
  });

  test('is sound where it streams what streams the same', () => {
    const both = stage('both', { needs: { tokens: streamed(model) }, streams: true, run: async function* () {} });
    expect(wanting(reads('speech', { both: streamed(both) }))).toEqual([]);
  });

  test('is sound where it waits for a stage around its region', () => {
    const around = stage('around', { run: () => 1 });
    const each = map('each', stage('items', { run: () => [1] }), (item) => {
      const inner = stage('inner', { needs: { item }, streams: true, run: async function* () {} });
      return stage('in', { needs: { tokens: streamed(inner), around }, run: () => 1 });
    });
    expect(wanting(each)).toEqual([]);
  });

  test('is sound where what it waits for has nothing to do with the producer', () => {
    const before = stage('before', { run: () => 1 });
    const other = stage('other', { needs: { before }, run: () => 1 });
    expect(wanting(reads('speech', { other, again: other, before }))).toEqual([]);
  });
});

describe('a plan with streams', () => {
  const speech = stage('speech', { needs: { tokens: streamed(model, { capacity: 8 }) }, run: () => 1 });
  const byReference = pipeline('chat', { outputs: { speech } });

  test('is the same from data', () => {
    const fromData = definePipeline({
      name: 'chat',
      stages: [
        { name: 'model', streams: true, run: () => 1 },
        { name: 'speech', needs: { tokens: { streamed: 'model', capacity: 8 } }, run: () => 1 },
      ],
      outputs: { speech: 'speech' },
    });
    expect(planJson(fromData.plan)).toEqual(planJson(byReference.plan));
    expect(fromData.plan.stages[0]?.stream).toEqual(byReference.plan.stages[0]?.stream);
  });

  test('says who streams, and is drawn with it', () => {
    expect(planJson(byReference.plan).stages).toMatchObject([
      { name: 'model', streams: true },
      { name: 'speech', needs: [{ key: 'tokens', read: 'streamed', from: ['model'] }] },
    ]);
    expect(toMermaid(byReference.plan)).toContain('-->|"streamed"|');
  });

  test('knows whether something waits for the end of the producer', () => {
    const wanted = (outputs: object) => pipeline('p', { outputs: outputs as never }).plan.stages[0]?.stream?.wholeWanted;
    expect(wanted({ speech })).toBe(false);
    expect(wanted({ model, speech })).toBe(true);
    const way = route('way', { run: (): 'a' | 'b' => 'a' });
    const arms = branch('arms', way, { a: model, b: stage('b', { run: () => 2 }) });
    const plan = pipeline('p', { outputs: { arms, speech } }).plan;
    expect(plan.stages.find(({ name }) => name === 'model')?.stream?.wholeWanted).toBe(true);
    const each = map('each', stage('items', { run: () => [1] }), (item) => stage('in', { needs: { item, model }, run: () => 1 }));
    const captured = pipeline('p', { outputs: { each, speech } }).plan;
    expect(captured.stages.find(({ name }) => name === 'model')?.stream?.wholeWanted).toBe(true);
    const either = firstOf(stage('first', { run: () => skip('no') }), model);
    const first = pipeline('p', { outputs: { speech, either } }).plan;
    expect(first.stages.find(({ name }) => name === 'model')?.stream?.wholeWanted).toBe(true);
    const also = pipeline('p', { outputs: { speech }, also: { model } }).plan;
    expect(also.stages[0]?.stream?.wholeWanted).toBe(true);
  });
});
