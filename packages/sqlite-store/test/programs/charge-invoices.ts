// A run that is kept in the file it is given, in a process that may be killed at any moment.
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { chargeInvoices, programArguments } from '@stageflow-internal/killed-runs/charge-invoices';

const given = programArguments();
const store = sqliteRunStore({ file: given.target });
await chargeInvoices(store, given);
store.close();
