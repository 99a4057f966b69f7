// Core's driver port on Restate: a step is a call of the service `stages`, a wait is a durable promise, an end is what a race returns.
import { createHash } from 'node:crypto';
import { RestatePromise, TerminalError } from '@restatedev/restate-sdk';
import { StageflowError } from '@stageflow/core';
import { driveRun } from '@stageflow/core/driver';
import { planJson } from '@stageflow/core/plan';

/**
 * Walks a plan within a workflow handler, which is served with `explicitCancellation`.
 *
 * @param {import('@restatedev/restate-sdk').WorkflowContext} ctx
 * @param {import('@stageflow/core/plan').Plan} plan
 * @param {{ local?: (request: object) => Promise<object>, method?: string, onEnd?: (key: string) => void }} options
 *   `local`: run steps in the handler, by `ctx.run`. `onEnd`: told of each end before it is delivered.
 */
export async function walk(ctx, plan, input, { onEnd = () => {}, ...options }) {
  const print = createHash('sha256')
    .update(JSON.stringify(planJson(plan)))
    .digest('hex');
  // One entry for both: the time of the start, and the plan that began.
  const began = await ctx.run('begin', () => ({ at: Date.now(), plan: print }));
  // Not terminal: an end now would contradict the journal. The engine tries again, tells why, and goes on with the code that began.
  if (began.plan !== print) throw new StageflowError('SF_PLAN_CHANGED', { pipeline: plan.name, runId: ctx.key, paths: [plan.name] });
  const port = new RestateDriver(ctx, began.at, options);
  const driven = driveRun(plan, input, port, { runId: ctx.key });
  while (driven.run === undefined) {
    const end = await port.next();
    onEnd(end.key);
    if (end.key === '') driven.cancel('cancelled from outside');
    else port.deliver(end);
    await port.cancelUnwanted();
  }
  return driven.run;
}

/** @implements {import('@stageflow/core/driver').Driver} */
class RestateDriver {
  #ctx;
  #options;
  #now;
  /** Promises and not what they yield: a race over the same ones again and again. */
  #pending = new Map();
  #callbacks = new Map();
  #calls = new Map();
  /** Steps to be cancelled. That needs an await, so it happens between two ends. */
  #unwanted = [];
  /** The cancel of the run is an end like any other. */
  #cancelled;

  constructor(ctx, startedAt, options) {
    this.#ctx = ctx;
    this.#now = startedAt;
    this.#options = options;
    this.#cancelled = ctx.cancellation().map(() => ({ key: '' }));
  }

  step(request, ended) {
    const { key } = request;
    const { local, method = 'attempt' } = this.#options;
    const call =
      local === undefined
        ? this.#ctx.genericCall({ service: 'stages', method, parameter: request, inputSerde: json, outputSerde: json, name: key })
        : this.#ctx.run(key, () => local(request));
    if (local === undefined) this.#calls.set(key, call);
    // `map`, never `then`: a `then` tells the SDK that somebody awaits this one.
    this.#ask(
      key,
      call.map((value, failure) => ({ key, value: failure === undefined ? value : this.#outcomeOf(failure) })),
      ended,
    );
    return { cancel: () => this.#calls.has(key) && this.#unwanted.push(key) };
  }

  sleepUntil(key, epochMs, woken) {
    // The end of a timer moves the time as well: to what was asked for, never to what a clock says.
    this.#ask(
      key,
      this.#ctx.sleep(Math.max(0, epochMs - this.#now), key).map(() => ({ key, at: epochMs })),
      woken,
    );
    // It cannot be withdrawn: nobody waits for it any more.
    return { cancel: () => this.#forget(key) };
  }

  awaitSignal(request, answered) {
    const { waitId } = request;
    // So that people can list it.
    this.#ctx.set(`wait:${waitId}`, request);
    const clear = () => this.#ctx.clear(`wait:${waitId}`);
    this.#ask(
      waitId,
      this.#ctx
        .promise(waitId)
        .get()
        .map(({ text, at }) => ({ key: waitId, value: text, at })),
      (text) => {
        clear();
        answered(text);
      },
    );
    return {
      cancel: () => {
        if (this.#callbacks.has(waitId)) clear();
        this.#forget(waitId);
      },
    };
  }

  now() {
    return this.#now;
  }

  random() {
    return this.#ctx.rand.random();
  }

  next() {
    return RestatePromise.race([...(this.#cancelled === undefined ? [] : [this.#cancelled]), ...this.#pending.values()]).map((end) => {
      if (end.key === '') this.#cancelled = undefined;
      return end;
    });
  }

  deliver({ key, value, at = value?.endedAt ?? 0 }) {
    this.#now = Math.max(this.#now, at);
    const callback = this.#callbacks.get(key);
    this.#forget(key);
    callback(value);
  }

  async cancelUnwanted() {
    for (const key of this.#unwanted.splice(0)) {
      const call = this.#calls.get(key);
      if (call !== undefined) this.#ctx.invocation(await call.invocationId).cancel();
    }
  }

  #ask(key, promise, callback) {
    this.#pending.set(key, promise);
    this.#callbacks.set(key, callback);
  }

  #forget(key) {
    this.#pending.delete(key);
    this.#callbacks.delete(key);
    this.#calls.delete(key);
  }

  /** Of a call that has none: the engine cancelled it, or gave it up. */
  #outcomeOf(failure) {
    if (!(failure instanceof TerminalError)) throw failure;
    const status = failure.code === 409 ? 'aborted' : 'lost';
    return { status, reason: failure.message, endedAt: this.#now, activeMs: 0, unsettled: false };
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Requests and outcomes are plain data already. */
export const json = {
  contentType: 'application/json',
  serialize: (value) => encoder.encode(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(decoder.decode(bytes)),
};
