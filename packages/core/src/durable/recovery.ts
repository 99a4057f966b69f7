import type { StageflowError } from '../errors.ts';
import type { DueRun } from '../ports/run-store.ts';
import type { Run, RunStatus } from '../run.ts';

/** What `runtime.recover` takes. */
export interface RecoverOptions {
  /** How many runs go on at once, an integer >= 1. @default 8 */
  readonly concurrency?: number | undefined;
  /** Takes no more runs once it aborts, and cancels those that were taken. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of the runs that were due. */
export interface Recovery {
  /** Those that went on here, and where they have come. */
  readonly resumed: readonly { readonly runId: string; readonly status: RunStatus }[];
  /** Those that could not go on, and why. */
  readonly refused: readonly { readonly runId: string; readonly error: StageflowError }[];
}

/** How many runs are asked for at once. */
const pageSize = 100;

/**
 * Goes on with every run that is due, the ones with the smallest ids first. Those that another process takes meanwhile
 * are left to it.
 *
 * @param page - The runs that are due, by id, from the one after the given one.
 * @param options.until - Takes no more runs once it aborts.
 * @param resume - Resolves to nothing where it only begins to go on with a run.
 * @param pipelines - Those that are known here, by name.
 */
export async function recoverRuns(
  page: (limit: number, after: string | undefined) => Promise<readonly DueRun[]>,
  resume: (run: DueRun) => Promise<Run | undefined>,
  { concurrency = 8, until }: { readonly concurrency?: number | undefined; readonly until?: AbortSignal | undefined },
  pipelines: ReadonlyMap<string, unknown>,
): Promise<Recovery> {
  const resumed: { runId: string; status: RunStatus }[] = [];
  const refused: { runId: string; error: StageflowError }[] = [];
  const due = inPages(page);
  const work = async (): Promise<void> => {
    for (let next = await due.next(); next.done !== true && until?.aborted !== true; next = await due.next()) {
      const { runId, pipeline } = next.value;
      // It belongs to other processes that share the store.
      if (!pipelines.has(pipeline)) continue;
      try {
        const run = await resume(next.value);
        if (run !== undefined) resumed.push({ runId, status: run.status });
      } catch (thrown) {
        const error = thrown as StageflowError;
        if (!isLeftToOthers(error)) refused.push({ runId, error });
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { resumed, refused };
}

/** Whether another process was quicker, so that nothing is wrong. */
export function isLeftToOthers({ code }: StageflowError): boolean {
  return code === 'SF_RUN_NOT_RESUMABLE' || code === 'SF_RUN_TAKEN_OVER';
}

async function* inPages(page: (limit: number, after: string | undefined) => Promise<readonly DueRun[]>): AsyncGenerator<DueRun, void> {
  let after: string | undefined;
  for (;;) {
    const runs = await page(pageSize, after);
    yield* runs;
    after = runs.at(-1)?.runId;
    if (runs.length < pageSize) return;
  }
}
