import type { EventDefinition } from './define-event.ts';
import type { RunIdentity } from './identity.ts';
import type { Schema } from './schema.ts';
import type { Demand, Skippable } from './source.ts';
import type { Stage } from './stage.ts';

/** What {@link StageContext.waitFor} takes. */
export interface WaitForOptions<Read> {
  /** How what comes is read. */
  readonly schema: Schema<unknown, Read>;
  /** Milliseconds from the first time it was waited for. @default no limit */
  readonly timeoutMs?: number | undefined;
  /** Tells waits of one type in one stage apart. @default none */
  readonly key?: string | undefined;
}

/** How a call is told apart from others. */
export interface CallOptions {
  /** Names the call. Needed where calls of one stage are under way at once. @default its place among the calls of that stage */
  readonly key?: string | undefined;
}

/**
 * What a stage knows about its run. The second argument of every stage's function; its members may be taken out of it:
 * `run: ({ text }, { signal, defer }) => …`.
 */
export interface StageContext {
  readonly identity: RunIdentity;
  readonly runId: string;
  readonly pipeline: string;
  readonly stage: string;
  /** Where in the run this is. For a stage of the pipeline itself, its name. */
  readonly path: string;
  /** 1-based. */
  readonly attempt: number;
  /**
   * Aborts when the attempt times out, the run stops or the caller gives up. Made when it is first read; pass it to
   * everything the stage calls.
   */
  readonly signal: AbortSignal;
  /** The same for every attempt of this stage in this run, so that a target can recognise a repeated call. */
  readonly idempotencyKey: string;
  /** Monotonic milliseconds since the run started. */
  readonly elapsedMs: number;
  /** Epoch milliseconds, from the run's clock. */
  readonly now: () => number;
  /** In [0, 1), from the run's source of randomness. */
  readonly random: () => number;
  /** Says how far the work is; counts as a sign of life. `fraction` is brought into [0, 1]; `undefined` where the total is unknown. */
  readonly progress: (fraction: number | undefined, message?: string) => void;
  /** A sign of life: starts the stage's `idleMs` anew, never its `timeoutMs`. */
  readonly heartbeat: () => void;
  /**
   * Emits an event of the host's own, in the envelope of the run's events.
   *
   * @throws SF_EVENT_INVALID where the payload breaks the schema of the definition.
   */
  readonly emit: <P>(definition: EventDefinition<P>, payload: NoInfer<P>) => void;
  /**
   * Gives a chunk to those that read this stage with `streamed()`, for stages declared with `streams`. Resolves when each
   * of them has room for it, so await it; rejects once the attempt is aborted, or has ended. Counts as a sign of life.
   *
   * @throws SF_STREAM_UNDECLARED, at once, where the stage does not say `streams`.
   */
  readonly emitChunk: (chunk: unknown) => Promise<void>;
  /**
   * Runs `cleanup` when the run ends, whichever way, after every stage has settled and before the last event. Cleanups
   * run one at a time, last in first out, within one budget; a failure is reported and changes no outcome.
   */
  readonly defer: (cleanup: () => unknown) => void;
  /**
   * The answer to what this stage asked when it returned `suspend(request)`, as `schema` reads it; `undefined` while there
   * is none. The stage is called again, from its beginning, when the answer has come.
   *
   * @throws SF_ANSWER_INVALID, SF_SCHEMA_ASYNC
   * @example
   * ```ts
   * const send = stage('send', {
   *   needs: { draft },
   *   run: ({ draft }, { answer }) => {
   *     const decision = answer(Decision);
   *     if (decision === undefined) return suspend({ question: 'Send this?', draft });
   *     return decision.approved ? deliver(draft) : skip('declined');
   *   },
   * });
   * ```
   */
  readonly answer: <Read>(schema: Schema<unknown, Read>) => Read | undefined;
  /**
   * Waits for something from outside: `runtime.deliver(runId, type, payload)`. Resolves when it comes while the process
   * lives. Where the run has nothing else to do meanwhile it is suspended, the process may go, and the stage is called
   * again, from its beginning, when the run is resumed: what came is then there at once.
   *
   * @throws SF_WAIT_EXPIRED, SF_ANSWER_INVALID, SF_RUNTIME_REQUIRED, as rejections.
   * @example
   * ```ts
   * const payment = await waitFor('payment.received', { schema: Payment, timeoutMs: 86_400_000 });
   * ```
   */
  readonly waitFor: <Read>(type: string, options: WaitForOptions<Read>) => Promise<Read>;
  /**
   * Resolves at a time of the run's clock; rejects with the reason of `signal` where that aborts first. In a run that a
   * store keeps, a sleep that is longer than the lease of the runtime survives the process: where the run has nothing else
   * to do it is suspended, `runtime.recover()` finds it when its time has come, and the stage is called again, from its
   * beginning; the sleep is then over at once. Shorter ones stay in the process, and begin anew after a crash.
   *
   * @param at - Epoch milliseconds. Where the stage is called again, the time that was given first counts.
   * @throws SF_OPTION_INVALID, as a rejection.
   * @example
   * ```ts
   * await sleepUntil(now() + 86_400_000);
   * ```
   */
  readonly sleepUntil: (at: number) => Promise<void>;
  /**
   * Runs another stage below this one, with everything a stage has: limits, retries, contract, interceptors, events and a
   * report under the path `caller/callee`, or `caller[key]/callee`. Resolves to what it yields, `undefined` where it is
   * skipped; rejects with what it failed with. It runs under the slot of its caller, and stops when that ends.
   *
   * A call that succeeded is remembered: when the caller is tried again, the same call resolves at once. So a stage that
   * calls must make the same calls with the same values each time.
   *
   * @param values - What the stage reads, by the keys of its needs.
   * @throws SF_CALL_INVALID, SF_DEPTH_EXCEEDED, SF_NONDETERMINISTIC, SF_RUN_ENDED, as rejections.
   * @example
   * ```ts
   * const weather = stage('weather', { needs: { city }, run: ({ city }) => lookUp(city) });
   * const agent = stage('agent', {
   *   needs: { cities },
   *   run: ({ cities }, { call }) => Promise.all(cities.map((city) => call(weather, { city }, { key: city }))),
   * });
   * ```
   */
  readonly call: <Out, In extends Demand, Skips extends Skippable, Values>(
    callee: Stage<Out, In, Skips, Values>,
    values: NoInfer<Values>,
    options?: CallOptions,
  ) => Promise<Out | ([Skips] extends [never] ? never : undefined)>;
  /**
   * The value given to the run under `extensions[key]`, as `schema` reads it. Checked once a run.
   *
   * @throws SF_EXTENSION_INVALID, SF_SCHEMA_ASYNC
   */
  readonly extension: <Read>(key: string, schema: Schema<unknown, Read>) => Read;
  /**
   * The value that the runtime's ConfigProvider has under `key`, as `schema` reads it.
   *
   * @throws SF_CONFIG_INVALID, SF_SCHEMA_ASYNC
   */
  readonly config: <Read>(key: string, schema: Schema<unknown, Read>) => Read;
}
