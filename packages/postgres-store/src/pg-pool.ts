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
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** The part of a `Pool` of `pg` that is used. */
export interface PgPool {
  query(text: string, values?: unknown[]): Promise<PgResult>;
  connect(): Promise<PgClient>;
  /** Called with each new connection: for an error that comes before whoever asked for it has it. @default nothing listens then */
  on?(event: 'connect', listener: (client: PgClient) => void): unknown;
}

/** What somebody notified of. */
export interface PgNotification {
  readonly payload?: string | undefined;
}

/** The part of a client of `pg` that is used to listen. */
export interface PgListenClient extends PgClient {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (notification: PgNotification) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'end', listener: () => void): unknown;
  off(event: 'notification', listener: (notification: PgNotification) => void): unknown;
}

/** The part of a `Pool` of `pg` that is used to listen. */
export interface PgListenPool {
  connect(): Promise<PgListenClient>;
}

/** Pools on which it is listened already. */
const heard = new WeakSet<PgPool>();

/** A connection that breaks as it is handed out says so before anybody else can listen, and would end the process. */
export function ignoreBrokenConnections(pool: PgPool): void {
  if (heard.has(pool)) return;
  heard.add(pool);
  pool.on?.('connect', (client) => client.on('error', ignored));
}

/**
 * Runs `work` in one transaction of READ COMMITTED, whatever the default of the server is: each statement must see what
 * others had committed when it began, since it was waiting for them.
 */
export async function transaction<T>(pool: PgPool, work: (client: PgClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks also says so as an event, which ends the process where nobody listens. Its query has rejected.
  client.on('error', ignored);
  const release = (error?: Error): void => {
    client.off('error', ignored);
    client.release(error);
  };
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    const result = await work(client);
    await client.query('COMMIT');
    release();
    return result;
  } catch (error) {
    // The error that led here is the one to tell. A connection on which this fails, too, is given up.
    await client.query('ROLLBACK').then(() => release(), release);
    throw error;
  }
}

/** What PostgreSQL says where it has undone a transaction because of others: serialization_failure, deadlock_detected. */
const conflictCodes: readonly unknown[] = ['40001', '40P01'];

/** How often something is done that loses against others each time. */
const attempts = 5;

/**
 * Does once more what was undone because of others. Nothing of it had happened, so it may be: of single statements, too,
 * which have the isolation that is the default of the server.
 */
export async function unlessUndone<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const { code } = (error ?? {}) as { readonly code?: unknown };
      if (attempt === attempts || !conflictCodes.includes(code)) throw error;
    }
  }
}

function ignored(): void {}
