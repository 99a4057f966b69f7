import { setTimeout as sleep } from 'node:timers/promises';
import { createRuntime, isStageflowError, type Run, type Runtime, type RuntimeOptions, type StageContext } from '@stageflow/core';
import type { Clock, RunStore } from '@stageflow/core/ports';
import type { Place } from './place.ts';
import { leaseMs, ledger, type Office, settlement } from './settlement.ts';

/** What is settled. */
export const input = { invoices: [1, 0, 2, 3, 4] };

type OfficeOptions = Pick<RuntimeOptions<readonly []>, 'clock' | 'leaseMs' | 'recovery'>;

/** A runtime of settlements at a place. */
export function openOffice(place: Place, options: OfficeOptions): Runtime {
  const office: Office = {
    called: ({ runId, path, idempotencyKey }) => place.called({ runId, path, key: idempotencyKey }),
    act: ({ idempotencyKey }) => place.act(idempotencyKey),
    book: (context, amount) => book(runtime, place, context, amount),
  };
  const runtime: Runtime = createRuntime({ pipelines: [settlement, ledger], store: place.store, services: { office }, ...options });
  return runtime;
}

/** What says that the run below is not over, and that another try may find it so. */
const passing = ['SF_RUN_EXISTS', 'SF_RUN_NOT_RESUMABLE', 'SF_STORE_FAILED'] as const;

/**
 * The run below is found by its id, whatever has become of the process that began it. Where another process goes on with it,
 * nothing tells of its end, so this looks again and again.
 */
async function book(runtime: Runtime, place: Place, { runId, signal }: StageContext, amount: number): Promise<number> {
  const below = `${runId}ledger`;
  for (;;) {
    signal.throwIfAborted();
    try {
      const found = await place.store.load(below, undefined);
      if (found?.status === 'completed') return bookedBy(await place.outputs(below));
      if (found !== undefined && found.status !== 'running' && found.status !== 'suspended')
        throw new Error(`The run "${below}" is ${found.status}.`);
      const begun = found === undefined ? runtime.start(ledger, { amount }, { runId: below, parent: runId }).result : runtime.resume(below);
      await begun;
    } catch (error) {
      if (!passing.some((code) => isStageflowError(error, code))) throw error;
      await sleep(10);
    }
  }
}

function bookedBy(outputs: unknown): number {
  return (outputs as { readonly posted: number }).posted;
}

/**
 * Begins a settlement, or goes on with it wherever it is: runs it, answers what it asks, waits until it has rested, until it
 * has ended.
 *
 * @param clock - Set ahead, leases of processes that are dead have run out. @default that of the host
 */
export async function goOn(place: Place, runId: string, clock?: Clock): Promise<void> {
  const runtime = openOffice(place, { clock, leaseMs });
  const now = (): number => (clock === undefined ? Date.now() : clock.now());
  for (;;) {
    const run = await advance(runtime, place.store, runId);
    if (run === 'ended') break;
    if (run === 'again') continue;
    if (run.status !== 'suspended') throw new Error(`The settlement "${runId}" is ${run.status}.`, { cause: run });
    for (const { waitId, expiresAt } of await runtime.waits({ runId })) {
      if (expiresAt === undefined) await decide(runtime, waitId);
      else await sleep(Math.max(0, expiresAt - now()));
    }
  }
  await runtime.close();
}

async function advance(runtime: Runtime, store: RunStore, runId: string): Promise<Run | 'ended' | 'again'> {
  const found = await store.load(runId, undefined);
  if (found?.status === 'completed') return 'ended';
  try {
    const run = found === undefined ? await runtime.run(settlement, input, { runId }) : await runtime.resume(runId);
    return run.status === 'completed' ? 'again' : (run as Run);
  } catch (error) {
    // What a process that is dead had sent may arrive late.
    if (isStageflowError(error, 'SF_RUN_EXISTS')) return 'again';
    throw error;
  }
}

async function decide(runtime: Runtime, waitId: string): Promise<void> {
  try {
    await runtime.decide(waitId, { approved: true });
  } catch (error) {
    if (!isStageflowError(error, 'SF_WAIT_CLOSED')) throw error;
  }
}
