// Books in one process, which is killed while it undoes; another process undoes the rest. Then shows the ledger.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readLedger } from './booking-service.ts';
import { ledgerIn } from './host.ts';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-saga-'));
// Killed when the hotel is cancelled, and the run has not kept yet that it is.
for (const [program, killAt] of [
  ['book', 'cancelled a hotel in Rome'],
  ['recover', 'never'],
] as const) {
  console.log(`${program}:`);
  const path = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const args = ['--no-warnings', '--conditions=@stageflow/source', path, folder, killAt];
  const { signal, status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  console.log(signal === null ? `-- ended with ${status}` : `-- killed by ${signal}`);
}
console.log('the ledger:');
for (const { action, what } of readLedger(ledgerIn(folder))) console.log(`  ${action} ${what}`);
rmSync(folder, { recursive: true, force: true });
