import { describeThrown, StageflowError } from '../../errors.ts';
import type { PlannedStage } from '../../plan/plan.ts';
import { describeReceived } from '../../schema.ts';
import type { Execution } from '../execution.ts';
import type { Scope } from '../scope.ts';
import { locationOf } from '../stage-endings.ts';
import { endingOfScope } from './ending.ts';
import { ScopedRegion } from './scoped-region.ts';

/** What `loop` was given besides its sources. */
interface Options {
  readonly until: (state: never, turn: number) => unknown;
  readonly maxTurns: number;
  readonly onExhausted?: 'fail' | 'keep' | undefined;
}

/** Opens a scope for each turn, gives it the state, and takes what it yields as the next. */
class Looping extends ScopedRegion {
  readonly #options: Options;
  #state: unknown;
  #turn = 0;

  constructor(scope: Scope, stage: PlannedStage, state: unknown) {
    super(scope, stage);
    this.#options = this.region.options as unknown as Options;
    this.#state = state;
  }

  protected begin(): void {
    this.grantCaptures();
    this.#openTurn();
  }

  #openTurn(): void {
    const turn = ++this.#turn;
    const [stateSlot, turnSlot] = [this.localSlot('state'), this.localSlot('turn')];
    this.openScope(
      `[${turn}]`,
      ({ slots }) => {
        if (stateSlot !== undefined) slots[stateSlot] = this.#state;
        if (turnSlot !== undefined) slots[turnSlot] = turn;
      },
      (ended) => this.#turnEnded(ended, turn),
    );
  }

  #turnEnded(ended: Scope, turn: number): void {
    const { stage, scope } = this;
    const ending = endingOfScope(ended);
    if (ending.status !== 'completed') return this.finish(ending);
    this.#state = ending.value;
    const location = locationOf(scope, stage, 1);
    let done: unknown;
    try {
      done = this.#options.until(ending.value as never, turn);
    } catch (cause) {
      const thrown = `its "until" threw: ${describeThrown(cause).message}.`;
      return this.finish({
        status: 'failed',
        error: new StageflowError('SF_STAGE_FAILED', { stage: stage.name, thrown }, { ...location, cause }),
      });
    }
    if (typeof done !== 'boolean') {
      const error = new StageflowError('SF_WHEN_INVALID', { stage: stage.name, received: describeReceived(done) }, location);
      return this.finish({ status: 'failed', error });
    }
    const { maxTurns, onExhausted } = this.#options;
    if (done || (turn >= maxTurns && onExhausted === 'keep')) return this.finish(ending);
    if (turn < maxTurns) return this.#openTurn();
    const details = { stage: stage.name, turns: turn, lastValue: ending.value };
    this.finish({ status: 'failed', error: new StageflowError('SF_LOOP_EXHAUSTED', details, location) });
  }
}

/** Opens a `loop`. */
export function openLoop(scope: Scope, stage: PlannedStage, { state }: Readonly<Record<string, unknown>>): Execution {
  return new Looping(scope, stage, state);
}
