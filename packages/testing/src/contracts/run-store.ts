import type { RunStore } from '@stageflow/core/ports';
import type { ContractCase } from './contract-case.ts';
import { runStoreDueCases } from './run-store-due.ts';
import { runStoreJournalCases } from './run-store-journal.ts';
import { runStoreLeaseCases } from './run-store-leases.ts';
import { runStoreRetentionCases } from './run-store-retention.ts';
import { runStoreWaitCases } from './run-store-waits.ts';

/**
 * What every `RunStore` must do: runs, journal, leases, fencing, waits, early answers, tenants. Time is that of the
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
  ...runStoreDueCases,
  ...runStoreRetentionCases,
];
