import { isStageflowError, StageflowError } from '../errors.ts';
import type { ArtifactKey, ArtifactStore } from '../ports/artifact-store.ts';
import type { RunKey, StoredRun } from '../ports/run-store.ts';
import type { Encoded } from './codec.ts';

/** Where a runtime keeps values that are too large for the journal. */
export interface ArtifactOptions {
  readonly store: ArtifactStore;
  /** Values that take at least so many characters as they are kept, an integer >= 1. @default 65_536 */
  readonly minLength?: number | undefined;
}

/** What stands for an artifact. No value is written like this: objects of users that begin so are wrapped. */
const prefix = '{"$sf":"artifact","value":';

/** Puts the large values of one run aside. */
export class ArtifactValues {
  readonly #store: ArtifactStore;
  readonly #minLength: number;
  readonly #run: Omit<ArtifactKey, 'artifactId'>;
  #puts: Promise<void>[] = [];

  constructor({ store, minLength = 65_536 }: ArtifactOptions, run: Omit<ArtifactKey, 'artifactId'>) {
    this.#store = store;
    this.#minLength = minLength;
    this.#run = run;
  }

  /** What the journal keeps of a value: itself, or what stands for it once {@link settled} has resolved. */
  keep(artifactId: string, text: Encoded): Encoded {
    if (text.length < this.#minLength) return text;
    const put = this.#store.put({ ...this.#run, artifactId }, text);
    // It is looked at when the journal is written.
    put.catch(() => undefined);
    this.#puts.push(put);
    return `${prefix}${JSON.stringify(artifactId)}}` as Encoded;
  }

  /** Resolves when everything that was kept so far is durable. @throws SF_STORE_FAILED */
  async settled(): Promise<void> {
    const puts = this.#puts;
    this.#puts = [];
    try {
      await Promise.all(puts);
    } catch (cause) {
      throw artifactsFailed(this.#store, cause, this.#run.runId);
    }
  }
}

/**
 * A run with its large values in their places.
 *
 * @throws SF_JOURNAL_CORRUPT where one is not there; SF_STORE_FAILED
 */
export async function withArtifacts(run: StoredRun, tenantId: string | undefined, store: ArtifactStore | undefined): Promise<StoredRun> {
  const { runId } = run;
  const whole = async (text: Encoded, at: string, path: string | undefined): Promise<Encoded> => {
    if (!isReference(text)) return text;
    const corrupt = (why: string): StageflowError => new StageflowError('SF_JOURNAL_CORRUPT', { runId, at, why }, { runId, path });
    const artifactId = (JSON.parse(text) as { readonly value: string }).value;
    if (store === undefined) throw corrupt('the value is in an artifact store, and this runtime has none');
    try {
      const value = await store.get({ tenantId, runId, artifactId });
      if (value === undefined) throw corrupt(`artifact "${artifactId}" is not in store "${store.name}"`);
      return value;
    } catch (cause) {
      throw isStageflowError(cause) ? cause : artifactsFailed(store, cause, runId);
    }
  };
  // What is no object is refused later, with its place.
  const texts = [...run.records.map((record) => Object(record).output as unknown), ...Object.values(Object(run.input))];
  if (!texts.some(isReference)) return run;
  const input: Record<string, Encoded> = {};
  for (const [name, text] of Object.entries(run.input)) input[name] = await whole(text, `input "${name}"`, undefined);
  const records = [];
  for (const record of run.records) {
    const { path, output } = record;
    records.push(output === undefined ? record : { ...record, output: await whole(output, `the record of "${path}"`, path) });
  }
  return { ...run, input, records };
}

/** Deletes the values of a run that lie apart. @throws SF_STORE_FAILED */
export async function removeArtifacts(run: RunKey, store: ArtifactStore | undefined): Promise<void> {
  try {
    await store?.removeRun(run);
  } catch (cause) {
    throw artifactsFailed(store as ArtifactStore, cause, run.runId);
  }
}

function isReference(text: unknown): boolean {
  return typeof text === 'string' && text.startsWith(prefix);
}

function artifactsFailed(store: ArtifactStore, cause: unknown, runId: string): StageflowError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StageflowError('SF_STORE_FAILED', { store: store.name, why }, { runId, cause });
}
