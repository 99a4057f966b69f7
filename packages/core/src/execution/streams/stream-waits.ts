import type { Scope } from '../scope.ts';

/**
 * Which stages of a scope wait for the other side of a stream. Such a stage lends its slot, so that the two of them
 * need only one. It goes on as soon as it can, and takes its slot back: for that while, more may run than the limit says.
 * A called stage has no slot to lend, and no reader either: what it reads is a value to it, and a wait of its caller.
 */
export class StreamWaits {
  readonly #scope: Scope;
  readonly #counts = new Map<number, number>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  begin(index: number): void {
    const count = (this.#counts.get(index) ?? 0) + 1;
    this.#counts.set(index, count);
    if (count > 1) return;
    const { scheduler } = this.#scope;
    if (scheduler.journal !== undefined) scheduler.parking.park(this.#scope, index);
    scheduler.active--;
    scheduler.drain();
  }

  end(index: number): void {
    const count = (this.#counts.get(index) as number) - 1;
    this.#counts.set(index, count);
    if (count > 0) return;
    const { scheduler } = this.#scope;
    if (scheduler.journal !== undefined) scheduler.parking.unpark(this.#scope, index);
    scheduler.active++;
  }
}
