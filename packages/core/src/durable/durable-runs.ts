import { isStageflowError, StageflowError } from '../errors.ts';
import type { RunState } from '../execution/run-state.ts';
import { type RunIdentity, uuidv7 } from '../identity.ts';
import { nearestName } from '../nearest-name.ts';
import type { Plan } from '../plan/plan.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { DueRun, Lease, NewRun, RunStore, StoredRun, WaitFilter } from '../ports/run-store.ts';
import type { OpenWait, Run, SuspendedRun } from '../run.ts';
import { describeReceived } from '../schema.ts';
import { AnswerWatch } from './answer-watch.ts';
import { type ArtifactOptions, ArtifactValues, removeArtifacts, withArtifacts } from './artifact-values.ts';
import { changedPaths } from './changed-paths.ts';
import { checkedRun, checkedWait } from './checked-run.ts';
import { decode, type Encoded, encode } from './codec.ts';
import { type Decider, decide } from './decision.ts';
import { keptRecords } from './kept-records.ts';
import { openWait } from './open-wait.ts';
import { restoreInput } from './restore-input.ts';
import { RunJournal } from './run-journal.ts';

/** What became of an answer or a delivery. */
export type Delivery = 'answered' | 'kept';

/** How many runs are deleted in one step: few enough that nobody waits long for it. */
const prunedAtOnce = 500;

/** An activation that is not over. */
interface Live {
  readonly journal: RunJournal;
  renewal: Timer;
}

/** The plans that are known, by the name of their pipeline. */
type Plans = ReadonlyMap<string, { readonly plan: Plan }>;

/** Which run is to be begun with results of which other. */
interface ForkRequest {
  readonly runId: string;
  readonly tenantId: string | undefined;
  /** The stage that is done again, and with it what stands behind it. */
  readonly from: string | undefined;
  readonly newRunId: string;
  readonly plans: Plans;
}

/** What the runs of a runtime are kept with. */
interface DurableRunsOptions {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Who holds the leases. */
  readonly owner: string;
  readonly artifacts: ArtifactOptions | undefined;
}

/** The runs of one runtime that a store keeps. */
export class DurableRuns {
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #owner: string;
  /** Activations by the identity of their run, which is an object of its own in each: one may be left behind while its run goes on. */
  readonly #live = new Map<RunIdentity, Live>();
  readonly #artifacts: ArtifactOptions | undefined;
  #watch: AnswerWatch | undefined;

  constructor({ store, clock, leaseMs, owner, artifacts }: DurableRunsOptions) {
    this.#artifacts = artifacts;
    this.#store = store;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#owner = owner;
  }

  /** Keeps a new run, before anything of it starts. */
  async create(state: RunState, level: 'exit' | 'stage', onBroken: (error: StageflowError) => void): Promise<RunJournal> {
    const { plan, identity } = state;
    const { runId } = identity;
    const run = {
      runId,
      pipeline: plan.name,
      version: plan.version,
      identity: plainIdentity(identity, plan.name),
      input: encodedInputs(state),
      createdAt: this.#clock.now(),
    };
    await this.#keepNew(run);
    return this.#open(state, 1, undefined, level, onBroken);
  }

