import type { AnyRegistry } from './metric-factory.ts';

/** What is read of a request of `node:http`, and of frameworks above it. */
export interface NodeRequest {
  readonly method?: string | undefined;
}

/** What is used of a response of `node:http`, and of frameworks above it. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body?: string): unknown;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const plain = { 'content-type': 'text/plain; charset=utf-8' };

/** What `GET /metrics` is answered with. Does not reject: a metric that cannot be collected is a 500 that says no more. */
async function answer(registry: AnyRegistry, method: string): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { ...plain, allow: 'GET, HEAD' }, body: 'Use GET.\n' };
  try {
    const body = await registry.metrics();
    return {
      status: 200,
      headers: { 'content-type': registry.contentType, 'cache-control': 'no-store' },
      body: method === 'HEAD' ? '' : body,
    };
  } catch {
    return { status: 500, headers: plain, body: 'The metrics could not be collected.\n' };
  }
}

/** Answers a request of `node:http`. Does not reject: a response that someone else has answered stays as it is. */
export async function answerNode(registry: AnyRegistry, request: NodeRequest, response: NodeResponse): Promise<void> {
  const { status, headers, body } = await answer(registry, request.method ?? 'GET');
  try {
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end(body);
  } catch {
    // Nobody awaits this: a rejection would end the process of the host.
  }
}

/** Answers a request of the Fetch standard. */
export async function answerFetch(registry: AnyRegistry, { method }: { readonly method: string }): Promise<Response> {
  const { status, headers, body } = await answer(registry, method);
  return new Response(body, { status, headers });
}
