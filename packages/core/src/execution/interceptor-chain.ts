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
 * the outermost has ended, no layer gets further in.
 *
 * @param short - What becomes of a result that a layer had already; throws where it cannot have one.
 * @throws What a layer threw, as an error that names the layer.
 */
export async function callThrough<Subject extends Place, Result, Short>(
  chain: readonly Layer<Subject, Result, Short>[],
  subject: Subject,
  core: () => Promise<Result>,
  short: (layer: string, value: Short, given: Result | undefined) => Result | Promise<Result>,
): Promise<Result> {
  let over = false;
  const from = (at: number): Promise<Result> => {
    const layer = chain[at];
    return layer === undefined ? core() : throughLayer(layer, subject, () => (over ? undefined : from(at + 1)), short);
  };
  try {
    return await from(0);
  } finally {
    over = true;
  }
}

/** What errors say of where they belong. */
type Place = Pick<InterceptedStage, 'pipeline' | 'runId'> & Partial<Pick<InterceptedStage, 'path' | 'attempt'>>;

function locationIn({ pipeline, runId, path, attempt }: Place): ErrorLocation {
  return { pipeline, runId, path, attempt };
}

/** What `next` gave to a layer; with `error` where it stands for a throw further in. */
interface Given<Result> {
  readonly result: Result;
  readonly error?: StageflowError;
}

/** @param inner - Gives `undefined` once it is too late. */
async function throughLayer<Subject extends Place, Result, Short>(
  { name, around, failed }: Layer<Subject, Result, Short>,
  subject: Subject,
  inner: () => Promise<Result> | undefined,
  short: (layer: string, value: Short, given: Result | undefined) => Result | Promise<Result>,
): Promise<Result> {
  let given: Given<Result> | undefined;
  let misuse: StageflowError | undefined;
  let called = false;
  let over = false;
  const callNext = async (): Promise<Result> => {
    if (called) {
      misuse = misused(name, 'it called next() more than once', locationIn(subject));
      throw misuse;
    }
    called = true;
    const under = over ? undefined : inner();
    if (under === undefined) throw misused(name, 'it called next() after what it stands around had ended', locationIn(subject));
    given = await settledAs(under, failed);
    return given.result;
  };
  const next = (): Promise<Result> => {
    const result = callNext();
    // Whoever does not wait for it must not be ended by a rejection that nobody awaits.
    result.catch(() => {});
    return result;
  };
  let returned: Result | Short;
  try {
    returned = await around(subject, next);
  } catch (thrown) {
    if (isStageflowError(thrown)) throw thrown;
    const details = { interceptor: name, thrown: thrownSentence(thrown) };
    throw new StageflowError('SF_INTERCEPTOR_FAILED', details, { ...locationIn(subject), cause: thrown });
  } finally {
    over = true;
  }
  if (misuse !== undefined) throw misuse;
  if (isCached(returned)) return short(name, returned as Short, given?.result);
  if (given === undefined || returned !== given.result)
    throw misused(name, `it returned ${describeReceived(returned)}`, locationIn(subject));
  if (given.error !== undefined) throw given.error;
  return given.result;
}

async function settledAs<Result>(inner: Promise<Result>, failed: Layer<never, Result, never>['failed']): Promise<Given<Result>> {
  if (failed === undefined) return { result: await inner };
  try {
    return { result: await inner };
  } catch (thrown) {
    const error = thrown as StageflowError;
    return { result: failed(error), error };
  }
}

/** An interceptor did what it must not. */
export function misused(interceptor: string, why: string, location: ErrorLocation = {}): StageflowError {
  return new StageflowError('SF_INTERCEPTOR_INVALID', { interceptor, why }, location);
}
