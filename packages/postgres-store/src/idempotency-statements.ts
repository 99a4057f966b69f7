/** Of the row, that its time has not passed. By the clock of this moment: a statement may have waited for another since it began. */
const isLive = 'effects.ends_at > clock_timestamp()';

const hash = "sha256(convert_to($1, 'UTF8'))";

const fromNow = (parameter: string): string => `clock_timestamp() + ${parameter}::double precision * interval '1 millisecond'`;

/**
 * Every statement of the idempotency store, by what it is for. Each is a transaction of its own. Of all, $1 is the identity.
 *
 * @param schema - Quoted.
 */
export function idempotencyStatements(schema: string): IdempotencyStatements {
  const effects = `${schema}.effects`;
  return {
    /**
     * Gives the token of a call that was taken, else what is there; nothing where that came, or went, while it waited: asked
     * again, it sees. Whoever takes a call waits for its turn before a token is drawn, so that tokens grow in the order of the
     * claims, also where the row of an earlier one was deleted meanwhile. Deletes two rows that have run out.
     */
    claim: `WITH found AS MATERIALIZED (SELECT params_hash, record, ends_at FROM ${effects} WHERE id = ${hash} AND ${isLive}),
      turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) WHERE NOT EXISTS (SELECT 1 FROM found)),
      taken AS (
        INSERT INTO ${effects} (id, identity, params_hash, ends_at)
        SELECT ${hash}, $1, $2, ${fromNow('$3')} FROM turn
        ON CONFLICT (id) DO UPDATE SET token = DEFAULT, params_hash = excluded.params_hash, record = NULL, ends_at = ${fromNow('$3')}
          WHERE effects.ends_at <= clock_timestamp()
        RETURNING token),
      swept AS (
        DELETE FROM ${effects} WHERE id = ANY (ARRAY(
          SELECT id FROM ${effects} WHERE ends_at <= (SELECT clock_timestamp()) AND id <> ${hash} AND EXISTS (SELECT 1 FROM turn)
          ORDER BY ends_at LIMIT 2 FOR UPDATE SKIP LOCKED)))
      SELECT token::text, NULL AS params_hash, NULL AS record, NULL AS left_ms FROM taken
      UNION ALL
      SELECT NULL, params_hash, record, (extract(epoch FROM ends_at - clock_timestamp()) * 1000)::text FROM found`,
    renew: `UPDATE ${effects} SET ends_at = ${fromNow('$3')} WHERE id = ${hash} AND token = $2 AND record IS NULL AND ${isLive}`,
    /** The first record of a token stays. */
    settle: `UPDATE ${effects} SET record = coalesce(record, $3), ends_at = CASE WHEN record IS NULL THEN ${fromNow('$4')} ELSE ends_at END
      WHERE id = ${hash} AND token = $2 AND ${isLive}`,
    release: `DELETE FROM ${effects} WHERE id = ${hash} AND token = $2 AND record IS NULL AND ${isLive}`,
    forget: `DELETE FROM ${effects} WHERE id = ${hash} AND ${isLive}`,
  };
}

/** What the idempotency store asks of the database. */
export type IdempotencyStatements = Readonly<Record<'claim' | 'renew' | 'settle' | 'release' | 'forget', string>>;
