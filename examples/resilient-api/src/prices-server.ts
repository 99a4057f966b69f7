import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the server behaves: it works, answers every other request with 503, or never answers. */
export type Mood = 'well' | 'stumbling' | 'hanging';

/** A price server on loopback. */
export interface PricesServer {
  readonly url: string;
  /** Requests it was sent. */
  readonly requests: number;
  mood: Mood;
  close(): void;
}

/** Starts a price server on a free port. */
export function startPricesServer(): Promise<PricesServer> {
  const state = { requests: 0, mood: 'well' as Mood };
  let stumbled = false;
  const server = createServer((_request, response) => {
    state.requests++;
    if (state.mood === 'hanging') return;
    stumbled = state.mood === 'stumbling' && !stumbled;
    if (stumbled) response.writeHead(503).end();
    else response.end(JSON.stringify({ cents: 1_299 }));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        url: `http://127.0.0.1:${port}`,
        get requests() {
          return state.requests;
        },
        get mood() {
          return state.mood;
        },
        set mood(mood) {
          state.mood = mood;
        },
        close() {
          server.closeAllConnections();
          server.close();
        },
      });
    });
  });
}
