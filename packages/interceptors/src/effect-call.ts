import {
  type Cached,
  cached,
  type ErrorDefinition,
  encode,
  type InterceptedStage,
  StageflowError,
  type StageOutcome,
} from '@stageflow/core';
import type { Encoded, IdempotencyIdentity, IdempotencyStore } from '@stageflow/core/ports';
import { enter } from './calls-under-way.ts';
import type { IdentifiedEffect } from './effect-identity.ts';
import { EffectLease } from './effect-lease.ts';
import { decodeRecord, type EffectRecord, type EndedEffect } from './effect-record.ts';
import { idempotencyFailedBefore, idempotencyLeaseLost, idempotencyMismatch } from './errors.ts';
import { effectBypassed, effectNotKept } from './idempotency-events.ts';
import { locationOf } from './location.ts';
import { isStoreFailure, StoreCalls } from './store-calls.ts';

/** The options of `idempotency()`, with their defaults. */
export interface IdempotencySettings {
  readonly store: IdempotencyStore;
  readonly ttlMs: number;
  readonly leaseMs: number;
  readonly storeTimeoutMs: number;
  readonly rememberFailure: ((error: StageflowError) => boolean) | undefined;
  readonly onStoreFailure: 'fail' | 'run';
}

/** How often it is tried to keep what came of a call. */
const keepAttempts = 3;

/** Codes of attempts that were given up, and may be under way still. */
const givenUp: ReadonlySet<string> = new Set(['SF_STAGE_TIMEOUT', 'SF_STAGE_IDLE', 'SF_STAGE_BUDGET', 'SF_RUN_CANCELLED']);

/** One call of an effect: made here, or waited for, or known already. */
export class EffectCall {
  readonly settings: IdempotencySettings;
  readonly identity: IdempotencyIdentity;
  readonly #stage: InterceptedStage;
  readonly #effect: IdentifiedEffect;
  readonly #calls: StoreCalls;
  /** Attempts that have begun, and are not known to have settled. */
  #underWay = 0;

  constructor(settings: IdempotencySettings, stage: InterceptedStage, effect: IdentifiedEffect) {
    this.settings = settings;
    this.identity = effect.identity;
    this.#stage = stage;
    this.#effect = effect;
    this.#calls = new StoreCalls(settings.store, stage, settings.storeTimeoutMs);
  }

  async through(next: () => Promise<StageOutcome>): Promise<StageOutcome | Cached> {
    const claimed = await this.#claimed();
    if (claimed === undefined) return next();
    if ('token' in claimed) return this.#make(claimed.token, next);
    const record = decodeRecord(claimed.record);
    // The call was made, whatever came of it, so it is not made again.
    if (record === undefined) throw this.#calls.failed('claim', 'what it kept of the call cannot be read.');
    return this.#replay(record);
  }

  /** Whether another call is this one, on the same store. */
  isSameAs({ settings, identity }: EffectCall): boolean {
    const { tenantId, scope, key } = this.identity;
    return settings.store === this.settings.store && identity.tenantId === tenantId && identity.scope === scope && identity.key === key;
  }

  /** One attempt at making the call. */
  async attempt(next: () => Promise<StageOutcome>): Promise<StageOutcome> {
    this.#underWay++;
    const outcome = await next();
    if (outcome.status !== 'failed' || !givenUp.has(outcome.error.code)) this.#underWay--;
    return outcome;
  }

