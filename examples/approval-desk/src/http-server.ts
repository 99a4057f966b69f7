import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StageflowError } from '@stageflow/core';
import { type Reply, refusalOf, requestRefused } from './refusal.ts';

/** One thing that can be asked for. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Its first group is the id. */
  readonly path: RegExp;
  handle(request: { readonly id: string; readonly body: unknown }): Promise<Reply>;
}

/** A server on loopback. */
export interface HttpServer {
  readonly url: string;
  /** Takes no more requests, and resolves when those under way were answered. */
  close(): Promise<void>;
}

/** Larger bodies are refused. */
const maxBytes = 64 * 1024;

/** @param port - 0 for any that is free. */
export async function serveHttp(routes: readonly Route[], port: number): Promise<HttpServer> {
  const server = createServer((request, response) => void answer(routes, request, response));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function answer(routes: readonly Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await replyTo(routes, request).catch(refusalOf);
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function replyTo(routes: readonly Route[], request: IncomingMessage): Promise<Reply> {
  const [pathname = '/'] = (request.url ?? '/').split('?', 1);
  const known = routes.filter(({ path }) => path.test(pathname));
  if (known.length === 0) throw refused(404, `there is nothing at ${pathname}`);
  const route = known.find(({ method }) => method === request.method);
  if (route === undefined) throw refused(405, `${pathname} takes ${known.map(({ method }) => method).join(' and ')}`);
  const body = route.method === 'POST' ? await readJson(request) : undefined;
  return route.handle({ id: route.path.exec(pathname)?.[1] ?? '', body });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  // A page of another origin cannot send this type unasked.
  if (!request.headers['content-type']?.startsWith('application/json')) throw refused(415, 'its content type is not application/json');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // Read to its end all the same, and not kept: a client that is still sending does not read why it is refused.
    if (bytes <= maxBytes) chunks.push(chunk);
  }
  if (bytes > maxBytes) throw refused(413, `its body is larger than ${maxBytes} bytes`);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw refused(400, 'its body is not JSON');
  }
}

function refused(status: number, why: string): StageflowError {
  return new StageflowError(requestRefused, { status, why });
}
