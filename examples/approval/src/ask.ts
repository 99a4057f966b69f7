// Starts a run, and ends: nothing waits in this process for the answer.
import { openHost } from './host.ts';
import { expenses } from './pipeline.ts';

const [file = 'expenses.sqlite', amount = '250'] = process.argv.slice(2);
const { runtime, store } = openHost(file);
const run = await runtime.run(expenses, { expense: { who: 'Ada', amount: Number(amount) } });
console.log(run.status === 'completed' ? run.outputs.paid : `the run is ${run.status}`);
await runtime.close();
store.close();
