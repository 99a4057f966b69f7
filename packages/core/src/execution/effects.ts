import type { PlannedStage } from '../plan/plan.ts';
import type { EffectResult } from '../undo.ts';
import { gatherValues } from './gather-values.ts';
import type { Scope } from './scope.ts';

/** An effect that may have to be undone. */
export interface Effect {
  readonly path: string;
  readonly name: string;
  /** `undefined` where the plan does not know it: another stage called it, in an earlier activation. */
  readonly stage: PlannedStage | undefined;
  /** What it was made with; of an earlier activation without services. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly result: EffectResult;
}

/** The effects of one run that can be undone, in the order in which they were made. */
export class Effects {
  readonly #made = new Map<string, Effect>();
  /** Paths of those of which an earlier attempt may have been made. */
  readonly #doubtful = new Set<string>();

  /** From now on it may have been made. */
  began(scope: Scope, stage: PlannedStage): void {
    const path = scope.state.pathOf(stage);
    if (this.#made.has(path)) this.#doubtful.add(path);
    this.#add(path, stage, gatherValues(stage, scope.state), { status: 'unknown' });
  }

  completed(scope: Scope, stage: PlannedStage, output: unknown): void {
    this.#add(scope.state.pathOf(stage), stage, gatherValues(stage, scope.state), { status: 'completed', output });
  }

  has(path: string): boolean {
    return this.#made.has(path);
  }

  /** The attempt says that it was not made. */
  notMade(scope: Scope, stage: PlannedStage): void {
    const path = scope.state.pathOf(stage);
    if (!this.#doubtful.has(path)) this.#made.delete(path);
  }

  /**
   * All of them, in the order in which they were made.
   *
   * @param earlier - Those of earlier activations; of one that is known here as well, this says the rest.
   */
  all(earlier: readonly Effect[]): readonly Effect[] {
    const all = new Map(earlier.map((effect) => [effect.path, effect]));
    for (const [path, effect] of this.#made) all.set(path, effect);
    return [...all.values()];
  }

  /** What is made last stands last. */
  #add(path: string, stage: PlannedStage, values: Effect['values'], result: EffectResult): void {
    this.#made.delete(path);
    this.#made.set(path, { path, name: stage.name, stage, values, result });
  }
}
