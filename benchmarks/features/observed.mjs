import { importAdapter, importDependencyOf } from '../built-core.mjs';
import { chainOf } from './chain-of.mjs';
import { optionsOf, runOf } from './run-of.mjs';

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** An exporter that takes spans and does nothing with them. */
const nowhere = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};

/** A chain that somebody hears of: what it costs to be told. */
export default (core, count) => {
  const told = (make) => async () => {
    const options = await make();
    const run = runOf(chainOf(core, count), {}, { ...optionsOf.stageflow, ...options });
    return { run: async () => (await run()).v, yields: count - 1 };
  };
  const traced = (sampled) => async () => {
    const { openTelemetry } = await importAdapter('otel');
    const { AlwaysOffSampler, BatchSpanProcessor, TracerProvider } = await importDependencyOf(
      'examples/traced-chat',
      '@opentelemetry/sdk-trace',
    );
    const provider = new TracerProvider(
      sampled
        ? { spanProcessors: [new BatchSpanProcessor({ exporter: nowhere, maxQueueSize: 1_000_000 })] }
        : { sampler: new AlwaysOffSampler() },
    );
    return { interceptors: [openTelemetry({ tracer: provider.getTracer('bench') })] };
  };
  return {
    none: told(() => ({})),
    'stageflow:logging': told(async () => ({ interceptors: [(await importAdapter('interceptors')).logging({ logger: silent })] })),
    'stageflow:wide': told(async () => ({ sinks: [(await importAdapter('interceptors')).wideEvents({ write() {} })] })),
    'stageflow:prometheus': told(async () => ({ sinks: [(await importAdapter('prometheus')).prometheusMetrics()] })),
    'stageflow:pino': told(async () => {
      const { pino } = await importDependencyOf('packages/pino', 'pino');
      const logger = pino({ level: 'debug' }, { write() {} });
      return { sinks: [(await importAdapter('pino')).pinoSink(logger)] };
    }),
    'stageflow:otel-off': told(traced(false)),
    'stageflow:otel': told(traced(true)),
  };
};
