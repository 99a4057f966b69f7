import type { Encoded } from '../durable/codec.ts';
import type { StoreCallOptions } from './idempotency-store.ts';

/** Whose value it is. Two are the same where all three members are. */
export interface ArtifactKey {
  /** `undefined` is a tenant of its own, and not the one of the empty name. */
  readonly tenantId: string | undefined;
  readonly runId: string;
  /** Unique within the run. */
  readonly artifactId: string;
}

/**
 * Where values are kept that are too large for the journal: documents, audio, pages of results. A journal that keeps a
 * record refers to an artifact that was kept before, so every method is atomic, and takes effect before it resolves.
 */
export interface ArtifactStore {
  readonly name: string;
  /** Keeps a value. Of one key the last counts. */
  put(key: ArtifactKey, value: Encoded, options?: StoreCallOptions): Promise<void>;
  /** The value, or `undefined` where there is none. */
  get(key: ArtifactKey, options?: StoreCallOptions): Promise<Encoded | undefined>;
  /** Deletes everything of one run; resolves to how many values that were. */
  removeRun(run: Omit<ArtifactKey, 'artifactId'>, options?: StoreCallOptions): Promise<number>;
}
