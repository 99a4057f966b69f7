import {
  type EventDefinition,
  type FailedOutcome,
  type InterceptedStage,
  type Interceptor,
  type InterceptorScope,
  isStageflowError,
  isWorthRetrying,
  StageflowError,
  type StageOutcome,
} from '@stageflow/core';
import { type BreakerEvent, breakerClosed, breakerHalfOpened, breakerOpened } from './breaker-events.ts';
import { type CallVerdict, Circuit, type CircuitRules, type CircuitState } from './circuit.ts';
import { breakerOpen, isRefusal } from './errors.ts';
import { ForgetfulMap } from './forgetful-map.ts';
import { aCount, aDuration, aFunction, aName, aShare, checkOptions } from './option-rules.ts';
import { byStage, keyOf, locationOf, type StageKey } from './stage-key.ts';

/** What {@link circuitBreaker} takes. */
export interface CircuitBreakerOptions {
  /** Names the breaker in errors and events. */
  readonly name: string;
  /** Which stages it stands before. @default every stage */
  readonly only?: InterceptorScope | undefined;
  /** Calls with one key share a circuit: name what fails together. @default each stage for itself, by its name */
  readonly key?: StageKey | undefined;
  /** So many failures within the window open a circuit, an integer >= 1. @default 5 */
  readonly failures?: number | undefined;
  /** And only where they are at least this share of the calls within the window, from 0 to 1. @default 0: any share */
  readonly ratio?: number | undefined;
  /** How long a call is remembered, milliseconds, to a tenth. @default 30_000 */
  readonly windowMs?: number | undefined;
  /** How long an open circuit lets nothing through, milliseconds. @default 30_000 */
  readonly openMs?: number | undefined;
  /** How long a probe may take until another call is let through in its place, milliseconds. @default `openMs` */
  readonly probeMs?: number | undefined;
  /**
   * Whether this failure says that what was called is unwell. Not asked about anything but failures: a block, a skip, a cancel,
   * a suspension never count, nor does what a call throws that was given up because its run stopped or a race was lost.
   *
   * @default all, timeouts and broken contracts included, but those that are not worth another attempt by core's `isWorthRetrying`
   *   (`retryable: false`, an HTTP status in 400-499 other than 408, 425, 429), and the refusals of this package's limits
   */
  readonly counts?: ((outcome: FailedOutcome, stage: InterceptedStage) => boolean) | undefined;
  /** Told when a circuit changes, from a microtask of its own; for what a run's events cannot say. What it throws is thrown to the host. */
  readonly onChange?: ((change: CircuitSnapshot & { readonly before: CircuitState }) => void) | undefined;
}

/** One circuit of a breaker at one moment. */
export interface CircuitSnapshot {
  readonly key: string;
  /** An open circuit is called so until the first call that it lets through, however long ago its time was over. */
  readonly state: CircuitState;
  /** Failures that counted, within the window, when it was last told of one. */
  readonly failures: number;
  /** Calls likewise. */
  readonly calls: number;
}

/** An interceptor that lets no call through while calls of its key keep failing. */
export interface CircuitBreaker extends Interceptor {
  /** Its circuits, but those that were never used or were forgotten, which are closed. */
  states(): readonly CircuitSnapshot[];
}

const events: Readonly<Record<CircuitState, EventDefinition<BreakerEvent>>> = {
  closed: breakerClosed,
  open: breakerOpened,
  'half-open': breakerHalfOpened,
};

/**
 * Makes a circuit breaker. After `failures` failures within `windowMs` its circuit opens: for `openMs` no attempt of that key calls
 * its stage. Then exactly one is let through; its success closes the circuit, its failure opens it anew. A probe that says nothing
 * (a skip, a block, a cancel) leaves its place to the next call, and so does one that has not ended after `probeMs`.
 *
 * An attempt that is kept back has failed with SF_BREAKER_OPEN, never succeeded. The error is retryable and carries
 * `retryAfterMs`, what is left of `openMs`: a stage with a retry policy waits that long, within its `maxMs`, in place of asking
 * again and again.
 *
 * State lives in this object: share it between the runs and runtimes of a process that are to share it. They must share their
 * clock, too.
 *
 * @throws SF_OPTION_INVALID
 * @example
 * ```ts
 * const breaker = circuitBreaker({ name: 'orders API', only: { tags: ['orders'] }, key: () => 'orders', failures: 5, openMs: 10_000 });
 * const runtime = createRuntime({ pipelines: [checkout], interceptors: [breaker] });
 * ```
 */
