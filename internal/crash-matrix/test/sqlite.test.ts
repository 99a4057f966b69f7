import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { testCrashMatrix } from '../src/crash-matrix.ts';
import { prepareSqlite, sqlitePlace } from '../src/sqlite-place.ts';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-matrix-'));
const empty = join(folder, 'empty.sqlite');
prepareSqlite(empty);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

testCrashMatrix({
  program: new URL('../src/programs/sqlite.ts', import.meta.url),
  targetOf(runId) {
    const file = join(folder, `${runId}.sqlite`);
    if (!existsSync(file)) copyFileSync(empty, file);
    return file;
  },
  open: (file) => sqlitePlace(file),
});
