import { mapByHand, optionsOf, runOf } from './run-of.mjs';

const limit = 64;

/** Two stages an item, synchronous or not by the name of the feature. Each result is looked at: nothing can be left out. */
export default (core, count, id) => {
  const items = Array.from({ length: count }, (_, at) => at);
  const sum = (results) => results.reduce((total, { v }) => total + v, 0);
  const yields = sum(items.map((at) => ({ v: 2 * at + 2 })));
  const isSync = id.startsWith('map-sync');
  const [first, second] = isSync
    ? [(item) => ({ v: item + 1 }), ({ v }) => ({ v: 2 * v })]
    : [async (item) => ({ v: item + 1 }), async ({ v }) => ({ v: 2 * v })];
  const both = isSync ? (item) => second(first(item)) : async (item) => second(await first(item));

  const mapped = (options) => async () => {
    const { list } = core.inputs();
    const all = core.map(
      'all',
      list,
      (item) => {
        const one = core.stage('one', { needs: { item }, run: ({ item }) => first(item) });
        return core.stage('two', { needs: { one }, run: ({ one }) => second(one) });
      },
      { concurrency: limit },
    );
    const result = core.stage('sum', { needs: { all }, run: ({ all }) => sum(all) });
    return { run: runOf(core.pipeline('map', { outputs: { result } }), { list: items }, options), yields };
  };

  return {
    hand: async () => ({ run: async () => sum(await mapByHand(items, limit, both)), yields }),
    'p-map': async () => {
      const { default: pMap } = await import('p-map');
      return { run: async () => sum(await pMap(items, both, { concurrency: limit })), yields };
    },
    stageflow: mapped(optionsOf.stageflow),
    'stageflow:default': mapped(optionsOf['stageflow:default']),
  };
};
