/** What spans cost a stage: a chain of stages that do nothing, with and without. `pnpm overhead` in this folder. */
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AlwaysOffSampler, BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { type Interceptor, pipeline, type RunOptions, type Stage, stage } from '@stageflow/core';
import { openTelemetry } from '@stageflow/otel';

const stages = 100;
let last: Stage = stage('s0', { run: async () => 0 });
for (let at = 1; at < stages; at++) {
  const before = last;
  last = stage(`s${at}`, { needs: { before }, run: async () => at });
}
const chain = pipeline('chain', { outputs: { last } });

/** Microseconds a stage, the median of batches of runs. */
async function perStage(options: RunOptions): Promise<number> {
  const samples: number[] = [];
  for (let batch = 0; batch < 100; batch++) {
    const startedAt = performance.now();
    for (let run = 0; run < 20; run++) await chain.run({}, options);
    samples.push(((performance.now() - startedAt) * 1000) / 20 / stages);
  }
  // Most of them warm up.
  return samples.slice(-21).toSorted((one, other) => one - other)[10] as number;
}

const through: Interceptor = { name: 'through', stage: (_, next) => next(), attempt: (_, next) => next() };
let exported = 0;
const exporter: SpanExporter = {
  export(spans, done) {
    exported += spans.length;
    done({ code: 0 });
  },
  shutdown: () => Promise.resolve(),
};
const sampled = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: 1_000_000 })] });
const unsampled = new TracerProvider({ sampler: new AlwaysOffSampler() });
const measure = {
  none: openTelemetry(),
  off: openTelemetry({ tracer: unsampled.getTracer('off') }),
  on: openTelemetry({ tracer: sampled.getTracer('on') }),
};

const none = await perStage({});
const rows: [string, number][] = [['nothing', none]];
rows.push(['interceptors that only call `next`, at both positions', await perStage({ interceptors: [through] })]);
rows.push(['no SDK registered', await perStage({ interceptors: [measure.none], sinks: [measure.none] })]);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
rows.push(['an SDK, the run not sampled', await perStage({ interceptors: [measure.off] })]);
rows.push(['an SDK, batched, two spans a stage', await perStage({ interceptors: [measure.on] })]);
rows.push(['the same, and as a sink', await perStage({ interceptors: [measure.on], sinks: [measure.on] })]);
await sampled.forceFlush();
if (exported === 0) throw new Error('No span was exported.');
for (const [what, us] of rows) console.log(`${us.toFixed(1).padStart(6)} µs a stage  +${(us - none).toFixed(1).padStart(5)}  ${what}`);

await Promise.all([sampled.shutdown(), unsampled.shutdown()]);
