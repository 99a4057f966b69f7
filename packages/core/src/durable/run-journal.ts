import { isStageflowError, StageflowError } from '../errors.ts';
import { gatherValues } from '../execution/gather-values.ts';
import type {
  Journal,
  JournaledEnd,
  RecordNote,
  UndoJournal,
  WaitAnswer,
  WaitListener,
  WaitRequest,
  WaitState,
} from '../execution/journal.ts';
import type { ScopeState } from '../execution/scope-state.ts';
import type { RunIdentity } from '../identity.ts';
import type { StageOutcome } from '../outcome.ts';
import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { PlannedUndo } from '../plan/plan-undo.ts';
import type { Clock } from '../ports/clock.ts';
import type { JournalBatch, JournalRecord, RunStore, StoredRun, StoredStatus, StoredWait } from '../ports/run-store.ts';
import type { OpenWait } from '../run.ts';
import type { ArtifactValues } from './artifact-values.ts';
import { decode, type Encoded, encode } from './codec.ts';
import { plainError } from './error-json.ts';
import { fingerprint } from './fingerprint.ts';
import { endOf, expiredAnswer, wasExpired } from './journaled-end.ts';
import { KeptUndo } from './kept-undo.ts';
import { openWait } from './open-wait.ts';

/** What a journal is opened with. */
export interface JournalOptions {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly epoch: number;
  readonly plan: Plan;
  readonly identity: RunIdentity;
  /** What earlier activations left; `undefined` for a new run. */
  readonly stored: StoredRun | undefined;
  readonly restAfterMs: number;
  readonly level: 'exit' | 'stage';
  /** Absent where everything is kept in the journal. */
  readonly artifacts: ArtifactValues | undefined;
  /** The store failed, or another activation has begun: nothing of this one will be kept. */
  readonly onBroken: (error: StageflowError) => void;
}

/**
 * The journal of one activation of a run. Records are written behind: they are gathered, and one commit is under way at
 * a time. Effects and endings wait until everything before them is durable.
 */
export class RunJournal implements Journal {
  readonly epoch: number;
  readonly restAfterMs: number;
  readonly undo: UndoJournal;
  readonly #options: JournalOptions;
  readonly #restored: ReadonlyMap<string, JournalRecord>;
  readonly #intents = new Set<string>();
  readonly #outputs = new Map<string, Encoded>();
  readonly #waits = new Map<string, StoredWait>();
  readonly #listeners = new Map<string, (() => void)[]>();
  #records: JournalRecord[] = [];
  #opened: StoredWait[] = [];
  /** Whether the run is paused, where the store does not know that yet. */
  #pause: Pick<JournalBatch, 'isPaused'> = {};
  #isSettled = false;
  /** Paths of stages that have ended in this activation. */
  readonly #ended = new Set<string>();
  #flushing: Promise<void> | undefined = undefined;
  #broken: StageflowError | undefined = undefined;

  constructor(options: JournalOptions) {
    const { stored } = options;
    this.#options = options;
    this.epoch = options.epoch;
    this.restAfterMs = options.restAfterMs;
    this.#restored = new Map(stored?.records.filter(({ status }) => status !== 'intent').map((record) => [record.path, record]));
    const append = (record: JournalRecord): Promise<void> => this.append(record);
    this.undo = new KeptUndo(options.plan, stored?.records ?? [], append, () => options.clock.now());
    for (const wait of stored?.waits ?? []) this.#waits.set(wait.waitId, wait);
  }

  get broken(): StageflowError | undefined {
    return this.#broken;
  }

  get openWaits(): readonly OpenWait[] {
    return [...this.#waits.values()].filter((wait) => wait.status === 'open' && !this.#isOver(wait)).map(openWait);
  }

  /** Whether the stage that waited has ended all the same: it lost a race, or was skipped. */
  #isOver({ path }: StoredWait): boolean {
    return this.#ended.has(path) || this.#restored.has(path);
  }

  restored(path: string): JournaledEnd | undefined {
    const record = this.#restored.get(path);
    return record && endOf(record);
  }

  keep(path: string, output: unknown): StageflowError | undefined {
    const result = encode(output);
    if (!('text' in result)) return this.#refused(path, result);
    this.#outputs.set(path, result.text);
    return undefined;
  }

