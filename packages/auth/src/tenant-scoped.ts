import { StageflowError } from '@stageflow/core';
import type {
  AnswerResult,
  DeliverResult,
  DueRun,
  Encoded,
  JournalBatch,
  Lease,
  NewRun,
  RunStore,
  StoredRun,
  StoredWait,
  VoteRequest,
  VoteResult,
  WaitFilter,
} from '@stageflow/core/ports';
import { tenantMismatch, tenantMissing } from './errors.ts';
import { normalTenantId } from './tenant-id.ts';

/** How many runs are known to be of the tenant without asking again. */
const remembered = 10_000;

/**
 * A store that has the runs of one tenant and no others. Whoever asks it for another tenant, or for none, is refused; a run of
 * another is as unknown as one that was never kept.
 *
 * @throws SF_AUTH_TENANT_MISSING where `tenantId` is no id. The methods reject with that, and with SF_AUTH_TENANT_MISMATCH.
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], store: tenantScoped(store, 'acme') });
 * ```
 */
export function tenantScoped(store: RunStore, tenantId: string): RunStore {
  const own = normalTenantId(tenantId);
  if (own === undefined || own !== tenantId) throw new StageflowError(tenantMissing, { subject: 'The scope of a store' });
  return store.due === undefined ? new ScopedStore(store, own) : new RecoveringScopedStore(store, own, store.due.bind(store));
}

class ScopedStore implements RunStore {
  readonly name: string;
  readonly #store: RunStore;
  readonly #own: string;
  /** A run never changes its tenant, so that what was seen once need not be read again for each commit. */
  readonly #known = new Set<string>();
  readonly vote?: NonNullable<RunStore['vote']>;
  readonly watch?: NonNullable<RunStore['watch']>;

  constructor(store: RunStore, own: string) {
    this.name = store.name;
    this.#store = store;
    this.#own = own;
    const vote = store.vote?.bind(store);
    if (vote !== undefined)
      this.vote = async (waitId: string, request: VoteRequest, tenant: string | undefined): Promise<VoteResult> => {
        this.#check(tenant, `Wait "${waitId}"`);
        return vote(waitId, request, tenant);
      };
    const watch = store.watch?.bind(store);
    // Which run it was is not for every tenant to know: whoever is called looks at its own.
    if (watch !== undefined) this.watch = (onAnswer) => watch(() => onAnswer({ runId: '', waitId: '' }));
  }

  async create(run: NewRun, lease: Lease): Promise<void> {
    this.#check(run.identity.tenantId, 'The run to be kept');
    await this.#store.create(run, lease);
    this.#remember(run.runId);
  }

  async load(runId: string, tenantId: string | undefined): Promise<StoredRun | undefined> {
    this.#check(tenantId, `Run "${runId}"`);
    const run = await this.#store.load(runId, this.#own);
    if (run === undefined) return undefined;
    this.#check(run.identity.tenantId, `Run "${runId}"`);
    this.#remember(runId);
    return run;
  }

  async acquire(runId: string, lease: Lease): Promise<{ readonly epoch: number } | undefined> {
    return (await this.#owns(runId)) ? this.#store.acquire(runId, lease) : undefined;
  }

  async renew(runId: string, epoch: number, lease: Lease): Promise<boolean> {
    return (await this.#owns(runId)) && this.#store.renew(runId, epoch, lease);
  }

  async commit(runId: string, epoch: number, batch: JournalBatch): Promise<boolean> {
    for (const { tenantId, waitId } of batch.waits) this.#check(tenantId, `Wait "${waitId}"`);
    return (await this.#owns(runId)) && this.#store.commit(runId, epoch, batch);
  }

  async waits(filter: WaitFilter): Promise<readonly StoredWait[]> {
    this.#check(filter.tenantId, 'A list of waits');
    const found = await this.#store.waits(filter);
    return found.filter(({ tenantId }) => tenantId === this.#own);
  }

  async answer(waitId: string, answer: Encoded, tenantId: string | undefined): Promise<AnswerResult> {
    this.#check(tenantId, `Wait "${waitId}"`);
    return this.#store.answer(waitId, answer, tenantId);
  }

  async deliver(runId: string, type: string, payload: Encoded, tenantId: string | undefined): Promise<DeliverResult> {
    this.#check(tenantId, `Run "${runId}"`);
    return this.#store.deliver(runId, type, payload, tenantId);
  }

  /** Whether the run is of this tenant. */
  async #owns(runId: string): Promise<boolean> {
    return this.#known.has(runId) || (await this.load(runId, this.#own)) !== undefined;
  }

  #remember(runId: string): void {
    if (this.#known.size >= remembered) this.#known.clear();
    this.#known.add(runId);
  }

  #check(tenantId: string | undefined, subject: string): void {
    if (tenantId === this.#own) return;
    if (tenantId === undefined) throw new StageflowError(tenantMissing, { subject });
    throw new StageflowError(tenantMismatch, { subject, expected: this.#own, actual: tenantId });
  }
}

/** Over a store that knows which runs are due. */
class RecoveringScopedStore extends ScopedStore {
  readonly #due: NonNullable<RunStore['due']>;
  readonly #tenantId: string;

  constructor(store: RunStore, own: string, due: NonNullable<RunStore['due']>) {
    super(store, own);
    this.#due = due;
    this.#tenantId = own;
  }

  /** Runs of others count toward no page: whoever gets less than was asked for has seen the end. */
  async due(now: number, limit: number, after?: string): Promise<readonly DueRun[]> {
    const own: DueRun[] = [];
    for (let from = after; ; ) {
      const page = await this.#due(now, limit, from);
      own.push(...page.filter(({ tenantId }) => tenantId === this.#tenantId));
      if (page.length < limit || own.length >= limit) return own.slice(0, limit);
      from = page.at(-1)?.runId;
    }
  }
}
