import { setImmediate as turn } from 'node:timers/promises';
import type { PgClient, PgPool, PgResult } from '@stageflow/postgres-store';
import type { KillPoints } from './kill-points.ts';

/**
 * A pool whose writes come by points: before they begin, when a statement has been sent and its answer is not known, when
 * a statement of a transaction is done, and when the server has said that it is committed.
 */
export function watchedPool(pool: PgPool, points: KillPoints): PgPool {
  return {
    async query(text, values) {
      if (!points.isWriting) return pool.query(text, values);
      points.reach('before');
      const result = await sent(pool, points, text, values);
      points.reach('after');
      return result;
    },
    async connect() {
      const client = await pool.connect();
      return points.isWriting ? watchedClient(client, points) : client;
    },
  };
}

function watchedClient(client: PgClient, points: KillPoints): PgClient {
  return {
    async query(text, values) {
      if (text.startsWith('BEGIN')) points.reach('before');
      if (text !== 'COMMIT') {
        const result = await client.query(text, values);
        if (!text.startsWith('BEGIN')) points.reach('inside');
        return result;
      }
      const result = await sent(client, points, text, values);
      points.reach('after');
      return result;
    },
    release: (error) => client.release(error),
    on: (event, listener) => client.on(event, listener),
    off: (event, listener) => client.off(event, listener),
  };
}

async function sent(to: Pick<PgPool, 'query'>, points: KillPoints, text: string, values?: unknown[]): Promise<PgResult> {
  const answer = to.query(text, values);
  // An error is told by the await below, also where it comes first.
  answer.catch(() => {});
  // The client has written it to its socket by the end of this turn.
  await turn();
  points.reach('inside');
  return answer;
}
