// A run that is kept on the server it is given, in a process that may be killed at any moment.
import { postgresRunStore } from '@stageflow/postgres-store';
import { chargeInvoices, programArguments } from '@stageflow-internal/killed-runs/charge-invoices';
import pg from 'pg';

const given = programArguments();
const pool = new pg.Pool({ connectionString: given.target, max: 10 });
const store = postgresRunStore({ pool, schema: 'kill' });
await store.migrate();
await chargeInvoices(store, given);
await pool.end();