  /** Large values first: what the store has refers to nothing that is not there. */
  async #keepNew(run: NewRun): Promise<void> {
    const values = this.#valuesOf(run.identity);
    // The id of the run may be taken: nothing of the run that has it is written over.
    const unique = `0-${uuidv7(this.#clock.now())}`;
    const aside = (id: string, text: Encoded): Encoded => values?.keep(`${id}#${unique}`, text) ?? text;
    const input = Object.fromEntries(Object.entries(run.input).map(([name, text]) => [name, aside(`[input]/${name}`, text)]));
    const records = run.records?.map((record) =>
      record.output === undefined ? record : { ...record, output: aside(record.path, record.output) },
    );
    await values?.settled();
    await this.#guarded(() => this.#store.create({ ...run, input, ...(records === undefined ? {} : { records }) }, this.#lease()));
  }

  #valuesOf({ runId, tenantId }: RunIdentity): ArtifactValues | undefined {
    return this.#artifacts && new ArtifactValues(this.#artifacts, { runId, tenantId });
  }

  /** Takes a run over, with everything that was kept of it. */
  async take(runId: string, tenantId: string | undefined, plans: Plans, compatible: boolean): Promise<StoredRun> {
    const found = await this.#load(runId, tenantId);
    if (found.status !== 'running' && found.status !== 'suspended') {
      throw new StageflowError('SF_RUN_NOT_RESUMABLE', { runId, why: `it has ended as ${found.status}` });
    }
    const plan = planOf(found, plans);
    const paths = compatible ? [] : changedPaths(plan, found.records);
    if (paths.length > 0) throw new StageflowError('SF_PLAN_CHANGED', { pipeline: plan.name, runId, paths });
    const taken = await this.#guarded(() => this.#store.acquire(runId, this.#lease()));
    if (taken === undefined)
      throw new StageflowError('SF_RUN_NOT_RESUMABLE', { runId, why: 'another process holds it until its lease runs out' });
    const run = (await this.#read(runId, tenantId)) ?? found;
    return { ...run, identity: revivedIdentity(run.identity), epoch: taken.epoch };
  }

  /**
   * A run of one of these pipelines, as it was kept.
   *
   * @throws SF_RUN_UNKNOWN, SF_JOURNAL_CORRUPT, SF_PIPELINE_UNKNOWN, SF_STORE_FAILED
   */
  async find(runId: string, tenantId: string | undefined, plans: Plans): Promise<StoredRun> {
    const found = await this.#load(runId, tenantId);
    planOf(found, plans);
    return { ...found, identity: revivedIdentity(found.identity) };
  }

  /** @throws SF_RUN_UNKNOWN, SF_JOURNAL_CORRUPT, SF_STORE_FAILED */
  async #load(runId: string, tenantId: string | undefined): Promise<StoredRun> {
    const found = await this.#read(runId, tenantId);
    if (found === undefined) throw new StageflowError('SF_RUN_UNKNOWN', { runId });
    return found;
  }

  async #read(runId: string, tenantId: string | undefined): Promise<StoredRun | undefined> {
    const found = await this.#guarded(() => this.#store.load(runId, tenantId));
    return found && checkedRun(await withArtifacts(found, tenantId, this.#artifacts?.store), runId);
  }

  /**
   * A new run that begins with results of another, not kept yet.
   *
   * @throws SF_RUN_UNKNOWN, SF_JOURNAL_CORRUPT, SF_PIPELINE_UNKNOWN, SF_UNKNOWN_STAGE, SF_STORE_FAILED
   */
  async fork({ runId, tenantId, from, newRunId, plans }: ForkRequest): Promise<StoredRun> {
    const found = await this.#load(runId, tenantId);
    const plan = planOf(found, plans);
    if (from !== undefined && !plan.indexByName.has(from)) {
      const nearest = nearestName(from, plan.indexByName.keys());
      throw new StageflowError('SF_UNKNOWN_STAGE', { stage: from, reader: 'fork()', nearest }, { pipeline: plan.name, runId });
    }
    const { pipeline, input } = found;
    const metadata = { ...found.identity.metadata, forkedFrom: runId };
    const identity = { ...found.identity, runId: newRunId, metadata };
    const run = {
      runId: newRunId,
      pipeline,
      version: plan.version,
      identity: revivedIdentity(identity),
      input,
      createdAt: this.#clock.now(),
    };
    return { ...run, status: 'running', epoch: 1, records: keptRecords(plan, found.records, from), waits: [], early: [] };
  }

  /** Keeps a run that was forked, with its results. @throws SF_RUN_EXISTS, SF_STORE_FAILED */
  async keepFork({ runId, pipeline, version, identity, input, createdAt, records }: StoredRun): Promise<void> {
    const run = { runId, pipeline, version, identity: plainIdentity(identity, pipeline), input, createdAt, records };
    await this.#keepNew(run);
  }

  /** Opens the journal of a run that was taken, and gives the run its inputs. */
  reopen(stored: StoredRun, state: RunState, level: 'exit' | 'stage', onBroken: (error: StageflowError) => void): RunJournal {
    restoreInput(stored, state);
    return this.#open(state, stored.epoch, stored, level, onBroken);
  }

  /**
   * Writes how an activation ended.
   *
   * @param isInterrupted - Whether a run that is suspended has something to do all the same.
   * @throws SF_STORE_FAILED, SF_RUN_TAKEN_OVER
   */
  async settle(run: Run, isInterrupted: boolean): Promise<void> {
    const live = this.#live.get(run.identity);
    if (live === undefined) return;
    await live.journal.settle(run.status, run.outputs, isInterrupted);
    live.renewal.cancel();
    this.#live.delete(run.identity);
    if (live.journal.broken !== undefined) throw live.journal.broken;
  }

  /** Whether something that a suspended run waits for was answered while it came to rest, by a process that could not have it then. */
  async isAnswered({ runId, identity, waits }: SuspendedRun<unknown>): Promise<boolean> {
    const stored = await this.#guarded(() => this.#store.load(runId, identity.tenantId));
    const open = new Set(waits.map(({ waitId }) => waitId));
    return stored?.status === 'suspended' && stored.waits.some(({ waitId, status }) => status === 'answered' && open.has(waitId));
  }

  /** @throws SF_WAIT_CLOSED, SF_DECISION_REFUSED, SF_NOT_SERIALIZABLE, SF_RUNTIME_REQUIRED, SF_STORE_FAILED */
  async decide(waitId: string, answer: unknown, tenantId: string | undefined, by: Decider | undefined): Promise<Delivery> {
    const encoded = encodedAnswer(answer, waitId);
    const decided = await this.#guarded(() => decide(this.#store, { waitId, answer: encoded, tenantId, by, at: this.#clock.now() }));
    if (decided === undefined) return 'kept';
    for (const { journal } of this.#live.values()) journal.answered(waitId, decided);
    return 'answered';
  }

  /** @throws SF_OPTION_INVALID, SF_RUN_UNKNOWN, SF_WAIT_CLOSED, SF_NOT_SERIALIZABLE, SF_STORE_FAILED */
  async deliver(runId: string, type: string, payload: unknown, tenantId: string | undefined): Promise<Delivery> {
    // A delivery says not who it is from, and may come before it is known who may decide.
    if (type === 'answer' || type === 'review') {
      const expected = 'a type that a stage awaits with waitFor(); decide() answers questions and reviews';
      throw new StageflowError('SF_OPTION_INVALID', { option: 'deliver(type)', expected, received: describeReceived(type) }, { runId });
    }
    const encoded = encodedAnswer(payload, `${runId}#${type}`);
    const delivered = await this.#guarded(() => this.#store.deliver(runId, type, encoded, tenantId));
    if (delivered.result === 'unknown run') throw new StageflowError('SF_RUN_UNKNOWN', { runId });
    if (delivered.result === 'too many') {
      throw new StageflowError('SF_WAIT_CLOSED', {
        waitId: `${runId}#${type}`,
        why: 'too many answers have come before anything waited for them',
      });
    }
    if (delivered.result !== 'answered') return 'kept';
    for (const { journal } of this.#live.values()) journal.answered(delivered.waitId, encoded);
    return 'answered';
  }

  /** @throws SF_RUNTIME_REQUIRED where the store cannot tell; SF_STORE_FAILED */
  async due(limit: number, after: string | undefined): Promise<readonly DueRun[]> {
    const due = this.#store.due?.bind(this.#store);
    if (due === undefined)
      throw new StageflowError('SF_RUNTIME_REQUIRED', { verb: 'recover()', feature: 'a store that knows which runs are due' });
    return this.#guarded(() => due(this.#clock.now(), limit, after));
  }

  /** @throws SF_RUNTIME_REQUIRED where the store cannot; SF_STORE_FAILED */
  async prune(olderThanMs: number): Promise<number> {
    const ended = this.#store.ended?.bind(this.#store);
    const remove = this.#store.remove?.bind(this.#store);
    if (ended === undefined || remove === undefined)
      throw new StageflowError('SF_RUNTIME_REQUIRED', { verb: 'prune()', feature: 'a store that deletes runs' });
    const endedBefore = this.#clock.now() - olderThanMs;
    let count = 0;
    for (;;) {
      const runs = await this.#guarded(() => ended(endedBefore, prunedAtOnce));
      // What is apart goes first: no run is left without it that could still be forked, and nothing is left without its run.
      for (const run of runs) await removeArtifacts(run, this.#artifacts?.store);
      const deleted = runs.length === 0 ? 0 : await this.#guarded(() => remove(runs.map(({ runId }) => runId)));
      count += deleted;
      // Where none was deleted, another process is about to delete them all.
      if (runs.length < prunedAtOnce || deleted === 0) return count;
    }
  }

  async waits(filter: WaitFilter): Promise<readonly OpenWait[]> {
    return (await this.#guarded(() => this.#store.waits(filter))).map((wait) => openWait(checkedWait(wait)));
  }

  /** Has runs of this process take answers that others give, and calls back so that runs which rest are looked for. */
  watch(onAnswer: () => void): void {
    const watch = this.#store.watch?.bind(this.#store);
    if (watch === undefined) return;
    this.#watch = new AnswerWatch(watch, this.#clock, this.#leaseMs / 3, ({ runId }) => {
      for (const [identity, { journal }] of this.#live) if (runId === '' || identity.runId === runId) void journal.lookForAnswers();
      onAnswer();
    });
  }

  async stopWatching(): Promise<void> {
    await this.#watch?.stop();
  }

  #open(
    state: RunState,
    epoch: number,
    stored: StoredRun | undefined,
    level: 'exit' | 'stage',
    onBroken: (error: StageflowError) => void,
  ): RunJournal {
    const { identity, plan } = state;
    const store = this.#store;
    const journal = new RunJournal({
      store,
      clock: this.#clock,
      epoch,
      plan,
      identity,
      stored,
      restAfterMs: this.#leaseMs,
      level,
      artifacts: this.#valuesOf(identity),
      onBroken,
    });
    this.#live.set(identity, { journal, renewal: this.#renewLater(identity, epoch, onBroken) });
    return journal;
  }

  #renewLater(identity: RunIdentity, epoch: number, onBroken: (error: StageflowError) => void): Timer {
    return this.#clock.schedule(() => void this.#renew(identity, epoch, onBroken), this.#leaseMs / 3);
  }

  async #renew(identity: RunIdentity, epoch: number, onBroken: (error: StageflowError) => void): Promise<void> {
    const { runId } = identity;
    let isHeld = true;
    try {
      isHeld = await this.#store.renew(runId, epoch, this.#lease());
    } catch {
      // The store may be away for a moment only: it is asked again, and commits say whether the run is still ours.
    }
    const live = this.#live.get(identity);
    if (live === undefined) return;
    if (isHeld) live.renewal = this.#renewLater(identity, epoch, onBroken);
    else onBroken(new StageflowError('SF_RUN_TAKEN_OVER', { runId, epoch }));
  }

  #lease(): Lease {
    const now = this.#clock.now();
    return { owner: this.#owner, until: now + this.#leaseMs, now };
  }

  async #guarded<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      if (isStageflowError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StageflowError('SF_STORE_FAILED', { store: this.#store.name, why }, { cause });
    }
  }
}

