// One worker process: the workflow `runs`, which walks plans, and the service `stages`, which calls their functions.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { createEndpointHandler, handlers, RestatePromise, service, TerminalError, workflow } from '@restatedev/restate-sdk';
import { encode, runStep } from '@stageflow/core/driver';
import { pipelines } from './pipelines.mjs';
import { json, walk } from './restate-port.mjs';

const [name, observations] = process.argv.slice(2);

/** Appended at once, so that what a killed process saw is kept. */
const observe = (what) => appendFileSync(observations, `${JSON.stringify({ at: Date.now(), worker: name, ...what })}\n`);

const stages = service({
  name: 'stages',
  handlers: {
    /** By `ctx.run`, though one call needs no journal of its own: only an await of the SDK can be interrupted by a cancel. */
    attempt: handlers.handler({ input: json, output: json }, async (ctx, request) => {
      const aborter = new AbortController();
      const signal = AbortSignal.any([aborter.signal, ctx.request().attemptCompletedSignal]);
      const call = ctx.run('call', () => observed(request, signal));
      const ended = await RestatePromise.race([call, ctx.cancellation().map(() => undefined)]);
      if (ended !== undefined) return ended;
      aborter.abort(new Error('cancelled'));
      // Ends by itself: the step is given up when its grace has passed.
      return call;
    }),
    /** Without it: what a hop costs at least. A cancel does not reach the function. */
    bare: handlers.handler({ input: json, output: json }, (ctx, request) => observed(request, ctx.request().attemptCompletedSignal)),
  },
  options: {
    explicitCancellation: true,
    // What crashes its worker each time must fail at last, and not pause for ever, as the default has it.
    retryPolicy: {
      initialInterval: 100,
      exponentiationFactor: 2,
      maxInterval: 5_000,
      maxAttempts: Number(process.env['STEP_TRIES'] ?? 4),
      onMaxAttempts: 'kill',
    },
  },
});

function step(request, signal) {
  return runStep(pipelines.get(request.pipeline).plan, request, { signal, services: { worker: name } });
}

async function observed(request, signal) {
  const { path, attempt, identity } = request;
  const { runId } = identity;
  const tell = () => observe({ is: 'signal', runId, path });
  signal.addEventListener('abort', tell);
  observe({ is: 'start', runId, path, attempt, key: request.key });
  const outcome = await step(request, signal);
  signal.removeEventListener('abort', tell);
  observe({ is: 'end', runId, path, attempt, key: request.key, status: outcome.status });
  return outcome;
}

const runs = workflow({
  name: 'runs',
  options: {
    explicitCancellation: true,
    ...(process.env['INACTIVITY_MS'] === undefined ? {} : { inactivityTimeout: Number(process.env['INACTIVITY_MS']) }),
  },
  handlers: {
    run: async (ctx, { pipeline, input, local, method }) => {
      observe({ is: 'pass', runId: ctx.key });
      const signal = ctx.request().attemptCompletedSignal;
      const order = [];
      const onEnd = (key) => {
        order.push(key);
        observe({ is: 'decision', runId: ctx.key, key });
      };
      const run = await walk(ctx, pipelines.get(pipeline).plan, input, {
        method,
        onEnd,
        local: local ? (request) => step(request, signal) : undefined,
      });
      const { status, outputs, reason, error } = run;
      const reports = Array.from(run.stages.values(), ({ path, status, attempts }) => ({ path, status, attempts }));
      return { status, outputs, reason: reason ?? error?.message, stages: reports, order };
    },
    waits: handlers.workflow.shared(async (ctx) => {
      const keys = (await ctx.stateKeys()).filter((key) => key.startsWith('wait:'));
      return Promise.all(keys.map((key) => ctx.get(key)));
    }),
    answer: handlers.workflow.shared(async (ctx, { waitId, answer }) => {
      const encoded = encode(answer);
      if (!('text' in encoded)) throw new TerminalError(`An answer cannot have ${encoded.what}, at ${encoded.refused}.`);
      await ctx.promise(waitId).resolve({ text: encoded.text, at: await ctx.date.now() });
    }),
  },
});

const server = createServer(
  { settings: { maxConcurrentStreams: Number(process.env['STREAMS'] ?? 128) } },
  createEndpointHandler({ services: [runs, stages] }),
);
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
