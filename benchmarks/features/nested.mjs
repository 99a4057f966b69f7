import { mapByHand, optionsOf, runOf } from './run-of.mjs';

const limit = 64;

/** Regions in regions: a pipeline in a pipeline that maps over a list and goes one of two ways with each item. */
export default (core, count) => {
  const items = Array.from({ length: count }, (_, at) => at);
  const sum = (results) => results.reduce((total, { v }) => total + v, 0);
  const yields = sum(items.map((at) => ({ v: at % 2 === 0 ? at + 1 : -at })));
  const way = async (item) => (item % 2 === 0 ? 'even' : 'odd');
  const even = async (item) => ({ v: item + 1 });
  const odd = async (item) => ({ v: -item });

  const nested = (options) => async () => {
    const { list } = core.inputs();
    const all = core.map(
      'all',
      list,
      (item) => {
        const needs = { item };
        const taken = core.route('way', { needs, run: ({ item }) => way(item) });
        const arms = {
          even: core.stage('even', { needs, run: ({ item }) => even(item) }),
          odd: core.stage('odd', { needs, run: ({ item }) => odd(item) }),
        };
        return core.branch('either', taken, arms);
      },
      { concurrency: limit },
    );
    const inner = core.pipeline('inner', { outputs: { all } });
    const { given } = core.inputs();
    const part = core.subpipeline('part', inner, { list: given });
    const result = core.stage('sum', { needs: { part }, run: ({ part }) => sum(part.all) });
    return { run: runOf(core.pipeline('nested', { outputs: { result } }), { given: items }, options), yields };
  };

  return {
    hand: async () => ({
      run: async () => sum(await mapByHand(items, limit, async (item) => ((await way(item)) === 'even' ? even(item) : odd(item)))),
      yields,
    }),
    stageflow: nested(optionsOf.stageflow),
    'stageflow:default': nested(optionsOf['stageflow:default']),
  };
};
