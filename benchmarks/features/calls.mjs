import { optionsOf, runOf } from './run-of.mjs';

/** One stage that calls another many times: one after the other, or at once. */
export default (core, count, id) => {
  const yields = (count * (count + 1)) / 2;
  const work = async (number) => ({ v: number + 1 });
  const numbers = Array.from({ length: count }, (_, at) => at);
  const sum = (results) => results.reduce((total, { v }) => total + v, 0);
  const isSequential = id === 'calls-sequential';

  const inSequence = async (make) => {
    let total = 0;
    for (const number of numbers) total += (await make(number)).v;
    return total;
  };
  const atOnce = async (make) => sum(await Promise.all(numbers.map(make)));
  const all = isSequential ? inSequence : atOnce;

  const calling = (options) => async () => {
    const { number } = core.inputs();
    const callee = core.stage('callee', { needs: { number }, run: ({ number }) => work(number) });
    const result = core.stage('caller', {
      run: (_, { call }) => all((number) => call(callee, { number }, isSequential ? undefined : { key: String(number) })),
    });
    return { run: runOf(core.pipeline('calls', { outputs: { result } }), {}, options), yields };
  };

  return {
    hand: async () => ({ run: () => all(work), yields }),
    stageflow: calling(optionsOf.stageflow),
    'stageflow:default': calling(optionsOf['stageflow:default']),
  };
};
