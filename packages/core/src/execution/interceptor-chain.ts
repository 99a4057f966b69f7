import { type ErrorLocation, isStageflowError, StageflowError, thrownSentence } from '../errors.ts';
import { type Cached, type InterceptedRun, type InterceptedStage, type Interceptor, isCached } from '../interceptor.ts';
import type { StageOutcome } from '../outcome.ts';
import type { Plan, PlannedStage } from '../plan/plan.ts';
import type { Run } from '../run.ts';
import { describeReceived } from '../schema.ts';

type StagePosition = 'stage' | 'attempt';
type Around<Subject, Result, Short> = (subject: Subject, next: () => Promise<Result>) => Promise<Result | Short>;

interface Layer<Subject, Result, Short> {
  readonly name: string;
  readonly around: Around<Subject, Result, Short>;
  /** What the layers around see of a throw further in; absent where they see it as a rejection. */
  readonly failed?: (error: StageflowError) => Result;
}

/** The interceptors of one stage at one position, outermost first. */
export type StageLayers = readonly Layer<InterceptedStage, StageOutcome, Cached>[];

/** What stands around one stage; `undefined` where nothing does. */
export interface StageInterceptors {
  readonly stage: StageLayers | undefined;
  readonly attempt: StageLayers | undefined;
  /** Whether one of them keeps an effect from being called twice. */
  readonly deduplicates: boolean;
}

/** The interceptors of runs, sorted once by position and stage. */
export class Interceptors {
  readonly run: readonly Layer<InterceptedRun, Run, never>[];
  readonly #list: readonly Interceptor[];
  readonly #byPlan = new WeakMap<Plan, (StageInterceptors | undefined)[]>();

  constructor(list: readonly Interceptor[]) {
    this.#list = list;
    this.run = list.flatMap((interceptor) =>
      interceptor.run === undefined ? [] : [{ name: interceptor.name, around: interceptor.run.bind(interceptor) }],
    );
  }

  of(plan: Plan, { index }: PlannedStage): StageInterceptors | undefined {
    let stages = this.#byPlan.get(plan);
    if (stages === undefined) {
      stages = plan.stages.map((stage) => this.#around(stage));
      this.#byPlan.set(plan, stages);
    }
    return stages[index];
  }

  #around(stage: PlannedStage): StageInterceptors | undefined {
    const matching = this.#list.filter((interceptor) => isFor(interceptor, stage));
    const [around, attempt] = [layers(matching, 'stage'), layers(matching, 'attempt')];
    return around === undefined && attempt === undefined
      ? undefined
      : { stage: around, attempt, deduplicates: matching.some(({ deduplicates }) => deduplicates === true) };
  }
}

function isFor({ only = {} }: Interceptor, { kind, name, tags }: PlannedStage): boolean {
  if (only.kinds !== undefined && !only.kinds.includes(kind)) return false;
  if (only.stages !== undefined && !only.stages.includes(name)) return false;
  return only.tags === undefined || only.tags.some((tag) => tags.includes(tag));
}

function layers(matching: readonly Interceptor[], position: StagePosition): StageLayers | undefined {
  const found = matching.flatMap((interceptor) => {
    const around = interceptor[position];
    return around === undefined ? [] : [{ name: interceptor.name, around: around.bind(interceptor), failed: failedOutcome }];
  });
  return found.length === 0 ? undefined : found;
}

function failedOutcome(error: StageflowError): StageOutcome {
  return { status: 'failed', error };
}

/**
 * Calls the layers from the outside in, then `core`. Each may call `next` once and must give back what that gave it. When
 * the outermost has ended, no layer gets further in. Rejects with what a layer threw, as an error that names the layer.
 *
 * Every stage may come this way, so a layer costs its own promise and one reaction to it.
 *
 * @param chain - At least one.
 * @param short - What becomes of a result that a layer had already; throws where it cannot have one.
 */
export function callThrough<Subject extends Place, Result, Short>(
  chain: readonly Layer<Subject, Result, Short>[],
  subject: Subject,
  core: () => Promise<Result>,
  short: (layer: string, value: Short, given: Result | undefined) => Result | Promise<Result>,
): Promise<Result> {
  return new Passage(chain, subject, core, short).enter(0, undefined);
}

/** What errors say of where they belong. */
type Place = Pick<InterceptedStage, 'pipeline' | 'runId'> & Partial<Pick<InterceptedStage, 'path' | 'attempt'>>;

function locationIn({ pipeline, runId, path, attempt }: Place): ErrorLocation {
  return { pipeline, runId, path, attempt };
}

/** One way through the layers and back. */
class Passage<Subject extends Place, Result, Short> {
  /** Whether the outermost layer has ended. */
  over = false;
  readonly chain: readonly Layer<Subject, Result, Short>[];
  readonly subject: Subject;
  readonly core: () => Promise<Result>;
  readonly short: (layer: string, value: Short, given: Result | undefined) => Result | Promise<Result>;

