import { type StageContext, StageflowError } from '@stageflow/core';
import { combined } from './combined.ts';
import { checksumOf, type Enrichment } from './enrichment.ts';
import { contextConflict, recordInvalid } from './errors.ts';
import { contextConflicted } from './events.ts';

/**
 * What becomes of two enrichments that differ: the old one stays, the new one takes its place, one is made of both, or
 * nobody goes on.
 */
export type MergeStrategy = 'keep-old' | 'keep-new' | 'merge' | 'error';

/** What {@link mergeEnrichments} takes. */
export interface MergeOptions<Data> {
  readonly strategy: MergeStrategy;
  /**
   * How `merge` makes one of both.
   *
   * @default the members of both objects, at any depth; the items of both lists, each once; else what the new one says
   */
  readonly combine?: ((old: Data, fresh: Data) => Data) | undefined;
  /** The context of the stage, which tells of the conflict: the event `context.conflict`. */
  readonly context?: Pick<StageContext, 'emit'> | undefined;
}

const strategies: readonly string[] = ['keep-old', 'keep-new', 'merge', 'error'] satisfies readonly MergeStrategy[];

/**
 * One enrichment of two of the same kind and id. Where both say the same there is no conflict, and the one that was fetched
 * later is kept. Where they differ the strategy decides, whatever their versions are, and one `context.conflict` is emitted.
 *
 * What `merge` makes has the greater version, and is as old and may become as old as the older and the stricter of both.
 *
 * @throws SF_CONTEXT_CONFLICT where they differ and the strategy is `error`; SF_RECORD_INVALID where they are not about the
 *   same thing, or the strategy is none.
 * @example
 * ```ts
 * const profile = mergeEnrichments(cached, fetched, { strategy: 'keep-new', context });
 * ```
 */
export function mergeEnrichments<Kind extends string, Data>(
  old: Enrichment<Kind, Data>,
  fresh: Enrichment<NoInfer<Kind>, NoInfer<Data>>,
  options: MergeOptions<NoInfer<Data>>,
): Enrichment<Kind, Data> {
  const { strategy, context, combine = (one, other) => combined(one, other) as Data } = options;
  if (!strategies.includes(strategy)) throw invalid('"strategy"', 'keep-old, keep-new, merge or error', String(strategy));
  if (old.kind !== fresh.kind || old.id !== fresh.id) throw invalid('The enrichment to merge in', `of ${subjectOf(old)}`, subjectOf(fresh));
  if (old.checksum === fresh.checksum) return fresh.fetchedAt >= old.fetchedAt ? fresh : old;
  const { kind, id } = old;
  const versions = { oldVersion: old.version, newVersion: fresh.version };
  context?.emit(contextConflicted, { kind, id, strategy, ...versions, oldChecksum: old.checksum, newChecksum: fresh.checksum });
  if (strategy === 'error') throw new StageflowError(contextConflict, { subject: subjectOf(old), ...versions });
  if (strategy === 'keep-old') return old;
  if (strategy === 'keep-new') return fresh;
  const data = combine(old.data, fresh.data);
  return {
    kind,
    id,
    data,
    version: of(Math.max, old.version, fresh.version),
    checksum: checksumOf(data),
    fetchedAt: Math.min(old.fetchedAt, fresh.fetchedAt),
    maxAgeMs: of(Math.min, old.maxAgeMs, fresh.maxAgeMs),
  };
}

function of(choose: (...numbers: number[]) => number, one: number | undefined, other: number | undefined): number | undefined {
  const known = [one, other].filter((number) => number !== undefined);
  return known.length === 0 ? undefined : choose(...known);
}

function subjectOf({ kind, id }: Pick<Enrichment, 'kind' | 'id'>): string {
  return id === undefined ? kind : `${kind} "${id}"`;
}

function invalid(subject: string, expected: string, received: string): StageflowError {
  return new StageflowError(recordInvalid, { subject, expected, received });
}
