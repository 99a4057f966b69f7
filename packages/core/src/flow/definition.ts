import type { PlanProblem } from '../error-details.ts';
import type { Needs } from '../source.ts';
import type { StageDefinition, StageKind } from '../stage.ts';

/** A flow as data: what its methods add to, and `compose` joins. */
export interface FlowDefinition {
  readonly name: string;
  /** What names may stand for besides stages: one record, or several once flows were composed. */
  readonly given: readonly Needs[];
  readonly steps: ReadonlyMap<string, Step>;
  /** The name of the stage that helpers go on from. */
  readonly last: string | undefined;
  /** What is wrong so far; `build` reports it with whatever else is wrong. */
  readonly problems: readonly PlanProblem[];
}

/** One stage of a flow. Its names were looked up among what was there when it was added. */
export interface Step {
  readonly kind: StageKind;
  readonly name: string;
  readonly needs: readonly NamedEdge[];
  readonly after: readonly string[];
  readonly gate: NamedGate | undefined;
  /** Whether the function receives the one value it reads by itself. */
  readonly unwrapped: boolean;
  /** Everything that names no other stage, as it was written. */
  readonly options: Omit<StageDefinition, 'needs' | 'after'>;
}

/** How a stage reads: the key it knows the value by, and where the value comes from. */
export interface NamedEdge {
  readonly key: string;
  readonly read: 'plain' | 'optional' | 'settled' | 'firstOf';
  /** Names of stages; or the one source that the flow was given, itself. */
  readonly from: readonly unknown[];
}

/** A gate by the name of a route. */
export interface NamedGate {
  readonly route: string;
  readonly arms: readonly string[];
}
