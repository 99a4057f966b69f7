import { startProgram } from '@stageflow-internal/killed-runs/program';
import { type PostgresServer, startPostgres } from '@stageflow-internal/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fleetLeaseMs } from '../src/fleet.ts';
import { input, openOffice } from '../src/go-on.ts';
import { postgresPlace, preparePostgres } from '../src/postgres-place.ts';
import { settlement } from '../src/settlement.ts';

const [processCount, runsEach] = [8, 25];
const runCount = processCount * runsEach;

let server: PostgresServer;
let pool: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  await preparePostgres(server.url);
  pool = new pg.Pool({ connectionString: server.url, max: 2 });
  pool.on('error', () => {});
}, 60_000);

afterAll(async () => {
  await pool?.end();
  await server?.stop();
});

async function count(what: string): Promise<number> {
  return Number((await pool.query(`SELECT count(*) FROM ${what}`)).rows[0].count);
}

test('of 200 settlements on eight processes, two of which are killed, none is lost, none is done twice, and all end', {
  timeout: 180_000,
}, async () => {
  const program = new URL('../src/programs/fleet.ts', import.meta.url);
  const fleet = Array.from({ length: processCount }, (_, at) =>
    startProgram(program, [server.url, ...Array.from({ length: runsEach }, (_, run) => `fleet-${at}-${run};`)]),
  );
  const place = postgresPlace(server.url, false);
  const desk = openOffice(place, { leaseMs: fleetLeaseMs });

  // Killed in the middle: each holds runs that it has begun, and takes what it holds with it.
  const [first, second, ...others] = fleet;
  for (const [at, victim] of [first, second].entries()) {
    const held = `matrix.runs WHERE run_id LIKE 'fleet-${at}-%' AND epoch = 1 AND owner IS NOT NULL`;
    await expect.poll(() => count(held), { timeout: 60_000, interval: 5 }).toBeGreaterThan(2);
    victim?.process.kill('SIGKILL');
    expect(await victim?.ended).toMatchObject({ signal: 'SIGKILL', errors: '' });
    expect(await count(held)).toBeGreaterThan(0);
  }

  // What a process had not begun is known to whoever wanted it done, and to nobody else.
  const ofVictims = fleetIds().filter((runId) => /^fleet-[01]-/.test(runId));
  const again = ofVictims.map(async (runId) => {
    if ((await place.store.load(runId, undefined)) !== undefined) return;
    // It may have been on its way to the server.
    await desk.run(settlement, input, { runId }).catch((error) => expect(error).toMatchObject({ code: 'SF_RUN_EXISTS' }));
  });
  await Promise.all(again);

  // Who answers stays for as long as somebody may ask.
  await expect
    .poll(
      async () => {
        for (const { waitId, expiresAt } of await desk.waits()) if (expiresAt === undefined) await desk.decide(waitId, { approved: true });
        return count("matrix.runs WHERE status = 'completed'");
      },
      { timeout: 120_000, interval: 50 },
    )
    .toBe(2 * runCount);

  for (const { process } of others) process.stdin?.end();
  for (const { ended } of others) expect(await ended).toMatchObject({ code: 0, errors: '' });
  await desk.close();

  for (const runId of fleetIds()) {
    const outputs = { summary: { paid: 209, notified: 'told of 104.5', total: 104 }, archived: 104, charged: [11, 21, 31, 41] };
    expect(await place.outputs(runId), runId).toEqual(outputs);
    expect(await place.effects(runId), runId).toHaveLength(8);
  }
  expect(await count('matrix.runs')).toBe(2 * runCount);
  expect(await count('effects')).toBe(8 * runCount);
  expect(await place.open('fleet-')).toEqual({ leases: 0, waits: 0 });
  const path = "record::json ->> 'path'";
  const ends = `(SELECT run_id FROM matrix.records WHERE record::json ->> 'status' <> 'intent' GROUP BY run_id, ${path} HAVING count(*) > 1)`;
  expect(await count(`${ends} AS twice`)).toBe(0);
  // Called again is only what was under way in a process that was killed.
  const repeated = '(SELECT key FROM calls WHERE key IN (SELECT key FROM effects) GROUP BY key HAVING count(*) > 1) AS repeated';
  expect(await count(repeated)).toBeLessThanOrEqual(2 * runsEach * 2);
  await place.close();
});

function fleetIds(): readonly string[] {
  return Array.from({ length: runCount }, (_, at) => `fleet-${at % processCount}-${Math.floor(at / processCount)};`);
}
