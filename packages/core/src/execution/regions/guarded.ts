import { StageflowError } from '../../errors.ts';
import type { PlannedOutput, PlannedRead, PlannedStage } from '../../plan/plan.ts';
import { stageFields } from '../emitter.ts';
import type { Execution } from '../execution.ts';
import type { Scope } from '../scope.ts';
import { locationOf } from '../stage-endings.ts';
import type { Stop } from '../stop.ts';
import { type Ending, endingOfScope } from './ending.ts';
import { ScopedRegion } from './scoped-region.ts';

/** What `guarded` was given besides its sources. */
interface Options {
  readonly attempts?: number | undefined;
  readonly stagnation?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

type Blocked = Extract<Ending, { readonly status: 'blocked' }>;

/** Opens a scope for each draft and its guard; a block becomes the feedback of the next. */
class Guarding extends ScopedRegion {
  readonly #options: Options;
  #feedback: { readonly attempt: number; readonly reason: string; readonly value: unknown } | undefined = undefined;
  #attempt = 0;
  #same = 0;
  #lastPrint: string | undefined = undefined;
  #firstRejectedMs: number | undefined = undefined;

  constructor(scope: Scope, stage: PlannedStage) {
    super(scope, stage);
    this.#options = this.region.options as Options;
  }

  /** A rejection is feedback; a guard that could not judge is not. */
  protected override absorbs({ status, error }: Stop): boolean {
    return status === 'blocked' && error === undefined;
  }

  protected begin(): void {
    this.grantCaptures();
    this.#openAttempt();
  }

  #openAttempt(): void {
    const attempt = ++this.#attempt;
    // Its body reads the feedback: one that does not is no region.
    const slot = this.localSlot('feedback') as number;
    this.openScope(
      `[${attempt}]`,
      ({ slots }) => {
        slots[slot] = this.#feedback;
      },
      (ended) => this.#ended(ended),
    );
  }

  #ended(ended: Scope): void {
    const ending = endingOfScope(ended);
    const fields = stageFields(this.scope.state, this.stage, this.#attempt);
    if (ending.status === 'completed' && this.#attempt > 1) this.scope.emit({ type: 'guarded.recovered', ...fields });
    // A guard that could not judge has rejected nothing: another draft would not help it.
    if (ending.status !== 'blocked' || ending.error !== undefined) return this.finish(ending);
    this.#rejected(ending, subjectOf(ended), fields);
  }

  #rejected(block: Blocked, value: unknown, fields: ReturnType<typeof stageFields>): void {
    const { scope, stage } = this;
    const { scheduler } = scope;
    const { reason } = block;
    scope.emit({ type: 'guarded.rejected', ...fields, reason });
    this.#firstRejectedMs ??= scheduler.elapsedMs();
    const print = fingerprint(value);
    this.#same = print !== undefined && print === this.#lastPrint ? this.#same + 1 : 0;
    this.#lastPrint = print;
    const { attempts = 2, stagnation = 2, timeoutMs = Number.POSITIVE_INFINITY } = this.#options;
    const spent: 'attempts' | 'stagnation' | 'timeout' | undefined =
      scheduler.elapsedMs() - this.#firstRejectedMs >= timeoutMs
        ? 'timeout'
        : this.#same >= stagnation
          ? 'stagnation'
          : this.#attempt >= attempts
            ? 'attempts'
            : undefined;
    if (spent === undefined) {
      this.#feedback = Object.freeze({ attempt: this.#attempt, reason, value });
      scope.emit({ type: 'guarded.retried', ...fields, reason });
      return this.#openAttempt();
    }
    scope.emit({ type: 'guarded.exhausted', ...fields, reason, spent });
    const details = { stage: stage.name, attempts: this.#attempt, spent, reason, lastValue: value };
    this.finish({ status: 'failed', error: new StageflowError('SF_GUARD_EXHAUSTED', details, locationOf(scope, stage, this.#attempt)) });
  }
}

/** What the guard of a scope judged; `undefined` where it was not asked, or something that is no guard stands in for it. */
function subjectOf({ plan, state }: Scope): unknown {
  const [{ read }] = plan.outputs as readonly [PlannedOutput];
  const { slot } = read as Extract<PlannedRead, { readonly read: 'slot' }>;
  const { keys, slots, reads } = plan.stages[slot] as PlannedStage;
  const at = keys.indexOf('subject');
  if (at === -1) return undefined;
  return reads === undefined ? state.slots[slots[at] as number] : state.value(reads[at] as PlannedRead);
}

/** Equal for equal drafts; `undefined` where that cannot be told. */
function fingerprint(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Opens a `guarded`. */
export function openGuarded(scope: Scope, stage: PlannedStage): Execution {
  return new Guarding(scope, stage);
}
