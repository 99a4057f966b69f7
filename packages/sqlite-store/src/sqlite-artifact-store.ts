import type { ArtifactKey, ArtifactStore, Encoded, RunKey } from '@stageflow/core/ports';
import { type ArtifactStatements, prepareArtifactStatements } from './artifact-statements.ts';
import { runKey } from './run-key.ts';
import { connect, type SqliteConnection, type SqliteLocation } from './sqlite-location.ts';

/** Where the artifacts are kept. */
export type SqliteArtifactStoreOptions = SqliteLocation;

/** An artifact store in a SQLite file. */
export interface SqliteArtifactStore extends ArtifactStore {
  /** Closes the file that the store has opened. */
  close(): void;
}

/**
 * Keeps large values in a SQLite file, where runs may be, too. A value is one row of text, at most a billion bytes; writing
 * it holds the thread until it is on the disk, for 50 MB as long as the disk takes for twice that.
 *
 * @throws What node:sqlite throws, where the file cannot be opened; an error where a later version of this package made it.
 * @example
 * ```ts
 * const artifacts = sqliteArtifactStore({ file: 'runs.sqlite' });
 * const report = await artifacts.get({ tenantId: 'acme', runId, artifactId: 'report' });
 * ```
 */
export function sqliteArtifactStore(location: SqliteArtifactStoreOptions): SqliteArtifactStore {
  return new SqliteArtifacts(connect(location));
}

class SqliteArtifacts implements SqliteArtifactStore {
  readonly name = 'sqlite';
  readonly close: () => void;
  readonly #statements: ArtifactStatements;

  constructor({ database, close }: SqliteConnection) {
    this.#statements = prepareArtifactStatements(database);
    this.close = close;
  }

  async put({ artifactId, ...run }: ArtifactKey, value: Encoded): Promise<void> {
    this.#statements.put.run(runKey(run), JSON.stringify(artifactId), value);
  }

  async get({ artifactId, ...run }: ArtifactKey): Promise<Encoded | undefined> {
    const found = this.#statements.get.get(runKey(run), JSON.stringify(artifactId)) as { readonly value: Encoded } | undefined;
    return found?.value;
  }

  async removeRun(run: RunKey): Promise<number> {
    return Number(this.#statements.removeRun.run(runKey(run)).changes);
  }
}
