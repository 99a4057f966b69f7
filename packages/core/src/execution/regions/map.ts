import { describeThrown, StageflowError } from '../../errors.ts';
import type { PlannedStage } from '../../plan/plan.ts';
import { describeReceived } from '../../schema.ts';
import type { Execution } from '../execution.ts';
import type { Scope } from '../scope.ts';
import { locationOf } from '../stage-endings.ts';
import { type Ending, endingOfScope } from './ending.ts';
import { keySegment, ScopedRegion } from './scoped-region.ts';

/** What `map` was given besides its sources. */
interface Options {
  readonly key?: ((item: never, index: number) => string | number) | undefined;
  readonly concurrency?: number | undefined;
  readonly onItemError?: 'fail' | 'skip' | 'collect' | undefined;
}

/** Opens a scope for each item, as many at once as it may, and yields what they yield in the order of the items. */
class Mapping extends ScopedRegion {
  readonly #given: unknown;
  readonly #options: Options;
  readonly #itemSlot: number | undefined;
  readonly #indexSlot: number | undefined;
  #items: readonly unknown[] = [];
  #keys: readonly string[] = [];
  #endings: Ending[] = [];
  #next = 0;
  #decided: Ending | undefined = undefined;

  constructor(scope: Scope, stage: PlannedStage, items: unknown) {
    super(scope, stage);
    this.#given = items;
    this.#options = this.region.options as Options;
    this.#itemSlot = this.localSlot('item');
    this.#indexSlot = this.localSlot('index');
  }

  protected override get handlesFailures(): boolean {
    return super.handlesFailures || (this.#options.onItemError ?? 'fail') !== 'fail';
  }

  protected override absorbs(): boolean {
    return (this.#options.onItemError ?? 'fail') !== 'fail';
  }

  protected begin(): void {
    const location = locationOf(this.scope, this.stage, 1);
    try {
      this.#items = toArray(this.#given, this.stage.name, location);
      this.#keys = keysOf(this.#items, this.#options.key, this.stage.name, location);
    } catch (error) {
      return this.finish({ status: 'failed', error: error as StageflowError });
    }
    if (this.#items.length > 0) this.grantCaptures();
    this.#openMore();
  }

  #openMore(): void {
    const { concurrency = Number.POSITIVE_INFINITY } = this.#options;
    while (this.#next < this.#items.length && this.open.size < concurrency) this.#openItem(this.#next++);
    if (this.open.size === 0 && !this.over)
      this.finish(this.#decided ?? this.#endings.find((ending) => this.#isBad(ending)) ?? this.#gathered());
  }

  #openItem(at: number): void {
    this.openScope(
      keySegment(this.#keys[at] as string),
      ({ slots }) => {
        if (this.#itemSlot !== undefined) slots[this.#itemSlot] = this.#items[at];
        if (this.#indexSlot !== undefined) slots[this.#indexSlot] = at;
      },
      (ended) => {
        this.#endings[at] = endingOfScope(ended);
        this.#look(this.#endings[at] as Ending);
        this.#openMore();
      },
    );
  }

  /** Whether an item that ended so ends the whole: as the first in time where that stops the others, else as the first in order. */
  #isBad({ status }: Ending): boolean {
    if (status === 'doomed') return true;
    return (status === 'failed' || status === 'blocked') && (this.#options.onItemError ?? 'fail') === 'fail';
  }

  /** Stops the other items where one decides. */
  #look(ending: Ending): void {
    if (this.scope.failureMode !== 'fail-fast' || this.#decided !== undefined || !this.#isBad(ending)) return;
    this.#decided = ending;
    this.#next = this.#items.length;
    const signalReason =
      ending.status === 'failed' ? ending.error : new StageflowError('SF_RUN_CANCELLED', { reason: 'another item ended it' });
    const reason = `an item of "${this.stage.name}" ${ending.status === 'blocked' ? 'was blocked' : 'failed'}`;
    for (const scope of [...this.open]) scope.stop({ status: 'cancelled', reason, stage: undefined, error: undefined, signalReason });
  }

  #gathered(): Ending {
    const endings = this.#endings;
    if (this.#options.onItemError === 'collect') {
      const value = endings.map((ending, at) => ({ key: this.#keys[at] as string, ...collected(ending) }));
      return { status: 'completed', value };
    }
    return { status: 'completed', value: endings.flatMap((ending) => (ending.status === 'completed' ? [ending.value] : [])) };
  }
}

/** How one item came out, for whoever collects. */
function collected(ending: Ending): object {
  if (ending.status === 'completed') return { status: 'completed', output: ending.value };
  if (ending.status === 'failed') return { status: 'failed', error: ending.error };
  if (ending.status === 'blocked') return { status: 'blocked', reason: ending.reason, blockedBy: ending.by };
  return { status: 'skipped', reason: (ending as { readonly reason: string }).reason };
}

type Location = ReturnType<typeof locationOf>;

function toArray(given: unknown, stage: string, location: Location): readonly unknown[] {
  if (Array.isArray(given)) return given;
  const isIterable = typeof given === 'object' && given !== null && Symbol.iterator in given;
  if (!isIterable) throw new StageflowError('SF_MAP_INVALID', { stage, why: `its items are ${describeReceived(given)}` }, location);
  try {
    return [...(given as Iterable<unknown>)];
  } catch (cause) {
    throw new StageflowError('SF_MAP_INVALID', { stage, why: `its items threw: ${describeThrown(cause).message}` }, { ...location, cause });
  }
}

function keysOf(items: readonly unknown[], key: Options['key'], stage: string, location: Location): readonly string[] {
  if (key === undefined) return items.map((_item, at) => String(at));
  const seen = new Map<string, number>();
  return items.map((item, at) => {
    let found: unknown;
    try {
      found = key(item as never, at);
    } catch (cause) {
      const why = `the key of item ${at} threw: ${describeThrown(cause).message}`;
      throw new StageflowError('SF_MAP_INVALID', { stage, why }, { ...location, cause });
    }
    if ((typeof found !== 'string' && typeof found !== 'number') || found === '')
      throw new StageflowError('SF_MAP_INVALID', { stage, why: `the key of item ${at} is ${describeReceived(found)}` }, location);
    const known = seen.get(String(found));
    if (known !== undefined)
      throw new StageflowError('SF_MAP_INVALID', { stage, why: `items ${known} and ${at} have the same key, "${found}"` }, location);
    seen.set(String(found), at);
    return String(found);
  });
}

/** Opens a `map`. */
export function openMap(scope: Scope, stage: PlannedStage, { items }: Readonly<Record<string, unknown>>): Execution {
  return new Mapping(scope, stage, items);
}
