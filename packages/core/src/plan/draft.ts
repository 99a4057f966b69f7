import type { OpenRegion } from '../region.ts';
import type { Schema } from '../schema.ts';
import type { StageDefinition, StageKind } from '../stage.ts';
import type { StreamedOptions } from '../streamed.ts';
import type { UndoneEnding } from '../undo.ts';
import type { Plan } from './plan.ts';

/**
 * A pipeline as data: what every front end emits, whatever its style, before anything is checked. Stages refer to each
 * other by name.
 */
export interface PlanDraft {
  readonly name: string;
  readonly version: string | undefined;
  readonly stages: readonly DraftStage[];
  readonly outputs: readonly DraftEdge[];
  /** Stages that run for their effect. */
  readonly also: readonly string[];
  readonly policy: PipelinePolicy;
  /** Of the body of a region: names of the stages around it that it reads. */
  readonly captures?: readonly string[] | undefined;
}

/** One stage of a {@link PlanDraft}. */
export interface DraftStage {
  readonly name: string;
  readonly kind: StageKind;
  readonly needs: readonly DraftEdge[];
  readonly after: readonly string[];
  readonly when: DraftCondition | undefined;
  readonly spec: StageDefinition;
  readonly region?: DraftRegion | undefined;
}

/** What a region holds. */
export interface DraftRegion {
  readonly open: OpenRegion;
  /** What its constructor was given besides sources. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Arms and alternatives: stages of the same scope, gated by the region. */
  readonly heads: readonly DraftHead[];
  /** What it repeats or nests, in scopes of its own. */
  readonly body: PlanDraft | undefined;
  /** A nested pipeline, already compiled; its own names, its own inputs. */
  readonly child: Plan | undefined;
  /** What the body reads of the scope around it. */
  readonly captures: readonly DraftEdge[];
}

/** An arm or an alternative of a region. */
export interface DraftHead {
  readonly key: string;
  readonly from: string;
  /** Whether it waits until the region asks for it. */
  readonly lazy: boolean;
}

/** How a reader reads: the key it knows the value by, and where the value comes from. */
export interface DraftEdge {
  readonly key: string;
  readonly read: 'value' | 'optional' | 'settled' | 'firstOf' | 'optionalFirstOf' | 'streamed' | 'input' | 'service' | 'local' | 'unknown';
  /** Names of stages; of the one input, service or local; empty for `unknown`. */
  readonly from: readonly string[];
  readonly schema?: Schema | undefined;
  /** Present for `streamed`: how the reader is fed. */
  readonly stream?: StreamedOptions | undefined;
  /** For `unknown`: what was found. */
  readonly received?: string | undefined;
}

/** A gate that the plan can show; a predicate is a function and shows only that it is there. */
export interface DraftCondition {
  readonly route: string;
  readonly arms: readonly string[];
}

/** What a pipeline says about its runs; run options override it. */
export interface PipelinePolicy {
  /**
   * What an unhandled failure does. `fail-fast`: aborts the others and starts nothing new. `continue`: finishes
   * everything that is not behind it. `best-effort`: as `continue`, and the run is `completed` and `degraded` if every
   * required output exists. @default 'fail-fast'
   */
  readonly failureMode?: FailureMode | undefined;
  /** Stages in flight at once, an integer >= 1. @default no limit */
  readonly maxConcurrency?: number | undefined;
  /** Limit of the whole run, milliseconds. @default no limit */
  readonly deadlineMs?: number | undefined;
  /** How long stages may take to settle once they are aborted, milliseconds. @default 5_000 */
  readonly graceMs?: number | undefined;
  /** Budget of all cleanups together, milliseconds. @default 10_000 */
  readonly cleanupMs?: number | undefined;
  /** How deep `context.call` may nest, an integer >= 1. @default 5 */
  readonly maxCallDepth?: number | undefined;
  /**
   * How much of a run its store keeps as it goes. `stage`: each stage as it ends, and effects wait until what led to them is
   * durable. `exit`: everything, but only when the run ends or rests, so that a crash begins the run anew; effects wait for
   * nothing. `none`: nothing; the run cannot wait for the outside. Without a store, nothing is kept. @default 'stage'
   */
  readonly journal?: JournalLevel | undefined;
  /** The endings after which effects that say how are undone. @default ['failed', 'blocked'] */
  readonly undoOn?: readonly UndoneEnding[] | undefined;
}

/** See {@link PipelinePolicy.journal}. */
export type JournalLevel = 'none' | 'exit' | 'stage';

/** See {@link PipelinePolicy.failureMode}. */
export type FailureMode = 'fail-fast' | 'continue' | 'best-effort';

/** Whether an edge reads what no stage yields: an input, a service, a local. */
export function isValueRead(read: DraftEdge['read']): read is 'input' | 'service' | 'local' {
  return read === 'input' || read === 'service' || read === 'local';
}
