import type { RunStore } from '@stageflow/core/ports';
import { postgresRunStore } from '@stageflow/postgres-store';
import { runStoreContract } from '@stageflow/testing';
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
});

describe('a pool of ten connections', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const [store] = await freshStores();
    await run(store as RunStore);
  });
});

describe('two pools in turn', () => {
  test.each(runStoreContract)('$name', async ({ run }) => run(inTurn(await freshStores())));
});

/** One for each pool, on one new schema. */
async function freshStores(): Promise<readonly RunStore[]> {
  const schema = `contract ${schemas++}`;
  const stores = pools.map((pool) => postgresRunStore({ pool, schema }));
  await Promise.all(stores.map((store) => store.migrate()));
  return stores;
}

/** Calls go to each in turn. */
function inTurn(stores: readonly RunStore[]): RunStore {
  let calls = 0;
  return new Proxy(stores[0] as RunStore, {
    get: (_, member) => {
      const store = stores[calls++ % stores.length] as RunStore;
      const found: unknown = Reflect.get(store, member);
      return typeof found === 'function' ? found.bind(store) : found;
    },
  });
}
