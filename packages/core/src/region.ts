import type { Execution } from './execution/execution.ts';
import type { Scope } from './execution/scope.ts';
import type { Plan, PlannedStage } from './plan/plan.ts';
import type { Demand, Local, Skippable } from './source.ts';
import { makeStage, type RegionKind, type Stage, type StageSource } from './stage.ts';

/**
 * A stage that is made of others. It is read, gated and reported like any stage; what it holds is part of the plan.
 *
 * @typeParam Out - What plain readers receive.
 * @typeParam In - What it and everything it holds demand, its own locals taken out.
 */
export interface Region<out Out = unknown, out In extends Demand = Demand, out Skips extends Skippable = Skippable>
  extends Stage<Out, In, Skips> {
  readonly kind: RegionKind;
}

/** What is left of a demand when the locals of one region are taken out. */
export type WithoutLocals<In extends Demand, Name extends string> = Exclude<In, Local<Name>>;

/** Starts a region in a scope; `values` are those of its own needs. */
export type OpenRegion = (scope: Scope, stage: PlannedStage, values: Readonly<Record<string, unknown>>) => Execution;

/** A local as it is at run time. */
export interface LocalSource {
  readonly kind: 'local';
  readonly name: string;
  readonly region: LocalOwner;
}

/** Identifies the region a local belongs to; known before the region itself, which is made of what reads the local. */
export interface LocalOwner {
  readonly name: string;
}

/** The run-time form of what the constructors of regions take. */
export interface RegionDefinition {
  readonly open: OpenRegion;
  readonly options: Readonly<Record<string, unknown>>;
  /** Arms and alternatives by key. */
  readonly heads?: readonly { readonly key: string; readonly source: unknown; readonly lazy: boolean }[] | undefined;
  /** What it repeats: the owner of its locals, and what one repetition yields. */
  readonly body?: { readonly owner: LocalOwner; readonly output: unknown } | undefined;
  readonly child?: Plan | undefined;
}

/** Makes the locals of a region. */
export function localSource(region: LocalOwner, local: string): LocalSource {
  return Object.freeze({ kind: 'local', name: `${region.name}.${local}`, region });
}

/** Makes a region of its run-time parts. */
export function makeRegion<R>(kind: RegionKind, name: string, needs: Readonly<Record<string, unknown>>, region: RegionDefinition): R {
  return makeStage<StageSource>(kind, name, { needs, region, run: neverCalled }) as R;
}

/** A region has no function of its own. */
function neverCalled(): never {
  throw new Error('A region was called as if it were a stage.');
}
