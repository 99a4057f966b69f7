import { freezeOutput } from '#freeze';
import type { PlannedStage } from '../../plan/plan.ts';
import type { PlannedRegion } from '../../plan/plan-region.ts';
import type { Execution } from '../execution.ts';
import type { Scope } from '../scope.ts';
import { blockStage, cancelStage, failStage, skipStage } from '../stage-endings.ts';
import { doomed } from '../status.ts';
import type { Stop } from '../stop.ts';
import type { Ending } from './ending.ts';

/** A region under way. It calls no function itself and holds no slot; what it holds does. */
export abstract class RegionExecution implements Execution {
  readonly isCalling = false;
  readonly holdsSlot = false;
  protected readonly scope: Scope;
  protected readonly stage: PlannedStage;
  protected readonly region: PlannedRegion;
  protected over = false;
  /** Why it is not wanted any more, where that is so. */
  protected withdrawn: string | undefined = undefined;

  constructor(scope: Scope, stage: PlannedStage) {
    this.scope = scope;
    this.stage = stage;
    this.region = stage.region as PlannedRegion;
  }

  start(): void {
    this.scope.active++;
    this.begin();
  }

  protected abstract begin(): void;

  /** Nothing under way: it ends with its scope. What holds scopes stops those first. */
  stop(stop: Stop): void {
    if (!this.over) this.finish({ status: 'cancelled', reason: stop.reason });
  }

  /** It lost a race: ends as skipped, and aborts what only it had asked for. */
  withdraw(reason: string): void {
    this.withdrawn = reason;
    for (const { token } of this.region.gates) this.scope.demands?.deny(token, reason);
    this.finish({ status: 'skipped', reason });
  }

  close(): void {
    this.over = true;
  }

  /** The one way out. Regions that end because of each other do so one after the other, so that nesting does not recurse. */
  protected finish(found: Ending): void {
    if (this.over) return;
    this.over = true;
    const { scope } = this;
    const { state } = scope;
    if (state.endings !== undefined) {
      state.endings.push(() => this.#end(found));
      return;
    }
    state.endings = [() => this.#end(found)];
    for (const end of state.endings) end();
    state.endings = undefined;
    scope.goOn();
  }

  #end(found: Ending): void {
    const ending: Ending = this.withdrawn === undefined ? found : { status: 'skipped', reason: this.withdrawn };
    const { scope, stage } = this;
    scope.active--;
    switch (ending.status) {
      case 'completed':
        freezeOutput(ending.value);
        scope.complete(stage.index, ending.value);
        scope.demands?.close(stage);
        break;
      case 'skipped':
        skipStage(scope, stage, ending.reason);
        break;
      case 'doomed':
        scope.end(stage.index, doomed, ending.outcome);
        break;
      case 'failed':
        failStage(scope, stage, ending.error);
        break;
      case 'blocked':
        blockStage(scope, stage, ending.reason, ending.error, ending.by);
        break;
      case 'cancelled':
        cancelStage(scope, stage, ending.reason);
        break;
    }
  }
}
