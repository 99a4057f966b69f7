// One process asks and ends; another one decides and goes on.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-approval-'));
const file = join(folder, 'expenses.sqlite');
for (const program of ['ask', 'decide']) {
  console.log(`${program}:`);
  const path = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', path, file], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
rmSync(folder, { recursive: true, force: true });
