import { type ResolvedRetryPolicy, resolveRetry } from '../retry.ts';
import type { UndoFunction } from '../undo.ts';
import type { DraftStage } from './draft.ts';

/** How the effect of a stage is undone. */
export interface PlannedUndo {
  readonly run: UndoFunction<never, never>;
  readonly retry: ResolvedRetryPolicy;
  readonly timeoutMs: number;
  /** Keys of its values that are services, with the name of each: the host gives them again. */
  readonly services: ReadonlyMap<string, string>;
  /** Keys of its values that cannot be had again: what was streamed to it. */
  readonly streamed: ReadonlySet<string>;
}

const defaultTimeoutMs = 30_000;

/** How the effect of a stage is undone; `undefined` where it stays. */
export function planUndo({ spec, needs }: DraftStage): PlannedUndo | undefined {
  if (spec.undo === undefined) return undefined;
  const { run, retry = {}, timeoutMs = defaultTimeoutMs } = typeof spec.undo === 'function' ? { run: spec.undo } : spec.undo;
  const services = new Map<string, string>();
  for (const { key, read, from } of needs) {
    // A stage that another calls is given its services by it, as values like any other.
    const source = spec.needs?.[key] as { readonly kind?: unknown; readonly name: string } | undefined;
    if (read === 'service') services.set(key, from[0] as string);
    else if (source?.kind === 'service') services.set(key, source.name);
  }
  const streamed = new Set(needs.filter(({ read }) => read === 'streamed').map(({ key }) => key));
  return { run, retry: resolveRetry(retry), timeoutMs, services, streamed };
}
