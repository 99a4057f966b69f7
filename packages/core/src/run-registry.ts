import type { ActiveRun } from './active-run.ts';

/** A run that has not ended, as a runtime tells of it. */
export interface ActiveRunInfo {
  readonly runId: string;
  readonly pipeline: string;
  /** `queued` until it begins; `stopping` once it starts nothing new. */
  readonly state: 'queued' | 'running' | 'stopping';
  readonly parentRunId: string | undefined;
  /** The run at the top; its own id where that is itself. */
  readonly rootRunId: string;
  /** How many runs stand above it. */
  readonly depth: number;
  readonly tenantId: string | undefined;
}

/** The runs of a runtime that have not ended. */
export class RunRegistry {
  readonly #runs = new Set<ActiveRun>();
  /** The latest of each id: nothing keeps a host from giving one twice. */
  readonly #byId = new Map<string, ActiveRun>();

  get size(): number {
    return this.#runs.size;
  }

  add(run: ActiveRun): void {
    this.#runs.add(run);
    this.#byId.set(run.accepted.runId, run);
  }

  delete(run: ActiveRun): void {
    const { runId } = run.accepted;
    this.#runs.delete(run);
    if (this.#byId.get(runId) === run) this.#byId.delete(runId);
  }

  find(runId: string): ActiveRun | undefined {
    return this.#byId.get(runId);
  }

  [Symbol.iterator](): Iterator<ActiveRun> {
    return this.#runs.values();
  }

  list(): readonly ActiveRunInfo[] {
    return Array.from(this.#runs, infoOf);
  }

  childrenOf(runId: string): readonly ActiveRunInfo[] {
    return [...this.#runs].filter(({ identity }) => identity.parentRunId === runId).map(infoOf);
  }

  rootOf(runId: string): string | undefined {
    return this.#byId.get(runId)?.rootRunId;
  }
}

function infoOf({ accepted, state, identity, rootRunId, depth }: ActiveRun): ActiveRunInfo {
  const { runId, pipeline } = accepted;
  return { runId, pipeline, state, parentRunId: identity.parentRunId, rootRunId, depth, tenantId: identity.tenantId };
}
