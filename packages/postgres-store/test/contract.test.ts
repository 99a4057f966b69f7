import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '@stageflow/core';
import {
  type PostgresEventSink,
  type PostgresLocation,
  postgresArtifactStore,
  postgresEventSink,
  postgresIdempotencyStore,
  postgresRunStore,
} from '@stageflow/postgres-store';
import { artifactStoreContract, eventSinkContract, idempotencyStoreContract, runStoreContract } from '@stageflow/testing';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';

let server: PostgresServer;
let pools: readonly pg.Pool[] = [];
let schemas = 0;

beforeAll(async () => {
  server = await startPostgres();
  pools = [10, 10].map((max) => new pg.Pool({ connectionString: server.url, max }));
}, 60_000);

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await server?.stop();
}, 60_000);

describe('runs on a pool of ten connections', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const [store] = await freshStores(postgresRunStore);
    await run(store);
  });
});

describe('runs on two pools in turn', () => {
  test.each(runStoreContract)('$name', async ({ run }) => run(inTurn(await freshStores(postgresRunStore))));
});

describe('idempotency on two pools in turn', () => {
  // Time is the server's. Timers may fire a millisecond early.
  test.concurrent.each(idempotencyStoreContract)('$name', async ({ run }) =>
    run({ store: inTurn(await freshStores(postgresIdempotencyStore)), advance: (ms) => delay(ms + 2) }),
  );
});

describe('artifacts on two pools in turn', () => {
  test.each(artifactStoreContract)('$name', async ({ run }) => run(inTurn(await freshStores(postgresArtifactStore))));
});

describe('events', () => {
  test.each(eventSinkContract)('$name', async ({ run }) => {
    const [sink, reader] = await freshStores(postgresEventSink);
    await run({ sink, read: (runId, tenantId) => everyEvent(reader, runId, tenantId) });
  });
});

/** Page by page. */
async function everyEvent(sink: PostgresEventSink, runId: string, tenantId: string | undefined): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for (;;) {
    const page = await sink.events(runId, tenantId, { after: events.at(-1), limit: 97 });
    events.push(...page);
    if (page.length < 97) return events;
  }
}

/** One for each pool, on one new schema. */
async function freshStores<Store extends { migrate(): Promise<void> }>(
  make: (location: PostgresLocation) => Store,
): Promise<readonly [Store, Store]> {
  const schema = `contract ${schemas++}`;
  const stores = pools.map((pool) => make({ pool, schema })) as [Store, Store];
  await Promise.all(stores.map((store) => store.migrate()));
  return stores;
}

/** Calls go to each in turn. */
function inTurn<Store extends object>(stores: readonly [Store, Store]): Store {
  let calls = 0;
  return new Proxy(stores[0], {
    get: (_, member) => {
      const store = stores[calls++ % 2] as Store;
      const found: unknown = Reflect.get(store, member);
      return typeof found === 'function' ? found.bind(store) : found;
    },
  });
}
