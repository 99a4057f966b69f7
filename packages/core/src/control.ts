/** A registered symbol: two copies of this package recognise each other's marks, and parsed JSON can never carry one. */
const mark: unique symbol = Symbol.for('stageflow.control');

interface Marked<Kind extends string> {
  readonly [mark]: Kind;
}

/** Made by {@link skip}. */
export interface Skip extends Marked<'skip'> {
  readonly reason: string;
}

/** Made by {@link cancel}. */
export interface Cancel extends Marked<'cancel'> {
  readonly reason: string;
}

/** Made by {@link fail}. */
export interface Fail extends Marked<'fail'> {
  readonly error: unknown;
}

/** Made by {@link retryLater}. */
export interface RetryLater extends Marked<'retry'> {
  readonly error: unknown;
  readonly afterMs: number | undefined;
}

/** How long a question may wait for its answer, and whose answer counts. */
export interface AskOptions {
  /** Milliseconds from the first time it was asked, a number >= 0. @default no limit */
  readonly timeoutMs?: number | undefined;
  /** The answer where none came in time, in a form that can be stored. @default none: the wait has expired */
  readonly default?: unknown;
  /** Ids and roles of whom whoever decides has to be one, as `runtime.decide(…, { by })` names them. @default anybody */
  readonly mayDecide?: readonly string[] | undefined;
  /** How many people have to give the same answer, an integer >= 1; one no to a review is enough. @default 1 */
  readonly quorum?: number | undefined;
}

/** What is asked of the outside. */
export interface Asked extends AskOptions {
  readonly request: unknown;
}

/** Made by {@link suspend}. */
export interface Suspend extends Marked<'suspend'>, Asked {}

/** What a stage may return in place of a value. */
export type Control = Skip | Cancel | Fail | RetryLater | Suspend;

/**
 * `Awaited`, with a short way for what `async` functions return: `Awaited` looks into every object for a `then`, and was
 * more than half of what a stage costs the compiler.
 */
type Settle<R> = R extends Promise<infer Value> ? Settle<Value> : R extends { readonly then: (...args: never) => unknown } ? Awaited<R> : R;

/** What readers of a function returning `R` receive: awaited, without control values. */
export type Output<R> = Exclude<Settle<R>, Control>;

/** `'may skip'` where a function returning `R` may return a {@link Skip}; `any` and `unknown` are taken to be values. */
export type SkipsWhenReturned<R> = SkipsIf<Settle<R>>;

type SkipsIf<Value> = unknown extends Value ? never : Value extends Skip ? 'may skip' : never;

/**
 * This branch has nothing to give: plain readers of the stage are skipped, `optional` readers get `undefined`.
 *
 * @param reason - For people, reports and events.
 * @example
 * ```ts
 * const profile = stage('profile', {
 *   needs: { userId },
 *   run: ({ userId }) => (userId === '' ? skip('anonymous') : { name: `user ${userId}` }),
 * });
 * ```
 */
export function skip(reason: string): Skip {
  return { [mark]: 'skip', reason };
}

/**
 * Stops the whole run gracefully: stages in flight are aborted, nothing new starts, finished outputs are kept and
 * the run ends `cancelled`.
 *
 * @param reason - For people, reports and events.
 */
export function cancel(reason: string): Cancel {
  return { [mark]: 'cancel', reason };
}

/**
 * The stage failed. The same as throwing `error`, without the throw.
 *
 * @param error - Kept as the `cause` of the reported error.
 */
export function fail(error: unknown): Fail {
  return { [mark]: 'fail', error };
}

/**
 * The attempt failed and may be made again under the stage's retry policy; without one the stage fails.
 *
 * @param error - Kept as the `cause` of the reported error.
 * @param options.afterMs - Wait this long, at least, before the next attempt. Milliseconds, capped by the policy's `maxMs`.
 */
export function retryLater(error: unknown, options: { readonly afterMs?: number | undefined } = {}): RetryLater {
  return { [mark]: 'retry', error, afterMs: options.afterMs };
}

/**
 * Asks for an answer from outside the process. Needs a runtime whose store keeps waits; anywhere else the stage fails
 * with `SF_RUNTIME_REQUIRED`. The stage is called again with the answer: `context.answer(schema)`, which throws
 * `SF_WAIT_EXPIRED` where none came in time and there is no default.
 *
 * @param request - What is asked, in a form that can be stored.
 * @example
 * ```ts
 * return suspend({ question: 'Send this?', draft }, { timeoutMs: 86_400_000, default: { approved: false } });
 * ```
 */
export function suspend(request: unknown, options: AskOptions = {}): Suspend {
  return { [mark]: 'suspend', request, ...options };
}

/** The kind of control value, or `undefined` for anything else. */
export function controlKind(value: unknown): Control[typeof mark] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return (value as Partial<Control>)[mark];
  } catch {
    // A proxy may refuse to be looked at; it is a value all the same.
    return undefined;
  }
}
