/** A tenant is the same, or there is none on both sides. As `OR`, which an index can serve; `IS NOT DISTINCT FROM` it cannot. */
const ofTenant = (parameter: string): string => `(tenant_id = ${parameter} OR (${parameter}::text IS NULL AND tenant_id IS NULL))`;

/** Tells whoever listens which wait was answered, as the transaction commits. A notice holds less than 8000 bytes. */
function notified(channel: string, waitId: string): string {
  const ids = `json_build_array(run_id, ${waitId})::text`;
  return `pg_notify(${channel}, CASE WHEN octet_length(${ids}) < 8000 THEN ${ids} ELSE '' END)`;
}

/**
 * Every statement of the store, by what it is for. None is prepared by name, so any session can run each of them.
 *
 * Whoever changes a run locks its row first, in a statement of its own: what follows sees what others had committed by then.
 * Within one statement a row that was waited for is read anew, but other tables are seen as they were before the wait.
 *
 * @param schema - Quoted.
 */
export function statements(schema: string): Statements {
  return {
    create: `INSERT INTO ${schema}.runs (run_id, tenant_id, pipeline, run, status, epoch, owner, leased_until)
      VALUES ($1, $2, $3, $4, 'running', 1, $5, $6) ON CONFLICT DO NOTHING`,
    // One statement, so that all is of one moment. JSON as text: the host may have parsers of its own for types.
    load: `SELECT run, status, epoch, is_paused,
        (SELECT json_agg(record ORDER BY position) FROM ${schema}.records WHERE run_id = $1)::text AS records,
        (SELECT json_agg(json_build_array(wait_id, wait, status, answer, votes) ORDER BY position) FROM ${schema}.waits WHERE run_id = $1)::text AS waits,
        (SELECT json_agg(json_build_array(type, payload) ORDER BY position) FROM ${schema}.early WHERE run_id = $1)::text AS early
      FROM ${schema}.runs WHERE run_id = $1 AND ${ofTenant('$2')}`,
    acquire: `UPDATE ${schema}.runs
      SET owner = $2, leased_until = $3, status = 'running', is_woken = false, is_paused = false, epoch = epoch + 1
      WHERE run_id = $1 AND status IN ('running', 'suspended') AND (owner IS NULL OR leased_until <= $4) RETURNING epoch`,
    renew: `UPDATE ${schema}.runs SET leased_until = $3 WHERE run_id = $1 AND epoch = $2 AND owner IS NOT NULL`,

    /** Locks the run where this activation holds it, and adds to its journal. Gives a row where it does. */
    record: `WITH held AS (SELECT run_id FROM ${schema}.runs WHERE run_id = $1 AND epoch = $2 AND owner IS NOT NULL FOR UPDATE),
      added AS (INSERT INTO ${schema}.records (run_id, record)
        SELECT held.run_id, given.record FROM held, unnest($3::text[]) WITH ORDINALITY AS given (record, at) ORDER BY given.at)
      SELECT 1 FROM held`,
    /** The first answer that came early answers the first new wait of its type, the second the second. */
    open: `WITH fresh AS (
        SELECT given.*, row_number() OVER (PARTITION BY type ORDER BY at) AS place
        FROM unnest($3::text[], $4::text[], $5::double precision[], $6::double precision[], $7::text[], $8::text[], $9::text[])
          WITH ORDINALITY AS given (wait_id, type, opened_at, expires_at, status, wait, answer, at)
        WHERE NOT EXISTS (SELECT 1 FROM ${schema}.waits WHERE waits.wait_id = given.wait_id)),
      waiting AS (
        SELECT type, position, row_number() OVER (PARTITION BY type ORDER BY position) AS place FROM ${schema}.early WHERE run_id = $1),
      taken AS (
        DELETE FROM ${schema}.early USING fresh JOIN waiting USING (type, place)
        WHERE early.run_id = $1 AND early.type = waiting.type AND early.position = waiting.position
        RETURNING fresh.wait_id, early.payload)
      INSERT INTO ${schema}.waits (wait_id, run_id, tenant_id, type, opened_at, expires_at, status, wait, answer)
      SELECT wait_id, $1, $2, type, opened_at, expires_at,
        CASE WHEN payload IS NULL THEN status ELSE 'answered' END, wait, coalesce(payload, answer)
      FROM fresh LEFT JOIN taken USING (wait_id) ORDER BY at ON CONFLICT DO NOTHING`,
    /** A run that comes to rest and was answered by then is due at once; the end of a run withdraws what is open. */
    settle: `WITH withdrawn AS (
        UPDATE ${schema}.waits SET status = 'withdrawn' WHERE run_id = $1 AND status = 'open' AND $2::text <> 'suspended')
      UPDATE ${schema}.runs SET status = $2, owner = NULL, outputs = $3, ended_at = $4, is_paused = coalesce($7, is_paused),
        is_woken = $6 OR EXISTS (SELECT 1 FROM ${schema}.waits WHERE run_id = $1 AND status = 'answered' AND wait_id = ANY ($5::text[]))
      WHERE run_id = $1`,
    pause: `UPDATE ${schema}.runs SET is_paused = $2 WHERE run_id = $1`,

    waits: `SELECT run_id, wait_id, wait, status, answer, array_to_json(votes)::text AS votes FROM ${schema}.waits
      WHERE ${ofTenant('$1')} AND status = 'open' AND ($2::text IS NULL OR run_id = $2) AND ($3::text IS NULL OR type = $3)
        AND ($4::text IS NULL OR wait_id = $4)
      ORDER BY opened_at, position`,
    lockRunOfWait: `SELECT 1 FROM ${schema}.runs WHERE run_id = (SELECT run_id FROM ${schema}.waits WHERE wait_id = $1) FOR UPDATE`,
    /**
     * Answers an open wait, or adds a vote ($4) where there are as many votes as was thought ($5), or both. Gives the status
     * that the wait had, and whether anything was kept.
     */
    answer: `WITH found AS (
        SELECT run_id, status, status = 'open' AND ($5::integer IS NULL OR cardinality(coalesce(votes, '{}')) = $5) AS is_kept
        FROM ${schema}.waits WHERE wait_id = $1 AND ${ofTenant('$2')}),
      kept AS (
        UPDATE ${schema}.waits SET status = CASE WHEN $3::text IS NULL THEN 'open' ELSE 'answered' END, answer = $3,
          votes = CASE WHEN $4::text IS NULL THEN votes ELSE array_append(votes, $4) END
        FROM found WHERE wait_id = $1 AND is_kept),
      woken AS (
        UPDATE ${schema}.runs SET is_woken = true FROM found
        WHERE runs.run_id = found.run_id AND is_kept AND $3 IS NOT NULL AND runs.status = 'suspended')
      SELECT status, is_kept, CASE WHEN is_kept AND $3 IS NOT NULL THEN ${notified('$6', '$1::text')} END FROM found`,
    lockRun: `SELECT status FROM ${schema}.runs WHERE run_id = $1 AND ${ofTenant('$2')} FOR UPDATE`,
    /** Answers the oldest open wait, else keeps the answer where there is room. Gives the wait, and whether it was kept. */
    deliver: `WITH oldest AS (
        SELECT run_id, wait_id FROM ${schema}.waits WHERE run_id = $1 AND type = $2 AND status = 'open' ORDER BY opened_at, position LIMIT 1),
      answered AS (UPDATE ${schema}.waits SET status = 'answered', answer = $3 FROM oldest WHERE waits.wait_id = oldest.wait_id),
      woken AS (UPDATE ${schema}.runs SET is_woken = true WHERE run_id = $1 AND status = 'suspended' AND EXISTS (SELECT 1 FROM oldest)),
      kept AS (
        INSERT INTO ${schema}.early (run_id, type, payload) SELECT $1, $2, $3
        WHERE NOT EXISTS (SELECT 1 FROM oldest) AND (SELECT count(*) FROM ${schema}.early WHERE run_id = $1) < $4::integer
        RETURNING run_id)
      SELECT (SELECT wait_id FROM oldest) AS wait_id, (SELECT run_id FROM kept) AS kept_for,
        (SELECT ${notified('$5', 'wait_id')} FROM oldest)`,

    // Each part has an index of its own that holds no history.
    due: `SELECT run_id, tenant_id, pipeline FROM ${schema}.runs WHERE run_id > $1 AND NOT is_paused
        AND status = 'running' AND leased_until <= $2
      UNION SELECT run_id, tenant_id, pipeline FROM ${schema}.runs WHERE run_id > $1 AND NOT is_paused
        AND status = 'suspended' AND is_woken
      UNION SELECT run_id, tenant_id, pipeline FROM ${schema}.runs WHERE run_id > $1 AND NOT is_paused
        AND status = 'suspended' AND run_id IN (
          SELECT run_id FROM ${schema}.waits WHERE status = 'open' AND expires_at IS NOT NULL AND expires_at <= $2)
      ORDER BY run_id LIMIT $3`,
    ended: `SELECT run_id, tenant_id FROM ${schema}.runs WHERE ended_at < $1 ORDER BY ended_at, run_id LIMIT $2`,
    remove: `WITH old AS (
        SELECT run_id FROM ${schema}.runs WHERE run_id = ANY($1) AND ended_at IS NOT NULL FOR UPDATE SKIP LOCKED),
      early AS (DELETE FROM ${schema}.early WHERE run_id IN (SELECT run_id FROM old)),
      waits AS (DELETE FROM ${schema}.waits WHERE run_id IN (SELECT run_id FROM old)),
      records AS (DELETE FROM ${schema}.records WHERE run_id IN (SELECT run_id FROM old))
      DELETE FROM ${schema}.runs WHERE run_id IN (SELECT run_id FROM old)`,
  };
}

/** What the store asks of the database. */
export type Statements = Readonly<
  Record<
    | 'create'
    | 'load'
    | 'acquire'
    | 'renew'
    | 'record'
    | 'open'
    | 'settle'
    | 'pause'
    | 'waits'
    | 'lockRunOfWait'
    | 'answer'
    | 'lockRun'
    | 'deliver'
    | 'due'
    | 'ended'
    | 'remove',
    string
  >
>;
