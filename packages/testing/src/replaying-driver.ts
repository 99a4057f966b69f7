import type { Run } from '@stageflow/core';
import { type DrivenRun, type Driver, encode, type SignalRequest, type StepOutcome, type StepRequest } from '@stageflow/core/driver';
import { seededRandom } from './seeded-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What {@link replayingDriver} takes. */
export interface ReplayingDriverOptions {
  /** Whose time it is; steps should take theirs from the same. */
  readonly clock: VirtualClock;
  /** Runs a step, on a worker as it were: as a rule by `runStep`. */
  readonly runStep: (request: StepRequest, signal: AbortSignal) => Promise<StepOutcome>;
  /** Of `random()`. @default 1 */
  readonly seed?: number | undefined;
  /** Asked when a step has run: why its outcome gets lost, or `undefined` where it does not. @default none is lost */
  readonly loses?: ((request: StepRequest) => string | undefined) | undefined;
}

/** How far a walk goes, and how. */
export interface WalkOptions {
  /** Kills the walk when it has been handed this many ends, those of earlier walks included. @default it goes on to the end of the run */
  readonly killAfter?: number | undefined;
  /** Draws the order of recorded ends anew, in [0, 1): what a driver must not do. @default the order recorded */
  readonly shuffle?: (() => number) | undefined;
}

/** One thing that a walk asked for. */
export interface AskedOperation {
  readonly asked: 'step' | 'sleep' | 'wait' | 'cancel';
  readonly key: string;
  /** All that came with it, as JSON. */
  readonly content: string;
}

/** A durable engine in memory. */
export interface ReplayingDriver {
  /**
   * Walks a plan from its start: hands over the ends that are recorded, in their order, then records others as they come.
   * What was asked for in an earlier walk is not started again.
   *
   * Resolves with the run, or with `undefined` where the walk was killed. Rejects where the walk asks for something else
   * than it did before, and where it waits for nothing although the run has not ended.
   */
  walk(start: (driver: Driver) => DrivenRun, options?: WalkOptions): Promise<Run | undefined>;
  /** Answers a wait, whether or not it is open. A second answer is refused. */
  answer(waitId: string, answer: unknown): void;
  /** Cancels the run: an end like any other. */
  cancel(reason: string): void;
  /** What was asked for in all walks, each thing once, in order. */
  readonly asked: readonly AskedOperation[];
  /** The keys of the ends that walks were handed, in order. */
  readonly ends: readonly string[];
  /** The steps that were started. */
  readonly steps: readonly StepRequest[];
  /** Waits that are open now. */
  readonly waits: readonly SignalRequest[];
}

/**
 * Makes a durable engine for tests: it outlives the walks, keeps the order of ends, and repeats them to the next walk.
 * Requests and outcomes go through JSON, as they would on their way to a worker.
 *
 * @example
 * ```ts
 * const clock = virtualClock();
 * const driver = replayingDriver({ clock, runStep: (request, signal) => runStep(chat.plan, request, { signal, clock }) });
 * const start = (port: Driver) => driveRun(chat.plan, { text: 'hi' }, port, { runId: 'run-1' });
 * await clock.settle(driver.walk(start, { killAfter: 1 }));
 * const run = await clock.settle(driver.walk(start));
 * ```
 */
export function replayingDriver(options: ReplayingDriverOptions): ReplayingDriver {
  return new Replaying(options);
}

/** An end of something that was asked for, or of the run. */
interface End {
  readonly key: string;
  readonly value: unknown;
  readonly at: number;
}

/** The key of an end that cancels the run: no stage can be called so. */
const cancelKey = '';

class Replaying implements ReplayingDriver {
  readonly asked: AskedOperation[] = [];
  readonly steps: StepRequest[] = [];
  readonly #options: ReplayingDriverOptions;
  readonly #startedAt: number;
  readonly #recorded: End[] = [];
  #arrived: End[] = [];
  readonly #aborters = new Map<string, AbortController>();
  readonly #answers = new Map<string, unknown>();
  readonly #waits = new Map<string, SignalRequest>();
  #wake: (() => void) | undefined;

