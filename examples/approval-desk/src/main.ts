// Asks for an expense, kills the desk, decides at the next one, ends that, and gets the result from a third.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DeskProcess, startDesk } from './desk-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-desk-'));
const file = join(folder, 'desk.sqlite');
let desk = await startDesk(file);

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const json = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(desk.url + path, { method, ...json });
  const reply = (await response.json()) as T;
  console.log(`${method} ${path}: ${response.status} ${JSON.stringify(reply)}`);
  return reply;
}

async function restart(signal: Parameters<DeskProcess['end']>[0]): Promise<void> {
  console.log(`-- the desk ended with ${await desk.end(signal)}; another one opens`);
  desk = await startDesk(file);
}

await ask('POST', '/requests', { who: 'Ada', amount: 'a lot' });
const { runId } = await ask<{ readonly runId: string }>('POST', '/requests', { who: 'Ada', what: 'a chair', amount: 250 });
await restart('SIGKILL');
await ask('GET', '/waits');
await ask('POST', `/requests/${runId}/decision`, { approved: 'perhaps' });
await ask('POST', `/requests/${runId}/decision`, { approved: true });
await ask('POST', `/requests/${runId}/decision`, { approved: false });
await restart('SIGTERM');
for (;;) {
  const { status } = await ask<{ readonly status: string }>('GET', `/requests/${runId}`);
  if (status !== 'suspended' && status !== 'running') break;
  await sleep(100);
}
await desk.end('SIGTERM');
rmSync(folder, { recursive: true, force: true });