/** @throws SF_PIPELINE_UNKNOWN */
function planOf({ pipeline }: StoredRun, plans: Plans): Plan {
  const plan = plans.get(pipeline)?.plan;
  if (plan !== undefined) return plan;
  throw new StageflowError('SF_PIPELINE_UNKNOWN', { pipeline, nearest: undefined, otherOfThatName: false });
}

/** Metadata are users' data, and stores take plain data: what JSON has no word for is tagged. */
function plainIdentity(identity: RunIdentity, pipeline: string): RunIdentity {
  const result = encode(identity.metadata);
  if ('text' in result) return { ...identity, metadata: JSON.parse(result.text) as RunIdentity['metadata'] };
  throw new StageflowError('SF_NOT_SERIALIZABLE', { stage: 'metadata', at: result.refused, received: result.what }, { pipeline });
}

function revivedIdentity(identity: RunIdentity): RunIdentity {
  return { ...identity, metadata: decode(JSON.stringify(identity.metadata)) as RunIdentity['metadata'] };
}

function encodedInputs({ plan, slots }: RunState): Readonly<Record<string, Encoded>> {
  return Object.fromEntries(
    plan.inputs.map(({ name }) => {
      const result = encode(slots[plan.slotOf('input', name) as number]);
      if ('text' in result) return [name, result.text];
      throw new StageflowError(
        'SF_NOT_SERIALIZABLE',
        { stage: `input ${name}`, at: result.refused, received: result.what },
        { pipeline: plan.name },
      );
    }),
  );
}

function encodedAnswer(answer: unknown, waitId: string): Encoded {
  const result = encode(answer);
  if ('text' in result) return result.text;
  throw new StageflowError('SF_NOT_SERIALIZABLE', { stage: waitId, at: result.refused, received: result.what });
}