  constructor(options: ReplayingDriverOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  get ends(): readonly string[] {
    return this.#recorded.map(({ key }) => key);
  }

  get waits(): readonly SignalRequest[] {
    return [...this.#waits.values()];
  }

  async walk(
    start: (driver: Driver) => DrivenRun,
    { killAfter = Number.POSITIVE_INFINITY, shuffle }: WalkOptions = {},
  ): Promise<Run | undefined> {
    const walk = new Walk(this.asked, seededRandom(this.#options.seed ?? 1), this.#startedAt, {
      step: (request) => this.#step(request),
      sleep: (key, epochMs) => this.#sleep(key, epochMs),
      wait: (request) => this.#wait(request),
      forget: (key, reason) => this.#forget(key, reason),
    });
    const driven = walk.begin(start);
    let handed = 0;
    const left = [...this.#recorded];
    while (driven.run === undefined && handed < killAfter && left.length > 0) {
      walk.deliver(left.splice(shuffle === undefined ? 0 : walk.anyOf(left, shuffle), 1)[0] as End, driven);
      handed++;
    }
    while (driven.run === undefined && handed < killAfter) {
      const end = await this.#next(walk);
      this.#recorded.push(end);
      walk.deliver(end, driven);
      handed++;
    }
    if (driven.run !== undefined) walk.finish();
    return driven.run;
  }

  answer(waitId: string, answer: unknown): void {
    if (this.#answers.has(waitId)) throw new Error(`Wait "${waitId}" was answered before.`);
    const result = encode(answer);
    if (!('text' in result)) throw new TypeError(`An answer cannot be kept: at ${result.refused} it has ${result.what}.`);
    this.#answers.set(waitId, result.text);
    if (this.#waits.has(waitId)) this.#arrive(waitId, result.text);
  }

  cancel(reason: string): void {
    this.#arrive(cancelKey, reason);
  }

  async #next(walk: Walk): Promise<End> {
    for (;;) {
      const end = this.#arrived.shift();
      if (end !== undefined) {
        this.#waits.delete(end.key);
        return end;
      }
      if (!walk.isWaiting) throw new Error('The walk waits for nothing, and the run has not ended: something in it is asynchronous.');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #arrive(key: string, value: unknown): void {
    this.#arrived.push({ key, value, at: Math.max(this.#recorded.at(-1)?.at ?? this.#startedAt, this.#options.clock.now()) });
    this.#wake?.();
  }

  #step(request: StepRequest): void {
    const sent = throughJson(request);
    this.steps.push(sent);
    const aborter = new AbortController();
    this.#aborters.set(request.key, aborter);
    const { clock, runStep, loses } = this.#options;
    void runStep(sent, aborter.signal).then((outcome) => {
      const reason = loses?.(sent);
      const lost: StepOutcome | undefined =
        reason === undefined ? undefined : { status: 'lost', reason, endedAt: clock.now(), activeMs: 0, unsettled: false };
      this.#arrive(request.key, throughJson(lost ?? outcome));
    });
  }

  #sleep(key: string, epochMs: number): void {
    const { clock } = this.#options;
    const timer = clock.schedule(() => this.#arrive(key, undefined), Math.max(0, epochMs - clock.now()));
    const aborter = new AbortController();
    aborter.signal.addEventListener('abort', () => timer.cancel());
    this.#aborters.set(key, aborter);
  }

  #wait(request: SignalRequest): void {
    const { waitId } = request;
    this.#waits.set(waitId, throughJson(request));
    if (this.#answers.has(waitId)) this.#arrive(waitId, this.#answers.get(waitId));
  }

  /** A timer or a wait leaves no end behind; a step ends by itself. */
  #forget(key: string, reason: string): void {
    this.#waits.delete(key);
    this.#aborters.get(key)?.abort(new Error(reason));
    if (!this.steps.some((step) => step.key === key)) this.#arrived = this.#arrived.filter((end) => end.key !== key);
  }
}

/** What a walk makes the engine do, where no earlier walk has. */
interface Engine {
  step(request: StepRequest): void;
  sleep(key: string, epochMs: number): void;
  wait(request: SignalRequest): void;
  forget(key: string, reason: string): void;
}

class Walk implements Driver {
  readonly #asked: AskedOperation[];
  readonly #random: () => number;
  readonly #engine: Engine;
  readonly #callbacks = new Map<string, (value: never) => void>();
  #position = 0;
  #now: number;
  #inside = false;

  constructor(asked: AskedOperation[], random: () => number, startedAt: number, engine: Engine) {
    this.#asked = asked;
    this.#random = random;
    this.#now = startedAt;
    this.#engine = engine;
  }

  get isWaiting(): boolean {
    return this.#callbacks.size > 0;
  }

  begin(start: (driver: Driver) => DrivenRun): DrivenRun {
    this.#inside = true;
    const driven = start(this);
    this.#inside = false;
    return driven;
  }

  deliver({ key, value, at }: End, driven: DrivenRun): void {
    this.#now = at;
    const callback = key === cancelKey ? (reason: never): void => driven.cancel(reason) : this.#callbacks.get(key);
    if (callback === undefined) throw new Error(`The walk has not asked for "${key}", whose end comes now.`);
    this.#callbacks.delete(key);
    this.#inside = true;
    callback(value as never);
    this.#inside = false;
  }

  /** The position of an end that could come now. */
  anyOf(ends: readonly End[], random: () => number): number {
    const possible = ends.flatMap(({ key }, at) => (key === cancelKey || this.#callbacks.has(key) ? [at] : []));
    return possible[Math.floor(random() * possible.length)] ?? 0;
  }

  /** The run has ended: what was asked for before must have been asked for again. */
  finish(): void {
    const missing = this.#asked[this.#position];
    if (missing !== undefined) throw new Error(`The walk did not ask for ${words(missing)}, as it did before.`);
  }

  step(request: StepRequest, ended: (outcome: StepOutcome) => void): { cancel(reason: string): void } {
    return this.#ask('step', request.key, request, ended, () => this.#engine.step(request));
  }

  sleepUntil(key: string, epochMs: number, woken: () => void): { cancel(reason: string): void } {
    return this.#ask('sleep', key, epochMs, woken, () => this.#engine.sleep(key, epochMs));
  }

  awaitSignal(request: SignalRequest, answered: (answer: string) => void): { cancel(reason: string): void } {
    return this.#ask('wait', request.waitId, request, answered, () => this.#engine.wait(request));
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random();
  }

  #ask(
    asked: AskedOperation['asked'],
    key: string,
    content: unknown,
    callback: (value: never) => void,
    begin: () => void,
  ): { cancel(reason: string): void } {
    if (this.#callbacks.has(key)) throw new Error(`The walk asked twice for "${key}".`);
    this.#callbacks.set(key, callback);
    this.#note({ asked, key, content: JSON.stringify(content) }, begin);
    const cancel = (reason: string): void => {
      if (!this.#callbacks.has(key)) return;
      if (asked !== 'step') this.#callbacks.delete(key);
      this.#note({ asked: 'cancel', key, content: JSON.stringify(reason) }, () => this.#engine.forget(key, reason));
    };
    return { cancel };
  }

  #note(operation: AskedOperation, begin: () => void): void {
    if (!this.#inside) throw new Error(`The walk asked for ${words(operation)} between two ends.`);
    const known = this.#asked[this.#position];
    if (known === undefined) {
      this.#asked.push(operation);
      begin();
    } else if (words(known) !== words(operation)) {
      throw new Error(`The walk asked for ${words(operation)}, before for ${words(known)}.`);
    }
    this.#position++;
  }
}

function words({ asked, key, content }: AskedOperation): string {
  return `${asked} "${key}" ${content}`;
}

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