  /** The token of the call, or what was kept of it; `undefined` where the store fails and the call is to be made all the same. */
  async #claimed(): Promise<{ readonly token: number } | { readonly record: Encoded } | undefined> {
    const { leaseMs } = this.settings;
    const { identity } = this;
    const { paramsHash } = this.#effect;
    const whileWanted = this.#stage.signal;
    for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        const result = await this.#calls.call('claim', (store, options) => store.claim(identity, { ...options, paramsHash, leaseMs }), {
          whileWanted,
          onLate: (late) => late.status === 'claimed' && void this.#release(late.token),
        });
        if (result.status === 'claimed' || result.status === 'settled') return result;
        if (result.status === 'mismatch') throw this.#error(idempotencyMismatch, { scope: identity.scope });
        if (result.status !== 'held') throw this.#calls.failed('claim', 'its answer is none that a store gives.');
        await this.#pause(Math.min(pauseMs, Math.max(1, Math.ceil(result.leaseEndsInMs) || pauseMs)));
      } catch (error) {
        if (!isStoreFailure(error) || this.settings.onStoreFailure === 'fail') throw error;
        this.#stage.emit(effectBypassed, { why: error.message });
        return undefined;
      }
    }
  }

  /** Waits until it is worth asking again: the store says so, or the time has passed. */
  async #pause(ms: number): Promise<void> {
    const { signal: stopped, clock } = this.#stage;
    const waiting = new AbortController();
    const stop = (): void => waiting.abort(stopped.reason);
    stopped.addEventListener('abort', stop);
    if (stopped.aborted) stop();
    const timer = clock.schedule(() => waiting.abort(), ms);
    try {
      await Promise.race([this.#whenFree(waiting.signal), new Promise<void>((resolve) => onAbort(waiting.signal, resolve))]);
      stopped.throwIfAborted();
    } finally {
      timer.cancel();
      stopped.removeEventListener('abort', stop);
      waiting.abort();
    }
  }

  /** A store that cannot tell, or fails at it, lets the time go by. */
  async #whenFree(signal: AbortSignal): Promise<void> {
    const { store } = this.settings;
    try {
      if (store.whenFree !== undefined) return await store.whenFree(this.identity, { signal });
    } catch {}
    await new Promise(() => {});
  }

  async #replay(record: EffectRecord): Promise<Cached> {
    if (record.status === 'completed') return cached(record.output);
    throw this.#error(idempotencyFailedBefore, { runId: record.runId, error: record.error.message }, record.error);
  }

  async #make(token: number, next: () => Promise<StageOutcome>): Promise<StageOutcome> {
    const { leaseMs } = this.settings;
    const stage = this.#stage;
    const lease = new EffectLease(this.#calls, stage, { identity: this.identity, token, leaseMs }, () => this.#leaseLost());
    // A run that is suspended, or gives a stage up, leaves its interceptors where they are.
    stage.defer(() => this.#leftBehind(lease, token));
    const leave = enter(stage, this);
    try {
      const outcome = await Promise.race([next(), lease.lost]);
      await this.#ended(token, outcome);
      return outcome;
    } finally {
      leave();
      lease.end();
    }
  }

  async #ended(token: number, outcome: StageOutcome): Promise<void> {
    if (outcome.status === 'completed') return this.#keepValue(token, outcome.output);
    if (outcome.status === 'failed') {
      const { error } = outcome;
      if (this.settings.rememberFailure?.(error) === true) return this.#keepFailure(token, error);
    }
    // Who else makes the call now must not make it beside this one.
    if (this.#underWay === 0) await this.#release(token);
  }

  async #keepValue(token: number, output: unknown): Promise<void> {
    const encoded = encode(output);
    if ('text' in encoded) return this.#keep(token, { status: 'completed', output });
    const details = { stage: this.#stage.stage, at: encoded.refused, received: encoded.what };
    const error = new StageflowError('SF_NOT_SERIALIZABLE', details, locationOf(this.#stage));
    // The effect was made: a repeat must not make it again.
    await this.#keepFailure(token, error);
    throw error;
  }

  #keepFailure(token: number, error: StageflowError): Promise<void> {
    return this.#keep(token, { status: 'failed', error });
  }

  async #keep(token: number, ended: EndedEffect): Promise<void> {
    const { identity } = this;
    const { ttlMs = this.settings.ttlMs } = this.#effect;
    const { text: record } = encode({ ...ended, runId: this.#stage.runId }) as { readonly text: Encoded };
    for (let left = keepAttempts; left > 0; left--) {
      try {
        if (await this.#calls.call('settle', (store, options) => store.settle(identity, token, { ...options, record, ttlMs }))) return;
        throw this.#leaseLost();
      } catch (error) {
        if (!isStoreFailure(error)) throw error;
        // What the stage did stands; that nothing remembers it must not go unsaid.
        if (left === 1) this.#stage.emit(effectNotKept, { why: error.message });
      }
    }
  }

  /** Gives the call back; where that fails, its lease runs out. */
  async #release(token: number): Promise<void> {
    await this.#calls.call('release', (store, options) => store.release(this.identity, token, options)).catch(() => {});
  }

  async #leftBehind(lease: EffectLease, token: number): Promise<void> {
    if (lease.isOver) return;
    lease.end();
    // Not stopped, it waits for an answer, and begins anew. Stopped, it may ignore its signal.
    if (this.#underWay === 0 || !this.#stage.signal.aborted) await this.#release(token);
  }

  #leaseLost(): StageflowError {
    return this.#error(idempotencyLeaseLost, { leaseMs: this.settings.leaseMs });
  }

  #error<C extends string, More extends object>(
    kind: ErrorDefinition<C, More>,
    details: NoInfer<Omit<More, 'stage' | 'key'>>,
    cause?: unknown,
  ): StageflowError<C, More> {
    const { key } = this.identity;
    const all = { stage: this.#stage.stage, key, ...details } as unknown as More;
    return new StageflowError(kind, all, { ...locationOf(this.#stage), ...(cause === undefined ? {} : { cause }) });
  }
}

function onAbort(signal: AbortSignal, call: () => void): void {
  if (signal.aborted) call();
  else signal.addEventListener('abort', call, { once: true });
}