export function circuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const circuits = new Circuits(options);
  return {
    name: options.name,
    only: options.only,
    attempt: (stage, next) => circuits.attempt(stage, next),
    states: () => circuits.states(),
  };
}

class Circuits {
  readonly #name: string;
  readonly #rules: CircuitRules;
  readonly #key: StageKey;
  readonly #counts: NonNullable<CircuitBreakerOptions['counts']>;
  readonly #onChange: CircuitBreakerOptions['onChange'];
  readonly #circuits = new ForgetfulMap<Circuit>();

  constructor({ name, key = byStage, counts = isUnwell, onChange, ...rules }: CircuitBreakerOptions) {
    const { failures = 5, ratio = 0, windowMs = 30_000, openMs = 30_000, probeMs = openMs } = rules;
    checkOptions('circuitBreaker()', {
      name: [name, aName],
      key: [key, aFunction],
      failures: [failures, aCount],
      ratio: [ratio, aShare],
      windowMs: [windowMs, aDuration],
      openMs: [openMs, aDuration],
      probeMs: [probeMs, aDuration],
      counts: [counts, aFunction],
      onChange: [onChange ?? noop, aFunction],
    });
    this.#name = name;
    this.#rules = { failures, ratio, windowMs, openMs, probeMs };
    this.#key = key;
    this.#counts = counts;
    this.#onChange = onChange;
  }

  async attempt(stage: InterceptedStage, next: () => Promise<StageOutcome>): Promise<StageOutcome> {
    const key = keyOf(this.#key, stage, this.#name);
    const { clock } = stage;
    const asked = this.#change(stage, key, clock.monotonic(), (circuit, now) => circuit.admit(now));
    if (!asked.admitted) throw this.#refusal(stage, key, asked.retryAfterMs);
    let verdict: CallVerdict = 'neither';
    try {
      const outcome = await next();
      if (outcome.status === 'completed') verdict = 'success';
      else if (outcome.status === 'failed' && !wasGivenUp(stage) && this.#counts(outcome, stage)) verdict = 'failure';
      return outcome;
    } finally {
      this.#change(stage, key, clock.monotonic(), (circuit, now) => circuit.settle(asked, verdict, now));
    }
  }

  states(): readonly CircuitSnapshot[] {
    return this.#circuits.entries().map(([key, circuit]) => snapshotOf(key, circuit));
  }

  /** Does something to the circuit of a key, and tells of it where that has changed its state. */
  #change<T>(stage: InterceptedStage, key: string, now: number, act: (circuit: Circuit, now: number) => T): T {
    const circuit = this.#circuits.get(key) ?? this.#begin(key, now);
    const before = circuit.state;
    const result = act(circuit, now);
    if (circuit.state === before) return result;
    const { state, failures, calls } = snapshotOf(key, circuit);
    stage.emit(events[state], { breaker: this.#name, key, failures, calls });
    const onChange = this.#onChange;
    if (onChange !== undefined) queueMicrotask(() => onChange({ key, state, failures, calls, before }));
    return result;
  }

  #begin(key: string, now: number): Circuit {
    const circuit = new Circuit(this.#rules);
    this.#circuits.set(key, circuit, (other) => other.isStale(now));
    return circuit;
  }

  #refusal(stage: InterceptedStage, key: string, retryAfterMs: number): StageflowError {
    const details = { breaker: this.#name, key, stage: stage.stage, state: retryAfterMs > 0 ? 'open' : 'half-open', retryAfterMs } as const;
    return new StageflowError(breakerOpen, details, locationOf(stage));
  }
}

const limits = ['SF_STAGE_TIMEOUT', 'SF_STAGE_IDLE', 'SF_STAGE_BUDGET'];

/** Whether nobody wanted the call to its end: it is no failure of what was called, whatever it threw when it was aborted. */
function wasGivenUp({ signal: { aborted, reason }, path }: InterceptedStage): boolean {
  // What stops those it calls has the code of a limit of its caller, and the path of that.
  return aborted && !(isStageflowError(reason) && reason.path === path && limits.includes(reason.code));
}

/** The default of {@link CircuitBreakerOptions.counts}. */
function isUnwell({ error }: FailedOutcome): boolean {
  const thrown = isStageflowError(error, 'SF_STAGE_FAILED') ? error.cause : error;
  return isWorthRetrying(thrown) && !isRefusal(thrown);
}

function snapshotOf(key: string, { state, recent: { failures, calls } }: Circuit): CircuitSnapshot {
  return { key, state, failures, calls };
}

function noop(): void {}
