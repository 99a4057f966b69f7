import type { StageflowError } from './errors.ts';
import { openMap } from './execution/regions/map.ts';
import { localSource, makeRegion, type Region, type WithoutLocals } from './region.ts';
import type { Local, Source } from './source.ts';
import type { Stage } from './stage.ts';

/** What becomes of the whole when an item fails or is blocked. */
export type ItemErrorPolicy = 'fail' | 'skip' | 'collect';

/** How {@link map} treats its items. */
export interface MapOptions<Item, P extends ItemErrorPolicy | undefined> {
  /** Names an item in paths, events and journals: `collect[inv-7]/fetch`. Unique among the items. @default the position */
  readonly key?: ((item: Item, index: number) => string | number) | undefined;
  /** Items under way at once, an integer >= 1. @default no limit but the run's */
  readonly concurrency?: number | undefined;
  /**
   * `fail`: the first failure or block ends the region. `skip`: such items are left out. `collect`: every item yields how
   * it ended. @default 'fail'
   */
  readonly onItemError?: P | undefined;
}

/** How one item ended, where they are collected. */
export type ItemOutcome<Out = unknown> =
  | { readonly key: string; readonly status: 'completed'; readonly output: Out }
  | { readonly key: string; readonly status: 'skipped'; readonly reason: string }
  | { readonly key: string; readonly status: 'failed'; readonly error: StageflowError }
  | { readonly key: string; readonly status: 'blocked'; readonly reason: string; readonly blockedBy: string };

/** The items of a source. */
export type ItemOf<S extends Source> = S['~types']['out'] extends Iterable<infer Item> ? Item : never;

/** What a map yields. */
export type Mapped<Out, P> = P extends 'collect' ? readonly ItemOutcome<Out>[] : readonly Out[];

/**
 * Runs a part of the plan once for each item, all at once or a few at a time, and yields the results in the order of the
 * items; an item that is skipped by choice is left out.
 *
 * `body` is called once, when the map is defined: it describes what happens with an item, and returns the stage that
 * yields the result. Stages that read the item run once an item, in a scope of their own; everything else they need is
 * hoisted, and runs once. Each stage of an item starts when its own needs are done; items do not wait for each other.
 *
 * @param items - A source of an array, or of anything that can be iterated.
 * @throws In the run, SF_MAP_INVALID: what is no list, a key that is none, or two items of one key.
 * @example
 * ```ts
 * const totals = map(
 *   'totals',
 *   invoices,
 *   (invoice) => {
 *     const fetched = stage('fetch', { needs: { invoice }, run: ({ invoice }) => download(invoice.url) });
 *     return stage('total', { needs: { fetched }, run: ({ fetched }) => fetched.total });
 *   },
 *   { key: (invoice) => invoice.id, concurrency: 8 },
 * );
 * ```
 */
export function map<
  const Name extends string,
  const S extends Source<Iterable<unknown>>,
  B extends Stage,
  const P extends ItemErrorPolicy | undefined = undefined,
>(
  name: Name,
  items: S,
  body: (item: Local<Name, ItemOf<S>>, index: Local<Name, number>) => B,
  options: MapOptions<NoInfer<ItemOf<S>>, P> = {},
): Region<Mapped<B['~types']['out'], P>, S['~types']['in'] | WithoutLocals<B['~types']['in'], Name>, S['~types']['skips']> {
  const owner = { name };
  const output = body(localSource(owner, 'item') as never, localSource(owner, 'index') as never);
  return makeRegion('map', name, { items }, { open: openMap, options: { ...options }, body: { owner, output } });
}
