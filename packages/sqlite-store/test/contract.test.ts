import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '@stageflow/core';
import {
  type SqliteEventSink,
  type SqliteLocation,
  sqliteArtifactStore,
  sqliteEventSink,
  sqliteIdempotencyStore,
  sqliteRunStore,
} from '@stageflow/sqlite-store';
import { artifactStoreContract, eventSinkContract, idempotencyStoreContract, runStoreContract, virtualClock } from '@stageflow/testing';
import { afterAll, describe, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-sqlite-'));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('runs in a file', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const store = sqliteRunStore({ file: nextFile() });
    await run(store);
    store.close();
  });
});

describe('runs in a file that two connections use in turn', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const file = nextFile();
    const [left, right] = [sqliteRunStore({ file }), sqliteRunStore({ file })];
    await run(inTurn(left, right));
    left.close();
    right.close();
  });
});

describe('runs on a connection of the host, in memory', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const database = new DatabaseSync(':memory:');
    await run(sqliteRunStore({ database }));
    database.close();
  });
});

describe('idempotency in a file that two connections use in turn', () => {
  test.each(idempotencyStoreContract)('$name', async ({ run }) => {
    const [file, clock] = [nextFile(), virtualClock()];
    const [left, right] = [sqliteIdempotencyStore({ file, clock }), sqliteIdempotencyStore({ file, clock })];
    await run({ store: inTurn(left, right), advance: (ms) => clock.advance(ms) });
    left.close();
    right.close();
  });
});

describe('idempotency by the clock of the host', () => {
  test.concurrent.each(idempotencyStoreContract)('$name', async ({ run }) => {
    const store = sqliteIdempotencyStore({ file: nextFile() });
    // Timers may fire a millisecond early.
    await run({ store, advance: (ms) => delay(ms + 2) });
    store.close();
  });
});

describe('artifacts in a file that two connections use in turn', () => {
  test.each(artifactStoreContract)('$name', async ({ run }) => {
    const file = nextFile();
    const [left, right] = [sqliteArtifactStore({ file }), sqliteArtifactStore({ file })];
    await run(inTurn(left, right));
    left.close();
    right.close();
  });
});

describe.each([
  ['a file', (): SqliteLocation => ({ file: nextFile() })],
  ['a connection of the host, in memory', (): SqliteLocation => ({ database: new DatabaseSync(':memory:') })],
])('events in %s', (_, location) => {
  test.each(eventSinkContract)('$name', async ({ run }) => {
    const sink = sqliteEventSink(location());
    await run({ sink, read: (runId, tenantId) => everyEvent(sink, runId, tenantId) });
    sink.close();
  });
});

/** Page by page. */
async function everyEvent(sink: SqliteEventSink, runId: string, tenantId: string | undefined): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for (;;) {
    const page = await sink.events(runId, tenantId, { after: events.at(-1), limit: 7 });
    events.push(...page);
    if (page.length < 7) return events;
  }
}

function nextFile(): string {
  return join(folder, `${files++}.sqlite`);
}

/** Calls go to one store and the other in turn. */
function inTurn<Store extends object>(left: Store, right: Store): Store {
  let calls = 0;
  return new Proxy(left, {
    get: (_, member) => {
      const store = calls++ % 2 === 0 ? left : right;
      const found: unknown = Reflect.get(store, member);
      return typeof found === 'function' ? found.bind(store) : found;
    },
  });
}
