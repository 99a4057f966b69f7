import { StageflowError } from '../errors.ts';
import {
  type AnswerResult,
  type DeliverResult,
  type DueRun,
  earlyLimit,
  type JournalBatch,
  type Lease,
  type NewRun,
  type RunKey,
  type RunStore,
  type StoredRun,
  type StoredWait,
  type VoteRequest,
  type VoteResult,
  type WaitFilter,
} from '../ports/run-store.ts';
import type { Encoded } from './codec.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface KeptRun extends Mutable<Omit<StoredRun, 'records' | 'waits' | 'early' | 'isPaused'>> {
  records: StoredRun['records'][number][];
  waits: Mutable<StoredWait>[];
  early: { readonly type: string; readonly payload: Encoded }[];
  owner: string | undefined;
  /** Whether it rests and has been answered since. */
  isWoken: boolean;
  isPaused: boolean;
  leasedUntil: number;
  /** Epoch milliseconds; `undefined` while it has not ended. */
  endedAt: number | undefined;
}

/**
 * A run store in the memory of this process: for tests, and for approvals that need not survive it.
 *
 * @example
 * ```ts
 * const runtime = createRuntime({ pipelines: [chat], store: memoryRunStore() });
 * ```
 */
export function memoryRunStore(): RunStore {
  return new MemoryRunStore();
}

class MemoryRunStore implements RunStore {
  readonly name = 'memory';
  readonly #runs = new Map<string, KeptRun>();

  async create(run: NewRun, { owner, until }: Lease): Promise<void> {
    if (this.#runs.has(run.runId)) throw new StageflowError('SF_RUN_EXISTS', { runId: run.runId });
    const fresh = { status: 'running', epoch: 1, isWoken: false, isPaused: false, endedAt: undefined } as const;
    this.#runs.set(run.runId, { ...run, ...fresh, records: [...(run.records ?? [])], waits: [], early: [], owner, leasedUntil: until });
  }

  async load(runId: string, tenantId: string | undefined): Promise<StoredRun | undefined> {
    const found = this.#find(runId, tenantId);
    if (found === undefined) return undefined;
    const { owner: _owner, leasedUntil: _leasedUntil, isWoken: _isWoken, endedAt: _endedAt, isPaused, ...run } = found;
    const paused = isPaused ? { isPaused } : {};
    return { ...run, ...paused, records: [...run.records], waits: run.waits.map((wait) => ({ ...wait })), early: [...run.early] };
  }

  async acquire(runId: string, { owner, until, now }: Lease): Promise<{ readonly epoch: number } | undefined> {
    const run = this.#runs.get(runId);
    if (run === undefined || isTerminal(run) || (run.owner !== undefined && run.leasedUntil > now)) return undefined;
    Object.assign(run, { owner, leasedUntil: until, status: 'running', epoch: run.epoch + 1, isWoken: false, isPaused: false });
    return { epoch: run.epoch };
  }

  async renew(runId: string, epoch: number, { until }: Lease): Promise<boolean> {
    const run = this.#runs.get(runId);
    if (run?.epoch !== epoch || run.owner === undefined) return false;
    run.leasedUntil = until;
    return true;
  }

  async commit(runId: string, epoch: number, batch: JournalBatch): Promise<boolean> {
    const run = this.#runs.get(runId);
    if (run?.epoch !== epoch || run.owner === undefined) return false;
    const { at, records, waits, status, resting = [], isDue = false, isPaused = run.isPaused } = batch;
    run.records.push(...records);
    run.isPaused = isPaused;
    for (const wait of waits) this.#open(run, wait);
    if (status !== undefined && status !== 'running') {
      run.status = status;
      run.owner = undefined;
      run.isWoken = isDue || run.waits.some((wait) => wait.status === 'answered' && resting.includes(wait.waitId));
      if (isTerminal(run)) {
        run.endedAt = at;
        for (const wait of run.waits) if (wait.status === 'open') wait.status = 'withdrawn';
      }
    }
    return true;
  }

  /** An answer that came early answers the wait as it opens. */
  #open(run: KeptRun, wait: StoredWait): void {
    if (run.waits.some(({ waitId }) => waitId === wait.waitId)) return;
    const at = run.early.findIndex(({ type }) => type === wait.type);
    const [early] = at === -1 ? [] : run.early.splice(at, 1);
    run.waits.push(early === undefined ? { ...wait } : { ...wait, status: 'answered', answer: early.payload });
  }

