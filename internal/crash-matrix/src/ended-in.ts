import type { Call, Place } from './place.ts';

/** What has ended in a run and in those below it, as the store has it. */
export async function endedIn({ store, calls }: Place, runId: string): Promise<ReadonlySet<string>> {
  const runIds = new Set([runId, ...(await calls(runId)).map((call) => call.runId)]);
  const runs = await Promise.all([...runIds].map((each) => store.load(each, undefined)));
  return new Set(
    runs.flatMap((run) => (run?.records ?? []).filter(({ status }) => status !== 'intent').map(({ path }) => `${run?.runId} ${path}`)),
  );
}

/** A call in the words of {@link endedIn}. */
export function whereOf({ runId, path }: Call): string {
  return `${runId} ${path}`;
}
