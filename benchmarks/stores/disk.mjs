import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../statistics.mjs';

const samples = 200;

/** Microseconds until four kilobytes more of a file are on the disk, where the databases are: what no commit is faster than. */
export function syncMicroseconds() {
  const folder = mkdtempSync(join(tmpdir(), 'stageflow-bench-'));
  const file = openSync(join(folder, 'synced'), 'w');
  const page = Buffer.alloc(4096, 1);
  try {
    return median(
      Array.from({ length: samples }, () => {
        const start = performance.now();
        writeSync(file, page);
        fdatasyncSync(file);
        return (performance.now() - start) * 1000;
      }),
    );
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}
