// Answers one wait, in a process of its own.
import type { Encoded } from '@stageflow/core/ports';
import { postgresRunStore } from '@stageflow/postgres-store';
import pg from 'pg';

const [url = '', schema = '', waitId = ''] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url, max: 1 });
process.stdout.write(await postgresRunStore({ pool, schema }).answer(waitId, '1' as Encoded, undefined));
await pool.end();
