import type { DemandOfWhen, When } from './condition.ts';
import type { Asked, AskOptions, Cancel } from './control.ts';
import type { Demand, Needs, NoNeeds, Skippable, Source } from './source.ts';
import { makeStage, type SkipsByOption, type Stage, type StageOptions } from './stage.ts';
import type { StageContext } from './stage-context.ts';

const mark: unique symbol = Symbol.for('stageflow.verdict');

/** What a guard says of its subject. */
export type Verdict<T = never> = Pass | Transform<T> | Block | Review;

/** Made by {@link pass}. */
export interface Pass {
  readonly [mark]: 'pass';
}

/** Made by {@link transform}. */
export interface Transform<out T> {
  readonly [mark]: 'transform';
  readonly value: T;
}

/** Made by {@link block}. */
export interface Block {
  readonly [mark]: 'block';
  readonly reason: string;
}

/** Made by {@link review}. */
export interface Review extends Asked {
  readonly [mark]: 'review';
}

/** The subject may go on, unchanged. */
export function pass(): Pass {
  return { [mark]: 'pass' };
}

/** The subject may go on as `value`: redacted, clamped, normalised. */
export function transform<T>(value: T): Transform<T> {
  return { [mark]: 'transform', value };
}

/**
 * The subject may not go on. Everything behind the guard is skipped, at any distance, and the run ends `blocked`
 * unless a `settled` reader takes the block into account. A block is a decision: it counts toward no breaker.
 */
export function block(reason: string): Block {
  return { [mark]: 'block', reason };
}

/**
 * A person must decide. Needs a runtime whose store keeps waits; anywhere else the guard fails with
 * `SF_RUNTIME_REQUIRED`, and nothing behind it runs. Where nobody decides in time, the default counts, and without one
 * the guard blocks.
 *
 * @param options.default - A decision: `{ approved, reason? }`.
 */
export function review(request: unknown, options: AskOptions = {}): Review {
  return { [mark]: 'review', request, ...options };
}

/** The verdict in `value`, or `undefined` where there is none. */
export function asVerdict(value: unknown): Verdict<unknown> | undefined {
  try {
    return typeof value === 'object' && value !== null && mark in value ? (value as Verdict<unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const verdictKinds: readonly unknown[] = ['pass', 'transform', 'block', 'review'];

/** Which of the four verdicts this is; `undefined` for what another version of this package may have marked. */
export function verdictKind(verdict: Verdict<unknown>): Verdict<unknown>[typeof mark] | undefined {
  return verdictKinds.includes(verdict[mark]) ? verdict[mark] : undefined;
}

/** The values a guard's `check` receives. */
export type GuardValues<S extends Source, N extends Needs> = {
  readonly [K in keyof N | 'subject']: K extends keyof N ? N[K]['~types']['out'] : S['~types']['out'];
};

/** A stage that judges. */
export interface Guard<out Out = unknown, out In extends Demand = Demand, out Skips extends Skippable = Skippable, in Values = never>
  extends Stage<Out, In, Skips, Values> {
  readonly kind: 'guard';
}

/** What {@link guard} takes. */
export interface GuardSpec<S extends Source, N extends Needs, A, W> extends StageOptions<N & { readonly subject: S }, A, W> {
  /** What is judged; the guard yields it, so readers of the guard read a value that passed. */
  readonly subject: S;
  /** What else `check` reads. The key `subject` is taken. */
  readonly needs?: N | undefined;
  /** Passes the subject where no verdict could be had; each time the event `guard.failed_open` says so. @default false */
  readonly failOpen?: boolean | undefined;
  /** Judges. A throw, a timeout, `undefined` or anything else that is no verdict blocks. */
  readonly check: (
    values: { readonly [K in keyof N | 'subject']: K extends keyof N ? N[K]['~types']['out'] : S['~types']['out'] },
    context: StageContext,
  ) => Verdict<NoInfer<S['~types']['out']>> | Cancel | PromiseLike<Verdict<NoInfer<S['~types']['out']>> | Cancel>;
}

/**
 * Defines a stage that judges a value and yields it when it passes. Guards fail closed.
 *
 * @example
 * ```ts
 * const safe = guard('safe', {
 *   subject: text,
 *   check: ({ subject }) => (subject.includes('ignore previous') ? block('prompt injection') : pass()),
 * });
 * ```
 */
export function guard<
  const S extends Source,
  const N extends Needs & { readonly subject?: never } = NoNeeds,
  const A extends readonly Stage[] = [],
  W extends When | undefined = undefined,
>(
  name: string,
  spec: GuardSpec<S, N, A, W>,
): Guard<
  S['~types']['out'],
  (S | N[keyof N] | A[number])['~types']['in'] | DemandOfWhen<W>,
  (S | N[keyof N])['~types']['skips'] | SkipsByOption<W>,
  { readonly [K in keyof N | 'subject']: K extends keyof N ? N[K]['~types']['out'] : S['~types']['out'] }
> {
  const { subject, needs, check, ...options } = spec;
  return makeStage('guard', name, { ...options, needs: { ...needs, subject }, run: check });
}
