// Starts the run twice: the first process is killed in the middle, the second goes on where it was.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-crash-'));
const program = fileURLToPath(new URL('run.ts', import.meta.url));
for (const killAt of ['summarizing b.html', 'never']) {
  const args = ['--no-warnings', '--conditions=@stageflow/source', program, join(folder, 'digest.sqlite'), killAt];
  const { signal } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  console.log(signal === null ? '-- ended' : `-- killed by ${signal}`);
}
rmSync(folder, { recursive: true, force: true });
