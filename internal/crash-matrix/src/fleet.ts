import { once } from 'node:events';
import { input, openOffice } from './go-on.ts';
import type { Place } from './place.ts';
import { settlement } from './settlement.ts';

/** How long a process of a fleet holds a run: it shares its processor with many. */
export const fleetLeaseMs = 2_000;

/**
 * Begins settlements, and goes on with every one that is due, whoever began it, until the input of this process ends. Who
 * asks is answered by others.
 */
export async function joinFleet(place: Place, runIds: readonly string[]): Promise<void> {
  const runtime = openOffice(place, { leaseMs: fleetLeaseMs, recovery: { everyMs: 50, concurrency: 8 } });
  const begun = runIds.map((runId) => runtime.run(settlement, input, { runId }));
  process.stdin.resume();
  await once(process.stdin, 'end');
  await Promise.all(begun);
  await runtime.close();
  await place.close();
}
