/**
 * Every statement of the event sink, by what it is for.
 *
 * @param schema - Quoted.
 */
export function eventStatements(schema: string): EventStatements {
  return {
    /** A batch is a list for each column, so that one text serves any number of events. */
    add: `INSERT INTO ${schema}.events (tenant_key, run_id, epoch, seq, place, event)
      SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[]) ON CONFLICT DO NOTHING`,
    events: `SELECT event FROM ${schema}.events
      WHERE tenant_key = $1 AND run_id = $2 AND (epoch, seq, place) > ($3::bigint, $4::bigint, $5::smallint)
      ORDER BY epoch, seq, place LIMIT $6`,
    removeRun: `DELETE FROM ${schema}.events WHERE tenant_key = $1 AND run_id = $2`,
  };
}

/** What the event sink asks of the database. */
export type EventStatements = Readonly<Record<'add' | 'events' | 'removeRun', string>>;
