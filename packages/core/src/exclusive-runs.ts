import { StageflowError } from './errors.ts';
import { checkRules, oneOf, text } from './limits/limit-rules.ts';

/** Says that of the runs that share a key, one at a time is wanted. */
export interface ExclusiveOption {
  /** What they share: a conversation, a document. Runs of another tenant have keys of their own. */
  readonly key: string;
  /**
   * What becomes of it where runs of that key have not ended: `supersede` cancels them and begins at once, `queue` begins when
   * they have ended, `reject` is refused.
   */
  readonly onConflict: 'supersede' | 'queue' | 'reject';
}

/** A run that shares a key with others. */
interface Contender {
  readonly accepted: {
    readonly runId: string;
    readonly pipeline: string;
    readonly options: { readonly tenantId?: string | undefined };
    readonly parent: Contender | undefined;
  };
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Why it need not begin any more. */
  readonly stop: object | undefined;
  /** Called when it is cancelled. */
  onCancel: (() => void) | undefined;
  cancel(reason: string): void;
}

/** The runs of one runtime that share keys, in the order in which they came. */
export class ExclusiveRuns {
  readonly #byKey = new Map<string, Set<Contender>>();

  /**
   * Resolves when the run may begin, or need not any more because it was cancelled.
   *
   * @throws SF_OPTION_INVALID, SF_RUN_CONFLICT, as rejections.
   */
  async turn(active: Contender, { key, onConflict }: ExclusiveOption, signal: AbortSignal | undefined): Promise<void> {
    checkRules([text('key', key), oneOf('onConflict', onConflict, ['supersede', 'queue', 'reject'])], 'exclusive');
    const { runId, pipeline } = active.accepted;
    const scoped = scopedKey(active, key);
    const known = [...(this.#byKey.get(scoped) ?? [])];
    const above = ancestorsOf(active);
    // A run below another has its turn: neither waits for the other.
    const before = known.filter((other) => !above.includes(other));
    const [first] = before;
    if (first !== undefined && onConflict === 'reject')
      throw new StageflowError('SF_RUN_CONFLICT', { pipeline, key, other: first.accepted.runId }, { pipeline, runId });
    this.#byKey.set(scoped, new Set([...known, active]));
    void active.ended.then(() => this.#leave(scoped, active));
    if (onConflict === 'supersede') for (const other of before) other.cancel(`it was superseded by run "${runId}"`);
    if (onConflict === 'queue' && before.length > 0) await ended(before, active, signal);
  }

  #leave(scoped: string, active: Contender): void {
    const runs = this.#byKey.get(scoped) as Set<Contender>;
    runs.delete(active);
    if (runs.size === 0) this.#byKey.delete(scoped);
  }
}

function ancestorsOf({ accepted }: Contender): readonly Contender[] {
  const above: Contender[] = [];
  for (let run = accepted.parent; run !== undefined; run = run.accepted.parent) above.push(run);
  return above;
}

/** As JSON, so that no tenant and key are another tenant and key. */
function scopedKey({ accepted }: Contender, key: string): string {
  return JSON.stringify([accepted.options.tenantId ?? null, key]);
}

async function ended(before: readonly Contender[], active: Contender, signal: AbortSignal | undefined): Promise<void> {
  if (active.stop !== undefined || signal?.aborted === true) return;
  let giveUp!: () => void;
  await new Promise<void>((resolve) => {
    giveUp = resolve;
    active.onCancel = giveUp;
    signal?.addEventListener('abort', giveUp);
    void Promise.all(before.map((other) => other.ended)).then(() => resolve());
  });
  signal?.removeEventListener('abort', giveUp);
  active.onCancel = undefined;
}
