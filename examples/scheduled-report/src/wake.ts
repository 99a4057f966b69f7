// Looks every tenth of a second for runs whose time has come, until the report is sent.
import { setTimeout as sleep } from 'node:timers/promises';
import { openHost } from './host.ts';

const [file = 'report.sqlite'] = process.argv.slice(2);
const { runtime, store } = openHost(file, (line) => console.log(`  ${line}`), { recovery: { everyMs: 100, onProblem: console.error } });
const statusNow = async () => (await store.load('report-of-today', undefined))?.status;
console.log(`  the run is ${await statusNow()}`);
while (['suspended', 'running'].includes((await statusNow()) ?? 'unknown')) await sleep(50);
console.log(`  the run is ${await statusNow()}`);
await runtime.close();
store.close();
