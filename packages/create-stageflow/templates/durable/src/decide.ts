import { consoleSink } from '@stageflow/interceptors/sinks';
import { openHost } from './host.ts';
import { Question } from './pipeline.ts';

// Another process: it finds what waits in the file, answers it, and goes on with those runs.
const [say = 'yes', file = 'refunds.sqlite'] = process.argv.slice(2);
const host = openHost(file, [consoleSink()]);
for (const { waitId, runId, request } of await host.runtime.waits()) {
  console.log(Question.parse(request).question, say);
  await host.runtime.decide(waitId, { approved: say === 'yes', by: 'Grace' });
  const run = await host.runtime.resume(runId);
  if (run.status === 'completed') console.log(run.outputs['payment']);
  else process.exitCode = 1;
}
await host.close();
