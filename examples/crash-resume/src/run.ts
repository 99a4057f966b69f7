// Begins the run, or goes on with it where it was begun. Kills itself, as a power cut would, when it says a line that was asked for.
import { setTimeout as sleep } from 'node:timers/promises';
import { createRuntime, isStageflowError, type Run } from '@stageflow/core';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { digest } from './pipeline.ts';

const [file = 'digest.sqlite', killAt] = process.argv.slice(2);
const runId = 'digest-of-today';
const store = sqliteRunStore({ file });
const say = (line: string): void => {
  console.log(line);
  if (line === killAt) process.kill(process.pid, 'SIGKILL');
};
// Short, so that the example does not wait long; 30 s unless it is said.
const runtime = createRuntime({ pipelines: [digest], store, leaseMs: 500, services: { say } });

async function beginOrGoOn(): Promise<Run> {
  const known = await store.load(runId, undefined);
  if (known === undefined) return runtime.run(digest, { pages: ['a.html', 'b.html', 'c.html'] }, { runId });
  console.log(`going on with ${known.records.filter(({ status }) => status === 'completed').length} stages done`);
  for (;;) {
    try {
      return await runtime.resume(runId);
    } catch (error) {
      // The process that was killed holds the run until its lease has run out.
      if (!isStageflowError(error, 'SF_RUN_NOT_RESUMABLE')) throw error;
      await sleep(100);
    }
  }
}

const run = await beginOrGoOn();
console.log(run.status, run.outputs['sent']);
await runtime.close();
store.close();