  constructor(
    chain: readonly Layer<Subject, Result, Short>[],
    subject: Subject,
    core: () => Promise<Result>,
    short: (layer: string, value: Short, given: Result | undefined) => Result | Promise<Result>,
  ) {
    this.chain = chain;
    this.subject = subject;
    this.core = core;
    this.short = short;
  }

  /** @param outer - The layer that calls, and is told what it gets; none around the outermost. */
  enter(at: number, outer: LayerCall<Subject, Result, Short> | undefined): Promise<Result> {
    const layer = this.chain[at];
    if (layer === undefined) return this.core().then((result) => (outer as LayerCall<Subject, Result, Short>).take(result));
    const call = new LayerCall(this, layer, at);
    return call.begin().then(
      (returned) => call.ended(returned, outer),
      (thrown) => call.threw(thrown, outer),
    );
  }
}

/** One layer on the way: what it was given, and what it made of that. */
class LayerCall<Subject extends Place, Result, Short> {
  readonly #passage: Passage<Subject, Result, Short>;
  readonly #layer: Layer<Subject, Result, Short>;
  readonly #at: number;
  #called = false;
  /** Whether what `next` gave is known. */
  #isGiven = false;
  #given: Result | undefined = undefined;
  /** Present where what `next` gave stands for a throw further in. */
  #error: StageflowError | undefined = undefined;
  #misuse: StageflowError | undefined = undefined;
  #over = false;

  constructor(passage: Passage<Subject, Result, Short>, layer: Layer<Subject, Result, Short>, at: number) {
    this.#passage = passage;
    this.#layer = layer;
    this.#at = at;
  }

  begin(): Promise<Result | Short> {
    try {
      return Promise.resolve(this.#layer.around(this.#passage.subject, () => this.#next()));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** What `next` gives. */
  take(result: Result): Result {
    this.#isGiven = true;
    this.#given = result;
    return result;
  }

  /** The same, where what is further in threw: layers that see throws as results get one. */
  takeThrow(error: StageflowError): Result {
    const { failed } = this.#layer;
    if (failed === undefined) throw error;
    this.#error = error;
    return this.take(failed(error));
  }

  ended(returned: Result | Short, outer: LayerCall<Subject, Result, Short> | undefined): Result | Promise<Result> {
    this.#end(outer);
    try {
      const result = this.#judge(returned);
      if (!(result instanceof Promise)) return outer === undefined ? result : outer.take(result);
      return result.then(
        (value) => (outer === undefined ? value : outer.take(value)),
        (error) => passOn(error as StageflowError, outer),
      );
    } catch (error) {
      return passOn(error as StageflowError, outer);
    }
  }

  threw(thrown: unknown, outer: LayerCall<Subject, Result, Short> | undefined): Result {
    this.#end(outer);
    if (isStageflowError(thrown)) return passOn(thrown, outer);
    const details = { interceptor: this.#layer.name, thrown: thrownSentence(thrown) };
    const error = new StageflowError('SF_INTERCEPTOR_FAILED', details, { ...locationIn(this.#passage.subject), cause: thrown });
    return passOn(error, outer);
  }

  #end(outer: LayerCall<Subject, Result, Short> | undefined): void {
    this.#over = true;
    if (outer === undefined) this.#passage.over = true;
  }

  #next(): Promise<Result> {
    const { name } = this.#layer;
    if (this.#called) {
      this.#misuse = misused(name, 'it called next() more than once', locationIn(this.#passage.subject));
      return refused(this.#misuse);
    }
    this.#called = true;
    if (this.#over || this.#passage.over)
      return refused(misused(name, 'it called next() after what it stands around had ended', locationIn(this.#passage.subject)));
    const given = this.#passage.enter(this.#at + 1, this);
    // Whoever does not wait for it must not be ended by a rejection that nobody awaits.
    if (this.#layer.failed === undefined) given.catch(() => {});
    return given;
  }

  /** What a layer that has returned comes to. */
  #judge(returned: Result | Short): Result | Promise<Result> {
    const { name } = this.#layer;
    if (this.#misuse !== undefined) throw this.#misuse;
    if (isCached(returned)) return this.#passage.short(name, returned as Short, this.#given);
    if (!this.#isGiven || returned !== this.#given)
      throw misused(name, `it returned ${describeReceived(returned)}`, locationIn(this.#passage.subject));
    if (this.#error !== undefined) throw this.#error;
    return returned as Result;
  }
}

/** A throw reaches the layer around, or whoever called the outermost. */
function passOn<Result>(error: StageflowError, outer: { takeThrow(error: StageflowError): Result } | undefined): Result {
  if (outer === undefined) throw error;
  return outer.takeThrow(error);
}

/** A rejection that ends no process where nobody awaits it. */
function refused(error: StageflowError): Promise<never> {
  const rejection = Promise.reject(error);
  rejection.catch(() => {});
  return rejection;
}

/** An interceptor did what it must not. */
export function misused(interceptor: string, why: string, location: ErrorLocation = {}): StageflowError {
  return new StageflowError('SF_INTERCEPTOR_INVALID', { interceptor, why }, location);
}
