import type { Call, Place } from './place.ts';

/** A place whose effects are in the memory of this process, so that they can be made while the database is away. */
export interface MemoryPlace extends Place {
  /** Every call, of whatever run, in the order they were made. */
  readonly made: readonly Call[];
}

/**
 * @param place - What keeps the runs.
 * @param onCall - Told after each call how many there have been.
 */
export function memoryPlace(
  { store, outputs, open, close }: Pick<Place, 'store' | 'outputs' | 'open' | 'close'>,
  onCall: (count: number) => unknown = () => {},
): MemoryPlace {
  const made: Call[] = [];
  const done = new Set<string>();
  return {
    store,
    outputs,
    open,
    close,
    made,
    async called(call) {
      made.push(call);
      onCall(made.length);
    },
    async act(key) {
      done.add(key);
    },
    calls: async (runId) => made.filter((call) => call.runId.startsWith(runId)),
    effects: async (runId) => [...done].filter((key) => key.startsWith(runId)).sort(),
  };
}
