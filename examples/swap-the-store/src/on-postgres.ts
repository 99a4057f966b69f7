import { randomUUID } from 'node:crypto';
import { postgresRunStore } from '@stageflow/postgres-store';
import pg from 'pg';
import { type OrderSeen, orderOn } from './order-on.ts';

/** What has to be given for the part on PostgreSQL. */
export const postgresNeeds =
  'Name a server with PGHOST, and with PGPORT, PGUSER, PGPASSWORD and PGDATABASE where it does not have the usual ones. The user must be able to create a schema; it is dropped at the end.';

/** The order on the server that the environment names, in a schema of its own. */
export async function orderOnPostgres(): Promise<OrderSeen> {
  const pool = new pg.Pool({ connectionTimeoutMillis: 5_000 });
  pool.on('error', console.error);
  const schema = `swap_the_store_${randomUUID().replaceAll('-', '_')}`;
  const store = postgresRunStore({ pool, schema });
  try {
    await store.migrate();
    try {
      return await orderOn(store);
    } finally {
      await pool.query(`DROP SCHEMA ${schema} CASCADE`);
    }
  } finally {
    await pool.end();
  }
}
