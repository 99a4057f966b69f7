import { expectedSum, stageFunctions } from '../workloads.mjs';

/**
 * Runs a contender once and checks what it did: each stage called once and after all it needs, and where stages read, the
 * right values.
 *
 * @param {import('./time.mjs').Subject} subject
 * @throws What is wrong.
 */
export async function verify({ contender, graph, workload }) {
  const read = workload.reads ? contender.receives : undefined;
  const calls = new Uint32Array(graph.size);
  const isDone = new Uint8Array(graph.size);
  let early = 0;
  let last;
  const stages = stageFunctions(graph, read).map((run, index) => async (values) => {
    calls[index]++;
    for (const need of graph.needs[index]) if (isDone[need] === 0) early++;
    const value = await run(values);
    isDone[index] = 1;
    if (index === graph.size - 1) last = value.v;
    return value;
  });
  await contender.run(contender.build(graph, stages));
  const wrong = calls.filter((count) => count !== 1).length;
  if (wrong > 0) throw new Error(`${wrong} stages were not called exactly once`);
  if (early > 0) throw new Error(`${early} needs had not ended when their reader started`);
  if (isDone.includes(0)) throw new Error('the run ended before its stages');
  if (read !== undefined && last !== expectedSum(graph)) throw new Error(`the last stage yielded ${last}, not ${expectedSum(graph)}`);
  return { verified: true };
}
