import { setTimeout as sleep } from 'node:timers/promises';
import { isStageflowError, type Runtime } from '@stageflow/core';
import { dependencyAudit } from '../pipeline.ts';
import { type AuditJournal, leaseMs, type UnfinishedAudit } from './audit-journal.ts';

/** How an audit came out. */
export type AuditRun = Awaited<ReturnType<typeof dependencyAudit.run>>;

/** What an audit is given. */
export type AuditInput = Parameters<typeof dependencyAudit.run>[0];

/** How an audit is run. */
export interface AuditOptions {
  readonly key: string;
  readonly journal: AuditJournal | undefined;
  /** The audit to continue. */
  readonly unfinished: UnfinishedAudit | undefined;
  readonly signal: AbortSignal;
  /** Told why an audit that is not finished is not continued. */
  readonly say: (line: string) => void;
}

const askAgainMs = 100;

/** Continues the audit that is not finished, or begins a new one. */
export async function runAudit(runtime: Runtime, input: AuditInput, options: AuditOptions): Promise<AuditRun> {
  const { key, journal, unfinished, signal } = options;
  const continued = unfinished && (await resumed(runtime, unfinished.runId, options));
  return continued ?? runtime.run(dependencyAudit, input, { signal, metadata: journal?.metadata(key) });
}

/** A process that was killed holds its run until its lease has run out; one that lives renews it. */
async function resumed(runtime: Runtime, runId: string, { signal, say }: AuditOptions): Promise<AuditRun | undefined> {
  const patience = performance.now() + 2 * leaseMs;
  while (!signal.aborted) {
    try {
      return (await runtime.resume(runId, { signal })) as AuditRun;
    } catch (error) {
      if (isStageflowError(error, 'SF_PLAN_CHANGED')) say('Another version of this program began it: beginning a new one.');
      else if (!isStageflowError(error, 'SF_RUN_NOT_RESUMABLE')) throw error;
      else if (performance.now() < patience) {
        await sleep(askAgainMs, undefined, { signal }).catch(() => {});
        continue;
      } else say('Another process is at it: beginning a new one.');
      return undefined;
    }
  }
  return undefined;
}
