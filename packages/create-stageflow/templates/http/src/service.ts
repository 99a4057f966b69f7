import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRuntime, isStageflowError } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { type Catalog, quoting } from './pipeline.ts';

/** What the service is made of. */
export interface ServiceOptions {
  readonly catalog: Catalog;
  readonly sinks?: readonly EventSink[];
}

/** A server that does not listen yet, and how it ends. */
export interface Service {
  readonly server: Server;
  /** Takes no more requests, and waits for those under way. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const largestBody = 64 * 1_024;

/** `POST /quotes` with an order gives a quote. */
export function createService({ catalog, sinks = [] }: ServiceOptions): Service {
  const runtime = createRuntime({ pipelines: [quoting], services: { catalog }, sinks, deadlineMs: 5_000 });
  const server = createServer((request, response) => void respond(request, response));

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('the client is gone')));
    const { status, body } = await answerTo(request, gone.signal).catch((error: unknown) => {
      console.error(error);
      return { status: 500, body: { error: 'something went wrong' } };
    });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  async function answerTo(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
    if (request.method !== 'POST' || request.url !== '/quotes') return { status: 404, body: { error: 'ask POST /quotes' } };
    const text = await bodyOf(request);
    if (text === undefined) return { status: 413, body: { error: `at most ${largestBody} bytes` } };
    try {
      return await quoteFor(JSON.parse(text), signal);
    } catch (error) {
      if (error instanceof SyntaxError) return { status: 400, body: { error: 'the body is not JSON' } };
      if (isStageflowError(error, 'SF_INPUT_INVALID')) return { status: 400, body: { error: error.message } };
      throw error;
    }
  }

  // The contract of the input says whether it is an order: what is none is refused before anything runs.
  async function quoteFor(order: ReturnType<typeof JSON.parse>, signal: AbortSignal): Promise<Answer> {
    const run = await runtime.run(quoting, { order }, { signal });
    switch (run.status) {
      case 'completed':
        return { status: 200, body: run.outputs.quote };
      case 'blocked':
        return { status: 422, body: { error: run.reason } };
      case 'failed':
        return { status: run.error.code === 'SF_RUN_DEADLINE' ? 504 : 502, body: { error: run.error.code, runId: run.runId } };
      default:
        return { status: 503, body: { error: run.status, runId: run.runId } };
    }
  }

  return {
    server,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
      await runtime.close();
    },
  };
}

/** `undefined` where it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= largestBody) chunks.push(chunk);
  }
  return size > largestBody ? undefined : Buffer.concat(chunks).toString('utf8');
}
