import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on loopback. */
export interface Loopback {
  readonly url: string;
  close(): Promise<void>;
}

async function serve(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void): Promise<Loopback> {
  const server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    answer(request, body, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** What stands in for a backend: takes OTLP over HTTP, and keeps the names of the spans by their trace. */
export async function otlpReceiver(): Promise<Loopback & { readonly received: ReadonlyMap<string, readonly string[]> }> {
  const received = new Map<string, string[]>();
  const server = await serve((_, body, response) => {
    const { resourceSpans = [] } = JSON.parse(body) as OtlpRequest;
    for (const { traceId, name } of resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))) {
      received.set(traceId, [...(received.get(traceId) ?? []), name]);
    }
    response.setHeader('content-type', 'application/json').end('{}');
  });
  return { ...server, received };
}

interface OtlpRequest {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly { traceId: string; name: string }[] }[] }[];
}

/** A service that is busy at first. Keeps the `traceparent` of each request. */
export async function profileServer(): Promise<Loopback & { readonly parents: readonly (string | undefined)[] }> {
  const parents: (string | undefined)[] = [];
  const server = await serve((request, _, response) => {
    parents.push(request.headers['traceparent'] as string | undefined);
    response.statusCode = parents.length === 1 ? 503 : 200;
    response.end(JSON.stringify({ name: 'Ada' }));
  });
  return { ...server, parents };
}
