// Begins the run, and ends: nothing in this process waits for the time of the report.
import { openHost } from './host.ts';
import { report } from './pipeline.ts';

const [file = 'report.sqlite', inMs = '2000'] = process.argv.slice(2);
// What sleeps longer than the lease needs no process. It is short, so that a second is long; 30 s unless it is said.
const { runtime, store } = openHost(file, (line) => console.log(`  ${line}`), { leaseMs: 500 });
const run = await runtime.run(report, { at: Date.now() + Number(inMs) }, { runId: 'report-of-today' });
console.log(`  the run is ${run.status}`);
await runtime.close();
store.close();
