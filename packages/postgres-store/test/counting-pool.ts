import type { PgPool } from '@stageflow/postgres-store';
import type pg from 'pg';

/** A pool that tells which statements it is given outside of transactions, and with what. */
export function countingPool(pool: pg.Pool): {
  readonly pool: PgPool;
  readonly seen: { readonly text: string; readonly values: unknown[] }[];
} {
  const seen: { readonly text: string; readonly values: unknown[] }[] = [];
  const query: PgPool['query'] = (text, values = []) => {
    seen.push({ text, values });
    return pool.query(text, values);
  };
  return { pool: { query, connect: () => pool.connect() }, seen };
}
