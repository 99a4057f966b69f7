import type { ArtifactKey, ArtifactStore, Encoded, RunKey, StoreCallOptions } from '@stageflow/core/ports';
import { type ArtifactStatements, artifactStatements } from './artifact-statements.ts';
import { tenantKey, toColumn } from './column-text.ts';
import { PostgresConnection, type PostgresLocation } from './postgres-connection.ts';

/** Where the artifacts are kept. */
export type PostgresArtifactStoreOptions = PostgresLocation;

/** An artifact store in PostgreSQL. */
export interface PostgresArtifactStore extends ArtifactStore {
  /** As that of the run store: makes the schema with all its tables, or brings it up to date. */
  migrate(): Promise<void>;
}

/**
 * Keeps large values in PostgreSQL, where runs may be, too. A value is one row of text, which the server compresses: at most
 * a billion bytes, and in memory as a whole on both sides while it travels.
 *
 * @throws TypeError Where PostgreSQL can have no schema of that name.
 * @example
 * ```ts
 * const artifacts = postgresArtifactStore({ pool });
 * await artifacts.migrate();
 * const report = await artifacts.get({ tenantId: 'acme', runId, artifactId: 'report' });
 * ```
 */
export function postgresArtifactStore(location: PostgresArtifactStoreOptions): PostgresArtifactStore {
  return new PostgresArtifacts(new PostgresConnection(location));
}

class PostgresArtifacts implements PostgresArtifactStore {
  readonly name = 'postgres';
  readonly #connection: PostgresConnection;
  readonly #statements: ArtifactStatements;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
    this.#statements = artifactStatements(connection.schema);
  }

  migrate(): Promise<void> {
    return this.#connection.migrate();
  }

  async put(key: ArtifactKey, value: Encoded, { signal }: StoreCallOptions = {}): Promise<void> {
    await this.#connection.query(this.#statements.put, [...columnsOf(key), toColumn(key.artifactId), value], signal);
  }

  async get(key: ArtifactKey, { signal }: StoreCallOptions = {}): Promise<Encoded | undefined> {
    const { rows } = await this.#connection.query(this.#statements.get, [...columnsOf(key), toColumn(key.artifactId)], signal);
    const [found] = rows as readonly { readonly value: Encoded }[];
    return found?.value;
  }

  async removeRun(run: RunKey, { signal }: StoreCallOptions = {}): Promise<number> {
    return (await this.#connection.query(this.#statements.removeRun, columnsOf(run), signal)).rowCount as number;
  }
}

function columnsOf({ tenantId, runId }: RunKey): string[] {
  return [tenantKey(tenantId), toColumn(runId)];
}
