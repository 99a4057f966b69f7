import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as OTLP writes it in JSON. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status: { readonly code?: number };
}

interface OtlpScope {
  readonly scope: { readonly name: string };
  readonly spans?: readonly OtlpSpan[];
  readonly metrics?: readonly { readonly name: string; readonly unit: string }[];
}

/** Takes OTLP over HTTP on loopback, and keeps what has come. */
export async function otlpReceiver() {
  const requests: { readonly path: string; readonly contentType: string; readonly scopes: readonly OtlpScope[] }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(body);
    const scopes = [...resourceSpans, ...resourceMetrics].flatMap(({ scopeSpans = [], scopeMetrics = [] }) => [
      ...scopeSpans,
      ...scopeMetrics,
    ]);
    requests.push({ path: request.url ?? '', contentType: request.headers['content-type'] ?? '', scopes });
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
