// Makes the schema at the moment it is told, and claims the call that all of these programs want.
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresIdempotencyStore } from '@stageflow/postgres-store';
import pg from 'pg';

const [connectionString, id = '', startAt = '0'] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, max: 2 });
await pool.query('SELECT 1');
await sleep(Math.max(0, Number(startAt) - Date.now()));
const effects = postgresIdempotencyStore({ pool, schema: 'processes' });
await effects.migrate();
const { status } = await effects.claim({ tenantId: undefined, scope: 's', key: 'k' }, { paramsHash: undefined, leaseMs: 600_000 });
if (status === 'claimed') await pool.query('INSERT INTO processes.artifacts VALUES ($1, $1, $1, $1)', [id]);
console.log(status);
await pool.end();
