import type { Scope } from './scope.ts';

/**
 * What a run is doing, and what it only waits for. A run has nothing to do until an answer comes when no call, no backoff
 * and no interceptor is under way that is not itself waiting for one.
 */
export class Parking {
  /** Calls, backoffs and interceptors under way that are not parked. */
  busy = 0;
  /** Waits for an answer from outside. */
  waiting = 0;
  /** How many waits the call of a stage stands behind, by scope and index. */
  #parked: Map<Scope, Map<number, number>> | undefined = undefined;

  /** The call of a stage has come to stand behind one more wait, and with it the calls that it is called from. */
  park(scope: Scope, index: number): void {
    const counts = this.#countsOf(scope);
    const count = (counts.get(index) ?? 0) + 1;
    counts.set(index, count);
    if (count > 1) return;
    this.busy--;
    if (scope.caller !== undefined) this.park(scope.caller.scope, scope.caller.index);
  }

  /** One of the waits is over. */
  unpark(scope: Scope, index: number): void {
    const counts = this.#countsOf(scope);
    const count = counts.get(index);
    if (count === undefined) return;
    if (count > 1) {
      counts.set(index, count - 1);
      return;
    }
    counts.delete(index);
    this.busy++;
    if (scope.caller !== undefined) this.unpark(scope.caller.scope, scope.caller.index);
  }

  /** A call is over, whatever it stood behind. */
  leave(scope: Scope, index: number): void {
    const counts = this.#parked?.get(scope);
    if (counts?.delete(index) !== true) return;
    this.busy++;
    if (scope.caller !== undefined) this.unpark(scope.caller.scope, scope.caller.index);
  }

  #countsOf(scope: Scope): Map<number, number> {
    this.#parked ??= new Map();
    const known = this.#parked.get(scope) ?? new Map<number, number>();
    this.#parked.set(scope, known);
    return known;
  }
}
