import { consoleSink } from '@stageflow/interceptors/sinks';
import { openHost } from './host.ts';
import { refunds } from './pipeline.ts';

// The sink prints the trace of the run. It ends suspended: the run is in the file, and this process may go.
const [amount = '250', file = 'refunds.sqlite'] = process.argv.slice(2);
const host = openHost(file, [consoleSink()]);
const run = await host.runtime.run(refunds, { refund: { order: 'A-1', amount: Number(amount) } });
await host.close();

if (run.status === 'completed') console.log(run.outputs.payment);
else if (run.status === 'suspended') console.log('It waits for a person. Answer with: npm run decide -- yes');
else process.exitCode = 1;