  async waits({ tenantId, runId, type, waitId }: WaitFilter): Promise<readonly StoredWait[]> {
    const found = Array.from(this.#runs.values(), ({ waits }) => waits).flat();
    return found
      .filter((wait) => wait.status === 'open' && wait.tenantId === tenantId)
      .filter((wait) => (runId === undefined || wait.runId === runId) && (type === undefined || wait.type === type))
      .filter((wait) => waitId === undefined || wait.waitId === waitId)
      .sort((left, right) => left.openedAt - right.openedAt)
      .map((wait) => ({ ...wait }));
  }

  async answer(waitId: string, answer: Encoded, tenantId: string | undefined): Promise<AnswerResult> {
    const found = this.#wait(waitId, tenantId);
    if (found === undefined) return 'unknown';
    const { run, wait } = found;
    if (wait.status !== 'open') return wait.status === 'answered' ? 'already answered' : 'withdrawn';
    Object.assign(wait, { status: 'answered', answer });
    run.isWoken = run.status === 'suspended';
    return 'answered';
  }

  async vote(waitId: string, { vote, after, answer }: VoteRequest, tenantId: string | undefined): Promise<VoteResult> {
    const found = this.#wait(waitId, tenantId);
    if (found?.wait.status !== 'open') return this.answer(waitId, vote.answer, tenantId);
    const { votes = [] } = found.wait;
    if (votes.length !== after) return 'changed';
    found.wait.votes = [...votes, vote];
    return answer === undefined ? 'kept' : this.answer(waitId, answer, tenantId);
  }

  async deliver(runId: string, type: string, payload: Encoded, tenantId: string | undefined): Promise<DeliverResult> {
    const run = this.#find(runId, tenantId);
    if (run === undefined || isTerminal(run)) return { result: 'unknown run' };
    const wait = run.waits.find((candidate) => candidate.status === 'open' && candidate.type === type);
    if (wait !== undefined) {
      Object.assign(wait, { status: 'answered', answer: payload });
      run.isWoken = run.status === 'suspended';
      return { result: 'answered', waitId: wait.waitId };
    }
    if (run.early.length >= earlyLimit) return { result: 'too many' };
    run.early.push({ type, payload });
    return { result: 'kept' };
  }

  async due(now: number, limit: number, after = ''): Promise<readonly DueRun[]> {
    return Array.from(this.#runs.values())
      .filter((run) => run.runId > after && isDue(run, now))
      .sort((left, right) => (left.runId < right.runId ? -1 : 1))
      .slice(0, limit)
      .map(({ runId, pipeline, identity }) => ({ runId, tenantId: identity.tenantId, pipeline }));
  }

  async ended(endedBefore: number, limit: number): Promise<readonly RunKey[]> {
    return Array.from(this.#runs.values())
      .filter(({ endedAt }) => endedAt !== undefined && endedAt < endedBefore)
      .sort((left, right) => (left.endedAt as number) - (right.endedAt as number))
      .slice(0, limit)
      .map(({ runId, identity }) => ({ runId, tenantId: identity.tenantId }));
  }

  async remove(runIds: readonly string[]): Promise<number> {
    return runIds.filter((runId) => this.#runs.get(runId)?.endedAt !== undefined && this.#runs.delete(runId)).length;
  }

  #wait(waitId: string, tenantId: string | undefined): { readonly run: KeptRun; readonly wait: Mutable<StoredWait> } | undefined {
    for (const run of this.#runs.values()) {
      const wait = run.waits.find((candidate) => candidate.waitId === waitId && candidate.tenantId === tenantId);
      if (wait !== undefined) return { run, wait };
    }
    return undefined;
  }

  #find(runId: string, tenantId: string | undefined): KeptRun | undefined {
    const run = this.#runs.get(runId);
    return run?.identity.tenantId === tenantId ? run : undefined;
  }
}

function isTerminal({ status }: { readonly status: string }): boolean {
  return status !== 'running' && status !== 'suspended';
}

function isDue({ status, leasedUntil, isWoken, isPaused, waits }: KeptRun, now: number): boolean {
  if (isPaused) return false;
  if (status === 'running') return leasedUntil <= now;
  return (
    status === 'suspended' &&
    (isWoken || waits.some((wait) => wait.status === 'open' && (wait.expiresAt ?? Number.POSITIVE_INFINITY) <= now))
  );
}
