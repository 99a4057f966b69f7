import { importCore } from '../built-core.mjs';

/** Graphs up to this size are written by reference, larger ones as data: as people do. */
const largestByReference = 5000;

/**
 * - `bare`: `timings: false`.
 * - `default`: no options.
 * - `sink`: defaults with one sink that counts.
 * - `all`: a runtime with that sink, ids of every kind, one cleanup a run; each stage reads its signal and the run's id.
 * - `unused`: bare, in a runtime, every option given as what it is when it is left out.
 * - `order`: bare, stages are ordered by `after` and are handed nothing: what p-graph does.
 * - `limits`: defaults, and each stage has a timeout and a retry policy.
 */
export default (variant) => {
  let core;
  let define;
  return {
    receives: variant === 'order' ? 'nothing' : 'record',
    async load() {
      core = await importCore('.');
      define = await importCore('./define');
    },
    build(graph, stages) {
      const shape = shapes[variant] ?? {};
      const functions = shape.wrap === undefined ? stages : stages.map(shape.wrap);
      const make = graph.size > largestByReference ? fromData : byReference;
      const pipeline = make({ core, define }, graph, functions, shape);
      return { pipeline, ...hosts[variant](core, pipeline) };
    },
    async run({ execute, options }) {
      const run = await execute({}, options);
      if (run.status !== 'completed') throw new Error(`The run ended ${run.status}.`, { cause: run.error });
      return run;
    },
  };
};

/** What stages of a variant have besides their function. */
const shapes = {
  all: {
    wrap: (run, index) => (values, context) => {
      if (context.signal.aborted || context.runId === '') throw new Error('The run is over.');
      if (index === 0) context.defer(() => {});
      return run(values);
    },
  },
  unused: {
    policy: { after: [], when: undefined, tags: [], version: undefined, output: undefined, retry: undefined, timeoutMs: undefined },
  },
  order: { ordersOnly: true },
  limits: { policy: { timeoutMs: 60_000, retry: { attempts: 3 } } },
};

/** How runs of a variant are started. */
const hosts = {
  bare: (_core, pipeline) => ({ execute: pipeline.run, options: { timings: false } }),
  default: (_core, pipeline) => ({ execute: pipeline.run, options: undefined }),
  sink: (_core, pipeline) => ({ execute: pipeline.run, options: { sinks: [countingSink()] } }),
  all(core, pipeline) {
    const runtime = core.createRuntime({ pipelines: [pipeline], sinks: [countingSink()], service: 'bench' });
    const options = {
      requestId: 'request',
      sessionId: 'session',
      userId: 'user',
      tenantId: 'tenant',
      traceId: 'trace',
      correlationId: 'correlation',
    };
    return { execute: (input, given) => runtime.run(pipeline, input, given), options };
  },
  unused(core, pipeline) {
    const runtime = core.createRuntime({ pipelines: [pipeline], sinks: [], failureMode: undefined, deadlineMs: undefined });
    const options = { timings: false, extensions: undefined, signal: undefined, maxConcurrency: undefined };
    return { execute: (input, given) => runtime.run(pipeline, input, given), options };
  },
  order: (_core, pipeline) => ({ execute: pipeline.run, options: { timings: false } }),
  limits: (_core, pipeline) => ({ execute: pipeline.run, options: undefined }),
};

function countingSink() {
  let count = 0;
  return {
    name: 'counter',
    emit() {
      count++;
    },
    get count() {
      return count;
    },
  };
}

function byReference({ core }, { needs, names }, functions, { policy, ordersOnly }) {
  const made = [];
  for (const [index, run] of functions.entries()) {
    const from = Object.fromEntries(needs[index].map((need) => [names[need], made[need]]));
    made.push(core.stage(names[index], { ...policy, ...(ordersOnly ? { after: Object.values(from) } : { needs: from }), run }));
  }
  return core.pipeline('bench', { outputs: { last: made.at(-1) } });
}

function fromData({ define }, { needs, names }, functions, { policy, ordersOnly }) {
  const { after: _after, ...given } = policy ?? {};
  const stages = functions.map((run, index) => {
    const from = needs[index].map((need) => names[need]);
    return {
      name: names[index],
      ...given,
      ...(ordersOnly ? { after: from } : { needs: Object.fromEntries(from.map((name) => [name, name])) }),
      run,
    };
  });
  return define.definePipeline({ name: 'bench', stages, outputs: { last: names.at(-1) } });
}
