import { importAdapter } from '../built-core.mjs';
import { optionsOf, runOf } from './run-of.mjs';

/** A chain of effects, each under a key of its own in every run. */
export default (core, count) => {
  const { run } = core.inputs();
  const effects = (make) => async () => {
    const interceptors = await make();
    let result = run;
    for (let at = 0; at < count; at++) {
      result = core.work(`w${at}`, {
        needs: { before: result, run },
        idempotencyKey: ({ run }) => `${run}/${at}`,
        run: async () => ({ v: at }),
      });
    }
    const chain = core.pipeline('effects', { outputs: { result } });
    let runs = 0;
    return {
      async run() {
        const input = { run: ++runs };
        return (await runOf(chain, input, { ...optionsOf.stageflow, ...(interceptors && { interceptors }) })()).v;
      },
      yields: count - 1,
    };
  };
  return {
    none: effects(async () => undefined),
    stageflow: effects(async () => {
      const { idempotency } = await importAdapter('interceptors');
      return [idempotency({ store: core.memoryIdempotencyStore(), ttlMs: 1_000 })];
    }),
  };
};
