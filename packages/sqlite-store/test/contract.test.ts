import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RunStore } from '@stageflow/core/ports';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { runStoreContract } from '@stageflow/testing';
import { afterAll, describe, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-sqlite-'));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a file', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const store = sqliteRunStore({ file: nextFile() });
    await run(store);
    store.close();
  });
});

describe('a file that two connections use in turn', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const file = nextFile();
    const [left, right] = [sqliteRunStore({ file }), sqliteRunStore({ file })];
    await run(inTurn(left, right));
    left.close();
    right.close();
  });
});

describe('a connection of the host, in memory', () => {
  test.each(runStoreContract)('$name', async ({ run }) => {
    const database = new DatabaseSync(':memory:');
    await run(sqliteRunStore({ database }));
    database.close();
  });
});

function nextFile(): string {
  return join(folder, `${files++}.sqlite`);
}

/** Calls go to one store and the other in turn. */
function inTurn(left: RunStore, right: RunStore): RunStore {
  let calls = 0;
  return new Proxy(left, {
    get: (_, member) => {
      const store = calls++ % 2 === 0 ? left : right;
      const found: unknown = Reflect.get(store, member);
      return typeof found === 'function' ? found.bind(store) : found;
    },
  });
}
