import type { StageflowError } from '../errors.ts';
import type { StageOutcome } from '../outcome.ts';
import type { OutputRead, Plan, PlannedRead, PlannedStage } from '../plan/plan.ts';
import type { PlannedRegion } from '../plan/plan-region.ts';
import { StageNote } from './stage-note.ts';
import { completed, running, skipped, waiting } from './status.ts';
import type { Streams } from './streams/streams.ts';

type BadOutcome = Exclude<StageOutcome, { readonly status: 'completed' }>;

/**
 * What is known of one scope of a run: the pipeline itself, or one item, turn or call of it. Results are views of it;
 * counters live in the scope and go with it. What most runs do not need is made when it is first written.
 */
export class ScopeState {
  readonly plan: Plan;
  /** What stands before the name of a stage in its path: empty for the pipeline itself, `collect[inv-7]/` for an item. */
  readonly prefix: string;
  /** Values: of the stages, the captured stages, the inputs, the services, the locals. */
  readonly slots: unknown[];
  /** Of the stages, then the captured stages. See `status.ts`. */
  readonly status: number[];
  /** Milliseconds after the run's start; -1 where the stage did not start. Absent where timings are off. */
  readonly startedAfterMs: number[] | undefined;
  readonly durationMs: number[] | undefined;
  /** Outcomes of the stages that did not complete. */
  outcomes: Map<number, BadOutcome> | undefined = undefined;
  /** Failures by stage, those that were turned into a skip or a block included. */
  failures: Map<number, StageflowError> | undefined = undefined;
  notes: Map<number, StageNote> | undefined = undefined;
  /** Of a call in a run that is kept: its values in print. */
  print: string | undefined = undefined;
  /** The scopes that a region of this one opened, in the order of its items or turns. */
  scopes: Map<number, ScopeState[]> | undefined = undefined;
  /** Where some stage streams. */
  streams: Streams | undefined = undefined;
  /** Endings of regions that are being carried out, one after the other. */
  endings: (() => void)[] | undefined = undefined;

  /** Of the body of a region: the scope around it. */
  readonly around: { readonly state: ScopeState; readonly region: PlannedRegion } | undefined;

  constructor(plan: Plan, prefix: string, timings: boolean, around?: ScopeState['around']) {
    const size = plan.stages.length;
    this.plan = plan;
    this.prefix = prefix;
    this.around = around;
    this.slots = plan.emptySlots.slice();
    this.status = plan.allWaiting.slice();
    this.startedAfterMs = timings ? new Array<number>(size).fill(-1) : undefined;
    this.durationMs = timings ? new Array<number>(size).fill(0) : undefined;
  }

  /** Where in the run a stage of this scope is. */
  pathOf(stage: PlannedStage): string {
    return this.prefix + stage.name;
  }

  /** The path of a stage of this scope, or of one that it captures. */
  pathAt(index: number): string {
    const stage = this.plan.stages[index];
    if (stage !== undefined) return this.prefix + stage.name;
    const { state, region } = this.around as NonNullable<ScopeState['around']>;
    return state.pathAt((region.captures[index - this.plan.stages.length] as PlannedRegion['captures'][number]).outer);
  }

  /** The path of the guard that blocked: of a region, the one inside. */
  blockedAt(index: number): string {
    const { stages } = this.plan;
    if (index < stages.length) return this.notes?.get(index)?.blockedBy ?? this.pathAt(index);
    const { state, region } = this.around as NonNullable<ScopeState['around']>;
    return state.blockedAt((region.captures[index - stages.length] as PlannedRegion['captures'][number]).outer);
  }

  /** What is noted of a stage: made when it is first asked for. */
  note(index: number): StageNote {
    this.notes ??= new Map();
    const known = this.notes.get(index) ?? new StageNote();
    this.notes.set(index, known);
    return known;
  }

  recordScope(index: number, state: ScopeState): void {
    this.scopes ??= new Map();
    const known = this.scopes.get(index);
    if (known === undefined) this.scopes.set(index, [state]);
    else known.push(state);
  }

  /** How a stage that has ended did end. */
  outcome(index: number): StageOutcome {
    const status = this.status[index];
    if (status === waiting || status === running) return { status: 'suspended', reason: 'the run waits for an answer' };
    return this.outcomes?.get(index) ?? { status: 'completed', output: this.slots[index] };
  }

  recordOutcome(index: number, outcome: BadOutcome): void {
    const partial = this.streams?.of(index)?.partial;
    this.outcomes ??= new Map();
    this.outcomes.set(index, partial === undefined ? outcome : ({ ...outcome, partial } as BadOutcome));
  }

  recordFailure(index: number, error: StageflowError): void {
    this.failures ??= new Map();
    this.failures.set(index, error);
  }

  /** Calls of the function of a stage that has ended. */
  attemptsOf(index: number): number {
    const counted = this.notes?.get(index)?.attempts;
    if (counted !== undefined) return counted;
    if (this.startedAfterMs !== undefined) return this.startedAfterMs[index] === -1 ? 0 : 1;
    return this.status[index] === completed ? 1 : 0;
  }

  /** The value of a read that is whole: of a `firstOf`, the first that has one. */
  value(read: PlannedRead): unknown {
    if (read.read === 'slot') return this.slots[read.slot];
    if (read.read === 'settled') return this.outcome(read.slot);
    if (read.read === 'streamed') return this.streams?.chunks(read);
    for (const slot of read.slots) {
      if (this.status[slot] === completed) return this.slots[slot];
    }
    return undefined;
  }

  /** Whether a read whose sources have ended yields what its type promises: a value, or a chosen skip. */
  isWhole(read: OutputRead): boolean {
    if (read.read === 'settled') return true;
    for (const slot of read.read === 'slot' ? [read.slot] : read.slots) {
      const status = this.status[slot];
      if (status === completed || status === undefined) return true;
      if (status !== skipped) return false;
    }
    return true;
  }
}
