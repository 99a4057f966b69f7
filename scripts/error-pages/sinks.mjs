// Prose of the codes that sinks have. No run ends with one of them.

/** @satisfies {Record<string, import('./prose.mjs').Prose>} */
export const sinkErrors = {
  SF_SINK_OVERFLOW: {
    meaning: `A sink made by \`bufferedSink\` or \`analyticsSink\` with \`overflow: 'error'\` was full, and refused an event. The sink counts it as dropped, the runtime as failed at this sink; the run knows nothing of it.`,
    remedy: `Make the destination faster, give it larger batches, or raise \`size\`. Where losing events is better than refusing them, leave \`overflow\` at \`drop-oldest\`: the destination is then told how many went.`,
    details: { sink: 'table', size: 2, event: 'stage.completed' },
    cause: `
import { pipeline, stage } from '@stageflow/core';
import { bufferedSink } from '@stageflow/interceptors/sinks';

const table = { name: 'table', emitBatch: () => new Promise<void>(() => {}) };
const rows = bufferedSink(table, { size: 2, batchSize: 1, overflow: 'error' });
const refused: unknown[] = [];
const watched = {
  name: 'watched',
  emit: (event: Parameters<typeof rows.emit>[0]) => {
    try {
      return rows.emit(event);
    } catch (error) {
      refused.push(error);
    }
  },
};

await pipeline('chat', { outputs: { greet: stage('greet', { run: () => 'Hello' }) } }).run({}, { sinks: [watched] });
if (refused.length > 0) throw refused[0];`,
    mend: `
import { pipeline, stage } from '@stageflow/core';
import { bufferedSink } from '@stageflow/interceptors/sinks';

const rows: unknown[] = [];
const table = { name: 'table', emitBatch: (events: readonly unknown[]) => void rows.push(...events) };

await pipeline('chat', { outputs: { greet: stage('greet', { run: () => 'Hello' }) } }).run({}, { sinks: [bufferedSink(table)] });`,
  },
  SF_EXPORT_TIMEOUT: {
    meaning: `An analytics sink waited too long for \`export\`: one call passed \`timeoutMs\`, or everything passed \`flushTimeoutMs\` while the runtime was closed. The signal of the call is aborted, and what it does later counts for nothing. The call is repeated, or the events are dead letters with this error.`,
    remedy: `Hand the \`signal\` to what \`export\` waits for, so that it ends with it. Find out why the destination is slow; where it is slow by nature, raise the limit, or export smaller batches.`,
    details: { sink: 'analytics', events: 5, timeoutMs: 20 },
    cause: `
import { createRuntime, pipeline, stage } from '@stageflow/core';
import { analyticsSink } from '@stageflow/interceptors/sinks';

const reasons: unknown[] = [];
const analytics = analyticsSink({
  timeoutMs: 20,
  retry: { attempts: 1 },
  export: () => new Promise(() => {}),
  deadLetter: (_, error) => void reasons.push(error),
});
const chat = pipeline('chat', { outputs: { greet: stage('greet', { run: () => 'Hello' }) } });
const runtime = createRuntime({ pipelines: [chat], sinks: [analytics] });

await runtime.run(chat, {});
await runtime.close();
if (reasons.length > 0) throw reasons[0];`,
    mend: `
import { createRuntime, pipeline, stage } from '@stageflow/core';
import { analyticsSink } from '@stageflow/interceptors/sinks';

const reasons: unknown[] = [];
const analytics = analyticsSink({
  timeoutMs: 1_000,
  retry: { attempts: 1 },
  export: () => new Promise((resolve) => setTimeout(resolve, 5)),
  deadLetter: (_, error) => void reasons.push(error),
});
const chat = pipeline('chat', { outputs: { greet: stage('greet', { run: () => 'Hello' }) } });
const runtime = createRuntime({ pipelines: [chat], sinks: [analytics] });

await runtime.run(chat, {});
await runtime.close();
if (reasons.length > 0) throw reasons[0];`,
  },
};
