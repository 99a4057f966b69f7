import { StageflowError } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';
import type { PlannedStage } from '../plan/plan.ts';
import type { CallOptions, StageContext } from '../stage-context.ts';
import type { Attempt } from './attempt.ts';
import { checkedConfig, checkedExtension, checkedPayload } from './checked.ts';
import { stageFields } from './emitter.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import type { Scope } from './scope.ts';
import { locationOf } from './stage-endings.ts';
import type { StageStream } from './streams/stage-stream.ts';
import { readAnswer, sleepUntil, waitFor } from './wait-for.ts';

/** The context of one call of a stage's function. Everything is looked up when it is asked for. */
export class AttemptContext implements StageContext {
  readonly #scope: Scope;
  readonly #stage: PlannedStage;
  readonly #values: unknown;
  readonly #attempt: Attempt | undefined;

  /** @param attempt - Present where the stage has limits or retries of its own. */
  constructor(scope: Scope, stage: PlannedStage, values: unknown, attempt: Attempt | undefined) {
    this.#scope = scope;
    this.#stage = stage;
    this.#values = values;
    this.#attempt = attempt;
  }

  get identity(): RunIdentity {
    return this.#scope.scheduler.state.identity;
  }
  get runId(): string {
    return this.identity.runId;
  }
  get pipeline(): string {
    return this.#scope.scheduler.state.plan.name;
  }
  get stage(): string {
    return this.#stage.name;
  }
  get path(): string {
    return this.#scope.state.pathOf(this.#stage);
  }
  get attempt(): number {
    return this.#attempt?.number ?? 1;
  }
  get signal(): AbortSignal {
    return this.#attempt?.signal ?? this.#scope.signal;
  }
  get idempotencyKey(): string {
    return idempotencyKeyOf(this.identity, this.path, this.#stage, this.#values);
  }
  get elapsedMs(): number {
    return this.#scope.scheduler.elapsedMs();
  }

  // Functions are made when they are read, so that a stage may take them out of the context: `(_, { defer }) => …`.

  get now(): StageContext['now'] {
    return () => this.#scope.scheduler.clock.now();
  }
  get random(): StageContext['random'] {
    return () => (this.#scope.scheduler.options.random ?? Math.random)();
  }
  get heartbeat(): StageContext['heartbeat'] {
    return () => this.#attempt?.heartbeat();
  }
  get progress(): StageContext['progress'] {
    return (fraction, message) => {
      this.#attempt?.heartbeat();
      const known = fraction === undefined || Number.isNaN(fraction) ? undefined : Math.min(1, Math.max(0, fraction));
      this.#scope.emit({
        type: 'stage.progressed',
        ...stageFields(this.#scope.state, this.#stage, this.attempt),
        fraction: known,
        message,
      });
    };
  }
  get emit(): StageContext['emit'] {
    return (definition, payload) => {
      this.#attempt?.heartbeat();
      const { name, schema } = definition;
      const value = checkedPayload(name, schema, payload, this.#location());
      this.#scope.emit({ type: 'custom', name, payload: value, ...stageFields(this.#scope.state, this.#stage, this.attempt) });
    };
  }
  get emitChunk(): StageContext['emitChunk'] {
    return (chunk) => this.#streamed().put(this.#attempt as Attempt, chunk);
  }
  get defer(): StageContext['defer'] {
    return (cleanup) => {
      if (this.#scope.scheduler.defer(this.#scope, this.#stage, cleanup)) return;
      throw new StageflowError('SF_RUN_ENDED', { stage: this.stage, call: 'context.defer()' }, this.#location());
    };
  }
  get answer(): StageContext['answer'] {
    return (schema) => {
      const answer = this.#scope.scheduler.journal?.answer(this.path, 'answer');
      return answer && readAnswer(this.#scope, this.#stage, this.attempt, 'answer', schema, answer);
    };
  }
  get waitFor(): StageContext['waitFor'] {
    return (type, options) => waitFor(this.#scope, this.#stage, this, type, options);
  }
  get sleepUntil(): StageContext['sleepUntil'] {
    return (at) => sleepUntil(this.#scope, this.#stage, this, at);
  }
  get call(): StageContext['call'] {
    return ((callee: unknown, values: Readonly<Record<string, unknown>>, { key }: CallOptions = {}) => {
      // An attempt that was given up, or outlived its run, begins nothing any more.
      const givenUp = this.#attempt?.givenUp;
      if (givenUp !== undefined) return refused(givenUp);
      if (this.#scope.closing)
        return refused(new StageflowError('SF_RUN_ENDED', { stage: this.stage, call: 'context.call()' }, this.#location()));
      return this.#scope.calls.call(this.#stage, this.attempt, this, callee, values, key);
    }) as StageContext['call'];
  }
  get extension(): StageContext['extension'] {
    return (key, schema) =>
      this.#scope.scheduler.extensions.read(key, schema, (value) => checkedExtension(key, schema, value, this.#location()));
  }
  get config(): StageContext['config'] {
    return (key, schema) => checkedConfig(key, schema, this.#scope.scheduler.options.config?.get(key), this.#location());
  }

  /** The call begins, of a stage that streams. */
  beginStream(): void {
    this.#streamed().begin(this.#attempt as Attempt);
  }

  #streamed(): StageStream {
    const stream = this.#scope.state.streams?.of(this.#stage.index);
    if (stream === undefined) throw new StageflowError('SF_STREAM_UNDECLARED', { stage: this.stage }, this.#location());
    return stream;
  }

  #location(): ReturnType<typeof locationOf> {
    return locationOf(this.#scope, this.#stage, this.attempt);
  }
}

/** A rejection that ends no process where nobody awaits it. */
function refused(error: StageflowError): Promise<never> {
  const rejection = Promise.reject(error);
  rejection.catch(() => undefined);
  return rejection;
}
