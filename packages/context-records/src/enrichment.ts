import { StageflowError } from '@stageflow/core';
import { canonicalJson } from './canonical-json.ts';
import type { DocumentContent } from './document-content.ts';
import { recordInvalid } from './errors.ts';
import type { Profile } from './profile.ts';
import type { Recollection } from './recollection.ts';
import { sha256 } from './sha-256.ts';

/** The kinds of enrichments whose data are known. Any other word is a kind of the host's, with data of its own. */
export interface EnrichmentKinds {
  readonly profile: Profile;
  readonly memory: Recollection;
  readonly document: DocumentContent;
}

/** What enrichments of a kind hold. */
export type EnrichmentData<Kind extends string> = Kind extends keyof EnrichmentKinds ? EnrichmentKinds[Kind] : unknown;

/** Something that was fetched for a model: what it says, which version it is, and how old it may become. Plain data. */
export interface Enrichment<out Kind extends string = string, out Data = EnrichmentData<Kind>> {
  readonly kind: Kind;
  /** What it is about, among others of its kind. */
  readonly id: string | undefined;
  readonly data: Data;
  /** Greater is newer. */
  readonly version: number | undefined;
  /** SHA-256 of the data, 64 hexadecimal digits; the order of members does not matter. */
  readonly checksum: string;
  /** Epoch milliseconds. */
  readonly fetchedAt: number;
  /** How old it may become, milliseconds. */
  readonly maxAgeMs: number | undefined;
}

/** What {@link enrichment} takes. */
export interface EnrichmentOptions {
  /** Epoch milliseconds; in a stage, `context.now()`. */
  readonly fetchedAt: number;
  /** What it is about, among others of its kind. @default none: there is one of its kind */
  readonly id?: string | undefined;
  /** A whole number, ≥ 0; greater is newer. Dates are versions as epoch milliseconds. @default none */
  readonly version?: number | undefined;
  /** How old it may become, milliseconds, ≥ 0. @default it does not become stale */
  readonly maxAgeMs?: number | undefined;
}

/**
 * A record of something that was fetched.
 *
 * @param data - Plain data; it is not copied.
 * @throws SF_RECORD_INVALID where the data are not plain, or an option is not what it has to be.
 * @example
 * ```ts
 * const profile = stage('profile', {
 *   kind: 'enrich',
 *   needs: { userId, users },
 *   run: async ({ userId, users }, { now }) =>
 *     enrichment('profile', await users.load(userId), { id: userId, fetchedAt: now(), maxAgeMs: 60_000 }),
 * });
 * ```
 */
export function enrichment<const Kind extends string, Data extends EnrichmentData<Kind>>(
  kind: Kind,
  data: Data,
  options: EnrichmentOptions,
): Enrichment<Kind, Data> {
  const { fetchedAt, id, version, maxAgeMs } = options;
  check('fetchedAt', fetchedAt, Number.isFinite(fetchedAt), 'a time in epoch milliseconds');
  if (version !== undefined) check('version', version, Number.isSafeInteger(version) && version >= 0, 'a whole number of at least 0');
  if (maxAgeMs !== undefined) check('maxAgeMs', maxAgeMs, maxAgeMs >= 0, 'at least 0 milliseconds');
  return { kind, id, data, version, checksum: checksumOf(data), fetchedAt, maxAgeMs };
}

/**
 * The checksum of plain data: the SHA-256 of its canonical JSON.
 *
 * @throws SF_RECORD_INVALID where the data are not plain.
 */
export function checksumOf(data: unknown): string {
  return sha256(canonicalJson(data));
}

/** Whether the data of a record are those that its checksum was made of. */
export function isIntact(record: Enrichment<string, unknown>): boolean {
  return checksumOf(record.data) === record.checksum;
}

/**
 * Whether a record is older than it may become. One without `maxAgeMs` never is, and one that a clock which is ahead has
 * dated in the future is not yet.
 *
 * @param now - Epoch milliseconds; in a stage, `context.now()`.
 */
export function isStale(record: Pick<Enrichment, 'fetchedAt' | 'maxAgeMs'>, now: number): boolean {
  return record.maxAgeMs !== undefined && now - record.fetchedAt > record.maxAgeMs;
}

function check(option: string, received: number, holds: boolean, expected: string): void {
  if (!holds) throw new StageflowError(recordInvalid, { subject: `"${option}" of an enrichment`, expected, received: String(received) });
}
