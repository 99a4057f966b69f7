// One process begins a report that is due in a while, and ends; another one makes it when its time has come.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseDuration } from './duration.ts';

function readArguments(): number {
  try {
    const { values } = parseArgs({ options: { in: { type: 'string', default: '2s' } } });
    return parseDuration(values.in);
  } catch (error) {
    console.error(`${(error as Error).message}\nUsage: main.ts [--in 2s]`);
    process.exit(2);
  }
}

const inMs = readArguments();
const folder = mkdtempSync(join(tmpdir(), 'stageflow-report-'));
for (const program of ['schedule', 'wake']) {
  console.log(`${program}:`);
  const path = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const args = ['--no-warnings', '--conditions=@stageflow/source', path, join(folder, 'report.sqlite'), String(inMs)];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
rmSync(folder, { recursive: true, force: true });
