import pg from 'pg';
import { StatementCounter } from './kept.mjs';

/** Of this bench itself: not counted. */
const own = new WeakSet();

/** Counts what every client of `pg` in this process sends, whoever made it. */
function countClients(counter) {
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (given, ...rest) {
    const text = typeof given === 'string' ? given : given?.text;
    if (text !== undefined && !own.has(this)) counter.note(this, text);
    return query.call(this, given, ...rest);
  };
}

const tables =
  "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";

/**
 * What is kept in a PostgreSQL database.
 *
 * @param {string} url
 * @returns {Promise<import('./kept.mjs').Kept & { count(sql: string): Promise<number>, query(sql: string, values?: unknown[]): Promise<any[]>, close(): Promise<void> }>}
 */
export async function postgresKept(url) {
  const counter = new StatementCounter();
  countClients(counter);
  const client = new pg.Client({ connectionString: url });
  own.add(client);
  await client.connect();
  const query = async (sql, values) => (await client.query(sql, values)).rows;
  const value = async (sql) => Object.values((await query(sql))[0])[0];
  const settings = await Promise.all(
    ['fsync', 'synchronous_commit', 'full_page_writes'].map(async (name) => `${name} = ${await value(`SHOW ${name}`)}`),
  );
  return {
    counter,
    setting: settings.join(', '),
    query,
    count: async (sql) => Number(await value(sql)),
    async keptBytes() {
      let bytes = 0;
      for (const { name } of await query(tables)) {
        await query(`VACUUM FULL ${name}`);
        bytes += Number(await value(`SELECT pg_total_relation_size('${name}')`));
      }
      return bytes;
    },
    writtenBytes: async () => Number(await value("SELECT pg_current_wal_insert_lsn() - '0/0'")),
    keepsLog() {},
    close: () => client.end(),
  };
}
