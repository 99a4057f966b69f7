// The same order on each store there is; says whether what came of it is the same.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { memoryRunStore } from '@stageflow/core';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { orderOnPostgres, postgresNeeds } from './on-postgres.ts';
import { type OrderSeen, orderOn } from './order-on.ts';

const seen = new Map<string, OrderSeen>();

function show(name: string, order: OrderSeen): void {
  seen.set(name, order);
  const { asked, ended, journal } = order;
  console.log(`${name}: ${asked.status}, then ${ended.status}, ${Object.keys(journal).length} stages kept`);
  console.log(`  ${inspect(ended.outputs, { breakLength: Number.POSITIVE_INFINITY })}`);
}

show('memory', await orderOn(memoryRunStore()));

const folder = mkdtempSync(join(tmpdir(), 'stageflow-swap-'));
const sqlite = sqliteRunStore({ file: join(folder, 'runs.sqlite') });
show('SQLite', await orderOn(sqlite));
sqlite.close();
rmSync(folder, { recursive: true, force: true });

if (process.env['PGHOST'] === undefined) console.log(`PostgreSQL: left out, since no server is named.\n  ${postgresNeeds}`);
else {
  try {
    show('PostgreSQL', await orderOnPostgres());
  } catch (error) {
    // Where a name has several addresses and none answers, the message is empty.
    const { message, code } = error as NodeJS.ErrnoException;
    console.error(`PostgreSQL: ${message || code}\n  ${postgresNeeds}`);
    process.exitCode = 1;
  }
}

const [first, ...others] = seen.values();
const isSame = others.every((other) => isDeepStrictEqual(other, first));
console.log(`The results on ${[...seen.keys()].join(', ')} are ${isSame ? 'the same' : 'NOT the same'}.`);
if (!isSame) process.exitCode = 1;
