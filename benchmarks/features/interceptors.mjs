import { chainOf } from './chain-of.mjs';
import { optionsOf, runOf } from './run-of.mjs';

/** A chain with so many interceptors around each stage, each of which only calls `next`. */
export default (core, count) => {
  const around = (many) => async () => {
    let calls = 0;
    const stage = async (_stage, next) => {
      calls++;
      return await next();
    };
    const interceptors = Array.from({ length: many }, (_, at) => ({ name: `interceptor ${at}`, stage }));
    const run = runOf(chainOf(core, count), {}, many === 0 ? optionsOf.stageflow : { ...optionsOf.stageflow, interceptors });
    return {
      async run() {
        calls = 0;
        await run();
        return calls;
      },
      yields: many * count,
    };
  };
  return { none: around(0), 'stageflow:1': around(1), 'stageflow:3': around(3), 'stageflow:10': around(10) };
};
