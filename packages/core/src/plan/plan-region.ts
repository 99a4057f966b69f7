import type { OpenRegion } from '../region.ts';
import { type DraftRegion, type DraftStage, isValueRead } from './draft.ts';
import type { Plan } from './plan.ts';
import type { SlotLayout } from './slot-layout.ts';

/** A region of a compiled plan. */
export interface PlannedRegion {
  readonly open: OpenRegion;
  readonly options: Readonly<Record<string, unknown>>;
  /** Arms and alternatives: the stage that yields, and which of {@link gates} lets it start; -1 where none does. */
  readonly heads: readonly { readonly key: string; readonly stage: number; readonly gate: number }[];
  readonly gates: readonly PlannedGate[];
  /** The plan of what it repeats or nests. */
  readonly body: Plan | undefined;
  /** Which slot of the body gets which slot of the scope around it: inputs, services, locals of other regions. */
  readonly imports: readonly { readonly slot: number; readonly outer: number }[];
  /** Which stage of the body's plan stands for which of the scope around it. */
  readonly captures: readonly { readonly index: number; readonly outer: number }[];
  /** Stages around whose failure would fail the region. */
  readonly escaping: readonly number[];
}

/** What must not start before the region says so. */
export interface PlannedGate {
  readonly stages: readonly number[];
  /** Its place among the tokens of the plan. */
  token: number;
}

/**
 * Compiles a region.
 *
 * @param body - The plan of what it repeats or nests, where it does.
 */
export function planRegion(stage: DraftStage, region: DraftRegion, layout: SlotLayout, body: Plan | undefined): PlannedRegion {
  const { open, options } = region;
  const gates: PlannedGate[] = [];
  const heads = region.heads.map(({ key, from, lazy }) => {
    const head = layout.stage(from);
    if (lazy) gates.push({ stages: [head], token: -1 });
    return { key, stage: head, gate: lazy ? gates.length - 1 : -1 };
  });
  const captured = region.captures.filter(({ read }) => read === 'value').map(({ from }) => from[0] as string);
  const captures = captured.map((name, at) => ({ index: (body as Plan).stages.length + at, outer: layout.stage(name) }));
  if (captures.length > 0) gates.push({ stages: captures.map(({ outer }) => outer), token: -1 });
  const imports = region.captures.flatMap(({ read, from: [name = ''] }) => {
    const slot = isValueRead(read) ? body?.slotOf(read, name) : undefined;
    const outer = isValueRead(read) ? layout.value(read, name) : undefined;
    return slot === undefined || outer === undefined ? [] : [{ slot, outer }];
  });
  const escaping = [
    ...(stage.kind === 'branch' ? heads.map((head) => head.stage) : []),
    ...captures.filter(({ index }) => body?.escapes[index] === true).map(({ outer }) => outer),
  ];
  return { open, options, heads, gates, body, imports, captures, escaping };
}
