import type { InterceptedStage, RunIdentity } from '@stageflow/core';
import type { EffectCall } from './effect-call.ts';

/** The calls of effects that are being made in this process, by run and path: of all interceptors together. */
const underWay = new WeakMap<RunIdentity, Map<string, EffectCall>>();

/** The call that is being made where a stage stands. */
export function callAt({ identity, path }: Pick<InterceptedStage, 'identity' | 'path'>): EffectCall | undefined {
  return underWay.get(identity)?.get(path);
}

/** The calls that are being made by the stages above one. */
export function callsAbove({ identity, path }: InterceptedStage): readonly EffectCall[] {
  const found: EffectCall[] = [];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    // A call of `agent` under a key stands at `agent[key]/callee`.
    for (const above of new Set([path.slice(0, at), path.slice(0, at).replace(/\[[^\]]*\]$/, '')])) {
      const call = callAt({ identity, path: above });
      if (call !== undefined) found.push(call);
    }
  }
  return found;
}

/** @returns What takes the call out again. */
export function enter({ identity, path }: InterceptedStage, call: EffectCall): () => void {
  const calls = underWay.get(identity) ?? new Map<string, EffectCall>();
  underWay.set(identity, calls);
  calls.set(path, call);
  return () => calls.delete(path);
}
