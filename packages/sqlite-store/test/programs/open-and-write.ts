// Opens a file at the moment it is told, keeps a run of its own in it, and answers one wait that all of these programs want to answer.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Encoded, NewRun } from '@stageflow/core/ports';
import { sqliteRunStore } from '@stageflow/sqlite-store';

const [file = '', runId = '', startAt = '0'] = process.argv.slice(2);
await sleep(Math.max(0, Number(startAt) - Date.now()));

const store = sqliteRunStore({ file });
const now = Date.now();
const identity = { runId, tenantId: undefined, metadata: {} } as NewRun['identity'];
await store.create(
  { runId, pipeline: 'p', version: undefined, identity, input: {}, createdAt: now },
  { owner: runId, until: now + 1, now },
);
const accepted: boolean[] = [];
for (let count = 0; count < 10; count++) {
  const record = { path: `${count}`, status: 'completed' as const, attempts: 1, fingerprint: '', at: now };
  accepted.push(await store.commit(runId, 1, { at: 0, records: [record], waits: [], status: undefined, outputs: undefined }));
}
const answer = await store.answer('shared', JSON.stringify(runId) as Encoded, undefined);
const acquired = await store.acquire('shared', { owner: runId, until: now + 60_000, now });
store.close();
console.log(JSON.stringify({ accepted: accepted.filter(Boolean).length, answer, acquired: acquired?.epoch }));
