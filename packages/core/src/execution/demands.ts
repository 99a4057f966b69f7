import type { PlannedStage } from '../plan/plan.ts';
import type { Token } from '../plan/tokens.ts';
import type { Scope } from './scope.ts';
import { running, skipped, waiting } from './status.ts';

/**
 * Which of the stages that are wanted only through a region are wanted. A stage may have several such ways: it starts
 * with the first that is granted, and is skipped when none is left.
 */
export class Demands {
  readonly #scope: Scope;
  /** By token, whether its region has not spoken yet. */
  readonly #open: boolean[];
  /** By token, whether it was denied or taken back. */
  readonly #denied: boolean[] = [];
  readonly #wanted: boolean[] = [];
  /** By stage, how many of its tokens were denied or taken back. */
  readonly #lost: number[] = [];
  /** Denials of denied regions, so that nesting does not recurse. */
  #pending: { readonly token: number; readonly reason: string }[] | undefined = undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#open = new Array<boolean>(scope.plan.tokens.length).fill(true);
  }

  /** Lets start what is behind a token. */
  grant(token: number): void {
    this.#open[token] = false;
    for (const index of this.#stagesOf(token)) {
      if (this.#wanted[index] === true) continue;
      this.#wanted[index] = true;
      this.#scope.release(index);
    }
  }

  /** What is behind a token is not wanted, or not any more: skips what no other token wants, and aborts what of that runs. */
  deny(token: number, reason: string): void {
    if (this.#pending !== undefined) {
      this.#pending.push({ token, reason });
      return;
    }
    this.#pending = [{ token, reason }];
    const pending = this.#pending;
    this.#scope.scheduler.hold(() => {
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) this.#denyOne(next.token, next.reason);
    });
    this.#pending = undefined;
  }

  /** A region has ended: what it had not spoken about is not wanted. */
  close({ name, region }: PlannedStage): void {
    if (region === undefined) return;
    for (const { token } of region.gates) if (this.#open[token] === true) this.deny(token, `"${name}" did not ask for it`);
  }

  #denyOne(token: number, reason: string): void {
    if (this.#denied[token] === true) return;
    this.#denied[token] = true;
    this.#open[token] = false;
    const scope = this.#scope;
    const stages = this.#stagesOf(token);
    // Readers first: a region must not go on with the end of what was taken from it.
    for (let at = stages.length - 1; at >= 0; at--) {
      const index = stages[at] as number;
      const lost = (this.#lost[index] ?? 0) + 1;
      this.#lost[index] = lost;
      if (lost < (scope.plan.tokenCounts[index] as number)) continue;
      if (scope.state.status[index] === waiting) scope.end(index, skipped, { status: 'skipped', reason });
      else if (scope.state.status[index] === running) scope.withdraw(index, reason);
    }
  }

  #stagesOf(token: number): readonly number[] {
    return (this.#scope.plan.tokens[token] as Token).stages;
  }
}
