import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteRunStore } from '@stageflow/sqlite-store';
import { testKilledRuns } from '@stageflow-internal/killed-runs/killed-runs';
import { afterAll } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-kill-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

testKilledRuns({
  program: new URL('programs/charge-invoices.ts', import.meta.url),
  targetOf: (name) => join(folder, `${name}.sqlite`),
  async load(file, runId) {
    const store = sqliteRunStore({ file });
    const run = await store.load(runId, undefined);
    store.close();
    return run;
  },
});
