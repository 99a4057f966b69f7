// Books the trip, which cannot be paid for in the end, and so is undone.
import { openHost } from './host.ts';
import { trip } from './pipeline.ts';

const [folder = '.', killAt] = process.argv.slice(2);
const { runtime, store } = openHost(folder, killAt);
const run = await runtime.run(trip, { city: 'Rome' }, { runId: 'rome' });
console.log(`  the run has ${run.status}; undone: ${run.undone.join(', ')}`);
await runtime.close();
store.close();
