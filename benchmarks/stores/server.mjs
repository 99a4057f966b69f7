import pg from 'pg';
import { startPostgres } from '../../internal/postgres/src/index.ts';

/** As a server is that must not lose anything: what PostgreSQL has by default, where the server of tests has less. */
const settings = { fsync: 'on', full_page_writes: 'on', shared_buffers: '256MB', max_wal_size: '4GB' };

/** Starts PostgreSQL, with a database for each who asks. */
export async function startServer() {
  const server = await startPostgres({ settings });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query('SHOW server_version');
  let count = 0;
  return {
    version: rows[0].server_version,
    settings,
    async database() {
      const name = `bench_${++count}`;
      await client.query(`CREATE DATABASE ${name}`);
      const url = new URL(server.url);
      url.pathname = name;
      return { url: url.href, drop: async () => void (await client.query(`DROP DATABASE ${name} WITH (FORCE)`)) };
    },
    async stop() {
      await client.end();
      await server.stop();
    },
  };
}
