/** The part of what a query of `pg` gives that is used. */
export interface PgResult {
  readonly rows: readonly unknown[];
  readonly rowCount: number | null;
}

/** The part of a client of `pg` that is used. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<PgResult>;
  /** @param error - Why the connection is not to be used again. */
  release(error?: Error): void;
}

/** The part of a `Pool` of `pg` that is used. */
export interface PgPool {
  query(text: string, values?: unknown[]): Promise<PgResult>;
  connect(): Promise<PgClient>;
}

/**
 * Runs `work` in one transaction of READ COMMITTED, whatever the default of the server is: each statement must see what
 * others had committed when it began, since it was waiting for them.
 */
export async function transaction<T>(pool: PgPool, work: (client: PgClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    await rollBack(client);
    throw error;
  }
}

/** The error that led here is the one to tell. A connection on which this fails, too, is given up. */
async function rollBack(client: PgClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch (error) {
    client.release(error as Error);
  }
}
