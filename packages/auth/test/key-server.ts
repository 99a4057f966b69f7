import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeySet } from '@stageflow/auth';
import { onTestFinished } from 'vitest';

/** A real key server on loopback, which can be broken. */
export interface KeyServer {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: number;
  /** What it answers from now on; `hang` answers nothing. */
  answer: KeySet | 'hang' | 'trickle' | 'error' | 'nonsense' | 'redirect';
  /** From now on nobody listens. */
  stop(): Promise<void>;
}

/** Starts a key server for the test that runs. */
export async function keyServer(answer: KeyServer['answer']): Promise<KeyServer> {
  const server = createServer((_, response) => {
    state.asked++;
    respond(state.answer, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const state = { url, asked: 0, answer, stop: () => stopped(server) };
  onTestFinished(() => stopped(server));
  return state;
}

function respond(answer: KeyServer['answer'], response: ServerResponse): void {
  if (answer === 'hang') return;
  // Headers come, and the body never ends.
  if (answer === 'trickle') return void response.writeHead(200, { 'content-type': 'application/json' }).write('{"keys":');
  if (answer === 'error') return void response.writeHead(503).end();
  if (answer === 'nonsense') return void response.end('<html>');
  if (answer === 'redirect') return void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  response.end(JSON.stringify(answer));
}

function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