  #refused(path: string, { refused, what }: { readonly refused: string; readonly what: string }): StageflowError {
    const { plan, identity } = this.#options;
    const details = { stage: path, at: refused, received: what };
    return new StageflowError('SF_NOT_SERIALIZABLE', details, { pipeline: plan.name, runId: identity.runId, path });
  }

  record(state: ScopeState, stage: PlannedStage, outcome: StageOutcome, note: RecordNote = {}): void {
    const path = state.pathOf(stage);
    if (outcome.status === 'cancelled' || outcome.status === 'suspended' || this.#restored.has(path)) return;
    this.#ended.add(path);
    const base = {
      path,
      values: state.print,
      attempts: state.attemptsOf(stage.index),
      fingerprint: fingerprint(state.plan, stage),
      at: this.#options.clock.now(),
    };
    // What an interceptor had already, or a guard that fails open lets pass; where it cannot be kept, the stage is called again.
    if (outcome.status === 'completed' && !this.#outputs.has(path) && this.keep(path, outcome.output) !== undefined) return;
    const error = 'error' in outcome ? outcome.error : state.failures?.get(stage.index);
    const reason = 'reason' in outcome ? outcome.reason : undefined;
    const output = outcome.status === 'completed' ? this.#aside(path, this.#outputs.get(path) as Encoded) : undefined;
    this.#add({ ...base, status: outcome.status, output, reason, error: error && plainError(error), ...note });
    this.#outputs.delete(path);
  }

  mayBegin(state: ScopeState, stage: PlannedStage, whenDurable: () => void): boolean | StageflowError {
    const path = state.pathOf(stage);
    if (this.#intents.has(path)) return true;
    const kept = stage.undo && encode(valuesForUndo(stage, state));
    if (kept !== undefined && !('text' in kept)) return this.#refused(path, kept);
    this.#intents.add(path);
    const intent = {
      path,
      status: 'intent',
      attempts: 0,
      fingerprint: fingerprint(state.plan, stage),
      at: this.#options.clock.now(),
    } as const;
    this.#add(kept === undefined ? intent : { ...intent, values: kept.text });
    if (this.#options.level === 'exit') return true;
    void this.flush().then(whenDurable);
    return false;
  }

  wait(request: WaitRequest, { onOpen, onAnswer }: WaitListener): WaitState {
    const { path, type, expiresAt, mayDecide, quorum } = request;
    const { identity, plan, clock } = this.#options;
    const waitId = this.#waitId(path, type);
    const known = this.#waits.get(waitId);
    if (known?.status === 'answered')
      return wasExpired(known) ? { waitId, state: 'expired' } : { waitId, state: 'answered', answer: decode(known.answer as Encoded) };
    this.#listeners.set(waitId, [...(this.#listeners.get(waitId) ?? []), onAnswer]);
    if (known !== undefined) {
      queueMicrotask(onOpen);
      return { waitId, state: 'open', expiresAt: known.expiresAt };
    }
    const { runId, tenantId } = identity;
    const otherwise = request.otherwise === undefined ? undefined : encoded(request.otherwise);
    const wait: StoredWait = {
      waitId,
      runId,
      tenantId,
      pipeline: plan.name,
      path,
      type,
      request: request.request === undefined ? undefined : encoded(request.request),
      openedAt: clock.now(),
      expiresAt,
      status: 'open',
      answer: undefined,
      ...(otherwise === undefined ? {} : { otherwise }),
      ...(mayDecide === undefined ? {} : { mayDecide }),
      ...(quorum === undefined ? {} : { quorum }),
    };
    this.#waits.set(waitId, wait);
    this.#opened.push(wait);
    void this.flush()
      .then(() => this.lookForAnswers())
      .then(onOpen);
    return { waitId, state: 'open', expiresAt };
  }

  answer(path: string, type: string): WaitAnswer | undefined {
    const wait = this.#waits.get(this.#waitId(path, type));
    if (wait?.status !== 'answered') return undefined;
    return wasExpired(wait) ? { expired: true } : { value: decode(wait.answer as Encoded) };
  }

  expire(waitId: string): void {
    const { otherwise = expiredAnswer } = this.#waits.get(waitId) as StoredWait;
    const { store, identity } = this.#options;
    // The store says who was first: whoever answers it now is told that it is too late.
    void this.flush()
      .then(() => store.answer(waitId, otherwise, identity.tenantId))
      .then((result) => (result === 'answered' ? this.answered(waitId, otherwise) : this.#takeAnswer(waitId)))
      .catch((cause) => this.#failed(cause));
  }

  /** An answer has come while this activation lives. */
  answered(waitId: string, answer: Encoded): void {
    const wait = this.#waits.get(waitId);
    if (wait?.status !== 'open') return;
    this.#waits.set(waitId, { ...wait, status: 'answered', answer });
    const listeners = this.#listeners.get(waitId) ?? [];
    this.#listeners.delete(waitId);
    for (const listener of listeners) listener();
  }

  /** Everything that was added so far is durable, or the journal is broken. */
  async flush(): Promise<void> {
    while (this.#broken === undefined && (this.#flushing !== undefined || this.#hasNews)) {
      this.#flushing ??= this.#commit({});
      await this.#flushing;
    }
  }

  async setPaused(isPaused: boolean): Promise<void> {
    // The run has ended, or rests: nothing is left to pause.
    if (this.#isSettled) return;
    this.#pause = { isPaused };
    await this.flush();
  }

  get #hasNews(): boolean {
    return this.#records.length + this.#opened.length > 0 || this.#pause.isPaused !== undefined;
  }

  /** Adds a record; resolves when it is durable, or the journal is broken. */
  append(record: JournalRecord): Promise<void> {
    this.#records.push(record);
    return this.flush();
  }

  /** Writes the last batch, with the new status. */
  async settle(status: StoredStatus, results: unknown, isDue: boolean): Promise<void> {
    if (status === 'suspended') await this.#closeWaits();
    // What is left goes with the status.
    while (this.#flushing !== undefined) await this.#flushing;
    this.#isSettled = true;
    if (this.#broken !== undefined) return;
    const kept = status === 'completed' ? encode(results) : undefined;
    const resting = status === 'suspended' ? this.openWaits.map(({ waitId }) => waitId) : undefined;
    const outputs = kept !== undefined && 'text' in kept ? this.#aside('[outputs]', kept.text) : undefined;
    await this.#commit({ status, outputs, resting, isDue });
  }

  /** Closes what nobody waits for any more: the run would be due for it, again and again, once its time has come. */
  async #closeWaits(): Promise<void> {
    const { store, identity } = this.#options;
    const over = [...this.#waits.values()].filter((wait) => wait.status === 'open' && this.#isOver(wait));
    if (over.length === 0) return;
    await this.flush();
    try {
      for (const { waitId } of over) if (this.#broken === undefined) await store.answer(waitId, expiredAnswer, identity.tenantId);
    } catch (cause) {
      this.#failed(cause);
    }
  }

  /** Whatever ids and types hold, no two waits have one id: the first `/` ends the run, the last `#` begins the type. */
  #waitId(path: string, type: string): string {
    return `${escaped(this.#options.identity.runId)}/${path}#${escaped(type)}`;
  }

  /** What is kept of a value. Of another activation nothing is written over. */
  #aside(id: string, text: Encoded): Encoded {
    return this.#options.artifacts?.keep(`${id}#${this.epoch}`, text) ?? text;
  }

  #add(record: JournalRecord): void {
    this.#records.push(record);
    // Gathered until the end of the turn, so that stages that end together are one commit.
    if (this.#options.level === 'stage' && this.#records.length === 1) queueMicrotask(() => void this.flush());
  }

  /** Somebody was first: the answer of who was, or the run is not ours any more. Rejects where the store does. */
  async #takeAnswer(waitId: string): Promise<void> {
    const { store, identity } = this.#options;
    const stored = await store.load(identity.runId, identity.tenantId);
    const wait = stored?.waits.find((candidate) => candidate.waitId === waitId);
    if (wait?.status === 'answered') this.answered(waitId, wait.answer as Encoded);
    else this.#break(new StageflowError('SF_RUN_TAKEN_OVER', { runId: identity.runId, epoch: this.epoch }));
  }

  /** Takes the answers that came before their wait was known to the store, or through other processes. */
  async lookForAnswers(): Promise<void> {
    const { store, identity } = this.#options;
    if (this.#broken !== undefined || this.#listeners.size === 0) return;
    const stored = await store.load(identity.runId, identity.tenantId).catch(() => undefined);
    for (const { waitId, status, answer } of stored?.waits ?? []) if (status === 'answered') this.answered(waitId, answer as Encoded);
  }

  async #commit(more: Partial<JournalBatch>): Promise<void> {
    const at = this.#options.clock.now();
    const batch: JournalBatch = {
      at,
      records: this.#records,
      waits: this.#opened,
      status: undefined,
      outputs: undefined,
      ...this.#pause,
      ...more,
    };
    this.#records = [];
    this.#opened = [];
    this.#pause = {};
    const { store, identity } = this.#options;
    try {
      await this.#options.artifacts?.settled();
      if (!(await store.commit(identity.runId, this.epoch, batch))) {
        this.#break(new StageflowError('SF_RUN_TAKEN_OVER', { runId: identity.runId, epoch: this.epoch }));
      }
    } catch (cause) {
      this.#failed(cause);
    } finally {
      this.#flushing = undefined;
    }
  }

  #failed(cause: unknown): void {
    if (isStageflowError(cause)) return this.#break(cause);
    const { store, identity } = this.#options;
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#break(new StageflowError('SF_STORE_FAILED', { store: store.name, why }, { runId: identity.runId, cause }));
  }

  #break(error: StageflowError): void {
    this.#broken ??= error;
    this.#options.onBroken(error);
  }
}

/** What an effect was made with, as far as it can be kept: the host gives services again. */
function valuesForUndo(stage: PlannedStage, state: ScopeState): Readonly<Record<string, unknown>> {
  const { services, streamed } = stage.undo as PlannedUndo;
  return Object.fromEntries(Object.entries(gatherValues(stage, state)).filter(([key]) => !services.has(key) && !streamed.has(key)));
}

/** What was kept before, so that it is known to be of the kind that can be. */
function encoded(value: unknown): Encoded {
  return (encode(value) as { readonly text: Encoded }).text;
}

function escaped(text: string): string {
  return text.replace(/[%/#]/g, encodeURIComponent);
}
