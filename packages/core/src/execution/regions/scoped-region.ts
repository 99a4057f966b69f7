import { StageflowError } from '../../errors.ts';
import type { Plan } from '../../plan/plan.ts';
import { Scope } from '../scope.ts';
import { ScopeState } from '../scope-state.ts';
import { locationOf } from '../stage-endings.ts';
import type { Stop } from '../stop.ts';
import type { Ending } from './ending.ts';
import { RegionExecution } from './region-execution.ts';

/** A region whose parts run in scopes of their own: items, turns, a nested pipeline. */
export abstract class ScopedRegion extends RegionExecution {
  /** Scopes under way. */
  protected readonly open: Set<Scope> = new Set();
  /** Why it opens no more, where that is so. */
  protected stopped: Stop | undefined = undefined;

  /** How it ends where one of its scopes stopped what stands around. */
  private escalated: Ending | undefined = undefined;

  /** Whether someone takes the failure of one of its scopes into account. */
  protected get handlesFailures(): boolean {
    return this.scope.options.handled || this.stage.handled;
  }

  /** Lets start what only this region reads of the scope around it. */
  protected grantCaptures(): void {
    for (const { token } of this.region.gates) this.scope.demands?.grant(token);
  }

  /** The slot of a local in the scopes of this region; `undefined` where nothing reads it. */
  protected localSlot(local: string): number | undefined {
    return (this.region.body as Plan).slotOf('local', `${this.stage.name}.${local}`);
  }

  /**
   * Opens a scope and starts it.
   *
   * @param segment - What follows the name of the region in the paths of its stages: `[key]`, or nothing.
   * @param give - Puts the locals or inputs in their slots.
   */
  protected openScope(segment: string, give: (state: ScopeState) => void, onEnd: (scope: Scope) => void): void {
    const { scope, stage, region } = this;
    const { state, scheduler } = scope;
    const inner = new ScopeState(region.body as Plan, `${state.prefix}${stage.name}${segment}/`, state.startedAfterMs !== undefined, {
      state,
      region,
    });
    for (const { slot, outer } of region.imports) inner.slots[slot] = state.slots[outer];
    give(inner);
    state.recordScope(stage.index, inner);
    const opened = new Scope(scheduler, inner, {
      handled: this.handlesFailures,
      failureMode: this.region.body?.policy.failureMode ?? scope.failureMode,
      onEnd: (ended) => {
        this.open.delete(ended);
        if (this.over) return;
        if (this.stopped === undefined) onEnd(ended);
        else if (this.open.size === 0) this.finish(this.escalated ?? { status: 'cancelled', reason: this.stopped.reason });
      },
      onStop: (stop) => this.#escalate(stop),
    });
    this.open.add(opened);
    for (const { index, outer } of region.captures) {
      scope.whenEnded(outer, () => opened.captureEnded(index, state.status[outer] as number, state.slots[outer], state.outcome(outer)));
    }
    opened.start();
  }

  /** Whether the region itself takes into account what stopped one of its scopes. */
  protected absorbs(_stop: Stop): boolean {
    return false;
  }

  /** What an unhandled failure stops in a scope it stops around it as well, at once. */
  #escalate(stop: Stop): void {
    const { scope, stage } = this;
    if (this.over || this.stopped !== undefined || stop.status === 'cancelled' || this.absorbs(stop)) return;
    if (stage.handled || scope.failureMode !== 'fail-fast' || scope.held?.has(stage.index) === true) return;
    const { reason, error } = stop;
    this.escalated =
      stop.status === 'failed'
        ? { status: 'failed', error: error as StageflowError }
        : { status: 'blocked', reason, by: String(stop.stage), error };
    scope.stop(stop);
  }

  override stop(stop: Stop): void {
    if (this.over) return;
    this.stopped = stop;
    for (const scope of [...this.open]) scope.stop(stop);
    if (this.open.size === 0 && this.escalated === undefined) super.stop(stop);
  }

  override withdraw(reason: string): void {
    this.withdrawn = reason;
    for (const { token } of this.region.gates) this.scope.demands?.deny(token, reason);
    const signalReason = new StageflowError('SF_RUN_CANCELLED', { reason }, locationOf(this.scope, this.stage, 1));
    this.stop({ status: 'cancelled', reason, stage: undefined, error: undefined, signalReason });
  }

  override close(): void {
    super.close();
    for (const scope of [...this.open]) scope.close();
  }
}

/** The key of an item or turn as a segment of a path: the characters that end it are escaped. */
export function keySegment(key: string): string {
  return `[${key.replace(/[%[\]]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)}]`;
}
