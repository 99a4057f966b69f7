import type { RunStore } from '@stageflow/core/ports';
import type { ContractCase } from './contract-case.ts';
import { runStoreDueCases } from './run-store-due.ts';
import { runStoreJournalCases } from './run-store-journal.ts';
import { runStoreLeaseCases } from './run-store-leases.ts';
import { runStorePauseCases } from './run-store-pauses.ts';
import { runStoreRetentionCases } from './run-store-retention.ts';
import { runStoreVoteCases } from './run-store-votes.ts';
import { runStoreWaitCases } from './run-store-waits.ts';

/**
 * What every `RunStore` must do: runs, journal, leases, fencing, waits, votes, early answers, pauses, tenants. Time is that of the
 * callers, so nothing here takes any.
 *
 * @example
 * ```ts
 * import { runStoreContract } from '@stageflow/testing';
 *
 * test.each(runStoreContract)('$name', ({ run }) => run(myRunStore()));
 * ```
 */
export const runStoreContract: readonly ContractCase<RunStore>[] = [
  ...runStoreJournalCases,
  ...runStoreLeaseCases,
  ...runStoreWaitCases,
  ...runStoreVoteCases,
  ...runStoreDueCases,
  ...runStorePauseCases,
  ...runStoreRetentionCases,
];
