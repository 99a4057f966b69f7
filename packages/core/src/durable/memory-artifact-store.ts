import type { ArtifactKey, ArtifactStore } from '../ports/artifact-store.ts';
import type { Encoded } from './codec.ts';

/**
 * An artifact store in the memory of this process: for tests, and for values that need not survive it.
 *
 * @example
 * ```ts
 * const artifacts = memoryArtifactStore();
 * await artifacts.put({ tenantId: 'acme', runId: 'r-1', artifactId: 'report' }, encoded);
 * ```
 */
export function memoryArtifactStore(): ArtifactStore {
  return new MemoryArtifactStore();
}

class MemoryArtifactStore implements ArtifactStore {
  readonly name = 'memory';
  readonly #runs = new Map<string, Map<string, Encoded>>();

  async put({ artifactId, ...run }: ArtifactKey, value: Encoded): Promise<void> {
    const id = idOf(run);
    const kept = this.#runs.get(id) ?? new Map<string, Encoded>();
    this.#runs.set(id, kept.set(artifactId, value));
  }

  async get({ artifactId, ...run }: ArtifactKey): Promise<Encoded | undefined> {
    return this.#runs.get(idOf(run))?.get(artifactId);
  }

  async removeRun(run: Omit<ArtifactKey, 'artifactId'>): Promise<number> {
    const id = idOf(run);
    const count = this.#runs.get(id)?.size ?? 0;
    this.#runs.delete(id);
    return count;
  }
}

/** Parts in quotes, so that no two runs share an id. */
function idOf({ tenantId, runId }: Omit<ArtifactKey, 'artifactId'>): string {
  return JSON.stringify([tenantId ?? null, runId]);
}
