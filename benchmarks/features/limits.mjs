import { importAdapter } from '../built-core.mjs';
import { chainOf } from './chain-of.mjs';
import { optionsOf, runOf } from './run-of.mjs';

/** A chain within limits that are never reached: what it costs that they are there. */
export default (core, count) => {
  const within = (make) => async () => {
    const interceptors = make(await importAdapter('interceptors'));
    const run = runOf(chainOf(core, count), {}, { ...optionsOf.stageflow, ...(interceptors.length > 0 ? { interceptors } : {}) });
    return { run: async () => (await run()).v, yields: count - 1 };
  };
  const breaker = ({ circuitBreaker }) => circuitBreaker({ name: 'breaker' });
  const slots = ({ bulkhead }) => bulkhead({ name: 'bulkhead', capacity: 10 });
  const rate = ({ rateLimit, memoryRateLimiter }) =>
    rateLimit({ name: 'rate', limiter: memoryRateLimiter(), limit: { calls: 1_000_000_000, perMs: 1_000 } });
  return {
    none: within(() => []),
    next: within(() => [{ name: 'next', attempt: (_stage, next) => next() }]),
    'stageflow:breaker': within((made) => [breaker(made)]),
    'stageflow:bulkhead': within((made) => [slots(made)]),
    'stageflow:rate': within((made) => [rate(made)]),
    'stageflow:all': within((made) => [rate(made), slots(made), breaker(made)]),
  };
};
