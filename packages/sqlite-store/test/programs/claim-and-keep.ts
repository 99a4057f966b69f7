// Opens a file at the moment it is told, claims the calls that all of these programs want, keeps an artifact and events.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '@stageflow/core';
import type { Encoded } from '@stageflow/core/ports';
import { sqliteArtifactStore, sqliteEventSink, sqliteIdempotencyStore } from '@stageflow/sqlite-store';

const [file = '', id = '', startAt = '0', calls = '0'] = process.argv.slice(2);
await sleep(Math.max(0, Number(startAt) - Date.now()));

const location = { file };
const [effects, artifacts, events] = [sqliteIdempotencyStore(location), sqliteArtifactStore(location), sqliteEventSink(location)];
const claimed: { readonly key: number; readonly token: number }[] = [];
for (let key = 0; key < Number(calls); key++) {
  const call = { tenantId: 't', scope: 's', key: String(key) };
  const result = await effects.claim(call, { paramsHash: undefined, leaseMs: 600_000 });
  if (result.status !== 'claimed') continue;
  claimed.push({ key, token: result.token });
  await effects.settle(call, result.token, { record: JSON.stringify(id) as Encoded, ttlMs: 600_000 });
}
await artifacts.put({ tenantId: 't', runId: 'r', artifactId: 'shared' }, JSON.stringify(id.repeat(100_000)) as Encoded);
const envelope = { runId: 'r', tenantId: 't', pipeline: 'p', epoch: Number(id), at: 0, elapsedMs: 0 };
for (let seq = 1; seq <= 10; seq++) events.emit({ ...envelope, seq, type: 'run.started' } as RunEvent);
await events.flush();
for (const { close } of [effects, artifacts]) close();
events.close();
console.log(JSON.stringify(claimed));
