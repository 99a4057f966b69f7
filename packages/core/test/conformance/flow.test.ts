import { firstOf, inputs, type Plan, pipeline, route, stage } from '@stageflow/core';
import { compose, flow } from '@stageflow/core/flow';
import { planJson } from '@stageflow/core/plan';
import { describe, expect, test } from 'vitest';

const { text } = inputs<{ text: string }>();
const run = () => 1;

/** The stages of a pipeline in order, each with what it needs. */
function needsIn({ plan }: { readonly plan: Plan }) {
  return planJson(plan).stages.map(({ name, needs }) => [name, needs.flatMap(({ from }) => from)]);
}

describe('compose()', () => {
  const first = flow('p1', { text })
    .stage('a', { needs: ['text'], run })
    .stage('b', { needs: ['a'], run });
  const second = flow('p2')
    .stage('c', { run })
    .stage('d', { needs: ['c'], run });

  test('[71] two flows compose into their union, in order, as a new flow, with their dependencies', () => {
    const both = compose(first, second);
    const thrice = compose(both, flow('p3').stage('e', { run }));
    const itself = compose(both, both);

    expect(needsIn(both.build({ outputs: ['b', 'd'] }))).toEqual([
      ['a', ['text']],
      ['b', ['a']],
      ['c', []],
      ['d', ['c']],
    ]);
    expect(needsIn(thrice.build({ outputs: ['b', 'd', 'e'] })).map(([name]) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(planJson(itself.build({ outputs: ['b', 'd'] }).plan)).toEqual(planJson(both.build({ outputs: ['b', 'd'] }).plan));
    expect([Object.keys(first.stages), Object.keys(second.stages)]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(compose(flow('p'), flow('p')).stages).toEqual({});
  });

  test('[72] flows that define one name differently do not compose', () => {
    const duplicate = expect.objectContaining({
      code: 'SF_PLAN_INVALID',
      details: expect.objectContaining({ problems: [expect.objectContaining({ code: 'SF_DUPLICATE_STAGE' })] }),
    });

    expect(() => compose(second, flow('p').stage('c', { run }))).not.toThrow();
    expect(() => compose(second, flow('p').stage('c', { run: () => 2 }))).toThrow(duplicate);
    expect(() => compose(second, flow('p').stage('c', { kind: 'agent', run }))).toThrow(duplicate);
    expect(() =>
      compose(
        second,
        flow('p')
          .stage('a', { run })
          .stage('c', { after: ['a'], run }),
      ),
    ).toThrow(duplicate);
  });

  test('[78] fifty flows compose one after another', () => {
    const part = (name: string) => flow('p').stage(name, { run });
    const names = Array.from({ length: 50 }, (_, index) => `s${index}`);
    const all = names.map(part).reduce((joined, each) => compose(joined, each) as typeof each);

    expect(Object.keys(all.stages)).toEqual(names);
    expect(all.build({ outputs: names as [] }).plan.stages).toHaveLength(50);
  });

  test('[88] the result is named after both, merged, and a stage that both have alike counts once', () => {
    const one = flow('p1')
      .stage('shared', { timeoutMs: 5, run })
      .stage('left', { needs: ['shared'], run });
    const two = flow('p2')
      .stage('shared', { timeoutMs: 5, run })
      .stage('right', { needs: ['shared'], run });
    const both = compose(one, two).build({ outputs: ['left', 'right'] });

    expect(both.name).toBe('p1+p2');
    expect(needsIn(both)).toEqual([
      ['shared', []],
      ['left', ['shared']],
      ['right', ['shared']],
    ]);
    expect(compose(one, flow('p1')).name).toBe('p1');
    expect(() => compose(one, flow('p2').stage('shared', { timeoutMs: 6, run }))).toThrow('Two different stages are named "shared".');
  });
});

describe('helpers', () => {
  const base = flow('p', { text }).stage('start', { needs: ['text'], run: ({ text }) => text });
  const add = (letter: string) => (given: string) => given + letter;

  test('[90] in a chain each stage needs the one before, the first what is given; an empty one changes nothing', async () => {
    const links = ['a', 'b', 'c'].map((name) => [name, add(name)] as const);
    const chained = flow('p', { text })
      .chain({ from: 'text', stages: links })
      .build({ outputs: ['c'] });

    expect(needsIn(chained)).toEqual([
      ['a', ['text']],
      ['b', ['a']],
      ['c', ['b']],
    ]);
    expect((await chained.runOrThrow({ text: '>' })).outputs['c']).toBe('>abc');
    expect(needsIn(base.chain({ stages: [] }).build({ outputs: ['start'] }))).toEqual([['start', ['text']]]);
  });

  test('[91] stages in parallel need the same, or nothing', () => {
    const stages = { left: run, right: run };

    expect(needsIn(base.parallel({ needs: ['start', 'text'], stages }).build({ outputs: ['left', 'right'] })).slice(1)).toEqual([
      ['left', ['start', 'text']],
      ['right', ['start', 'text']],
    ]);
    expect(
      needsIn(
        flow('p')
          .parallel({ needs: [], stages })
          .build({ outputs: ['left', 'right'] }),
      ),
    ).toEqual([
      ['left', []],
      ['right', []],
    ]);
  });

  test('[92] in a fan-out and fan-in workers need the splitter, the merger all workers, the splitter what is given', async () => {
    const fanned = base
      .fanOutFanIn({
        needs: ['text'],
        split: ['split', ({ text }) => [...text]],
        workers: { first: (all) => all[0], last: (all) => all.at(-1) },
        merge: ['merge', ({ first, last }) => `${first}${last}`],
      })
      .build({ outputs: ['merge'], also: ['start'] });

    expect(needsIn(fanned).slice(0, 4)).toEqual([
      ['split', ['text']],
      ['first', ['split']],
      ['last', ['split']],
      ['merge', ['first', 'last']],
    ]);
    expect((await fanned.runOrThrow({ text: 'abc' })).outputs.merge).toBe('ac');
  });

  test('[93] in a conditional each arm waits for the route and is gated by it; the merge needs all arms', async () => {
    const conditional = base
      .conditional({
        route: ['intent', ({ start }) => (start.startsWith('buy') ? 'order' : 'question')],
        arms: { order: ({ start }) => `order: ${start}`, question: ({ start }) => `about ${start}` },
        merge: ['reply', (answer) => answer],
      })
      .build({ outputs: ['reply'] });
    const start = stage('start', { needs: { text }, run });
    const intent = route('intent', { needs: { start }, run: () => 'order' as 'order' | 'question' });
    const order = stage('order', { needs: { start }, when: intent.is('order'), run });
    const question = stage('question', { needs: { start }, when: intent.is('question'), run });
    const reply = stage('reply', { needs: { taken: firstOf(order, question) }, run });

    expect(planJson(conditional.plan)).toEqual(planJson(pipeline('p', { outputs: { reply } }).plan));
    const ended = await conditional.runOrThrow({ text: 'buy milk' });
    expect(ended.outputs.reply).toBe('order: buy milk');
    expect(ended.stages.get('question')?.outcome.status).toBe('skipped');
  });

  test('[94] chain, parallel, fan-out and conditional go on from the last stage; a plain stage does not', () => {
    const names = { split: ['split', () => 1], merge: ['merge', run] } as const;
    const chained = base.chain({ stages: [['next', (given) => given]] });
    const grouped = base.parallel({ stages: { next: run } });
    const fanned = base.fanOutFanIn({ ...names, workers: { worker: run } });
    const chosen = base.conditional({ route: ['next', () => 'arm' as const], arms: { arm: run } });
    const plain = base.stage('next', { run });

    for (const each of [chained.build({ outputs: ['next'] }), grouped.build({ outputs: ['next'] })]) {
      expect(needsIn(each).at(-1)).toEqual(['next', ['start']]);
    }
    expect(needsIn(fanned.build({ outputs: ['merge'] }))[1]).toEqual(['split', ['start']]);
    expect(needsIn(chosen.build({ outputs: ['arm'] }))[1]).toEqual(['next', ['start']]);
    expect(needsIn(plain.build({ outputs: ['next'], also: ['start'] }))[0]).toEqual(['next', []]);
  });
});
