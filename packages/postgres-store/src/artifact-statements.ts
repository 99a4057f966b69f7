/**
 * Every statement of the artifact store, by what it is for.
 *
 * @param schema - Quoted.
 */
export function artifactStatements(schema: string): ArtifactStatements {
  return {
    put: `INSERT INTO ${schema}.artifacts (tenant_key, run_id, artifact_id, value) VALUES ($1, $2, $3, $4)
      ON CONFLICT (tenant_key, run_id, artifact_id) DO UPDATE SET value = excluded.value`,
    get: `SELECT value FROM ${schema}.artifacts WHERE tenant_key = $1 AND run_id = $2 AND artifact_id = $3`,
    removeRun: `DELETE FROM ${schema}.artifacts WHERE tenant_key = $1 AND run_id = $2`,
  };
}

/** What the artifact store asks of the database. */
export type ArtifactStatements = Readonly<Record<'put' | 'get' | 'removeRun', string>>;
