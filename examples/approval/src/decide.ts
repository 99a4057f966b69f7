// Answers whatever waits in the file, and goes on with those runs.
import { openHost } from './host.ts';

const [file = 'expenses.sqlite', say = 'yes'] = process.argv.slice(2);
const { runtime, store } = openHost(file);
for (const { waitId, runId, request } of await runtime.waits()) {
  console.log((request as { readonly question: string }).question, say);
  await runtime.decide(waitId, { approved: say === 'yes', by: 'Grace' });
  const run = await runtime.resume(runId);
  console.log(run.status === 'completed' ? run.outputs['paid'] : `the run is ${run.status}`);
}
await runtime.close();
store.close();
