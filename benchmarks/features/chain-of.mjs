/** A chain of stages that do nothing. */
export function chainOf(core, count) {
  let result = core.stage('s0', { run: async () => ({ v: 0 }) });
  for (let at = 1; at < count; at++) {
    const before = result;
    result = core.stage(`s${at}`, { needs: { before }, run: async () => ({ v: at }) });
  }
  return core.pipeline('chain', { outputs: { result } });
}
