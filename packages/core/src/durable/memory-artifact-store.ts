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
  const runs = new Map<string, Map<string, Encoded>>();
  return {
    name: 'memory',
    async put(key, value) {
      const id = idOf(key);
      runs.set(id, (runs.get(id) ?? new Map<string, Encoded>()).set(key.artifactId, value));
    },
    get: async (key) => runs.get(idOf(key))?.get(key.artifactId),
    async removeRun(run) {
      const id = idOf(run);
      const count = runs.get(id)?.size ?? 0;
      runs.delete(id);
      return count;
    },
  };
}

/** Parts in quotes, so that no two runs share an id. */
function idOf({ tenantId, runId }: Omit<ArtifactKey, 'artifactId'>): string {
  return JSON.stringify([tenantId ?? null, runId]);
}
