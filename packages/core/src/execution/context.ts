import { StageflowError } from '../errors.ts';
import type { RunIdentity } from '../identity.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { describeReceived, issueLines, type Schema, validate } from '../schema.ts';
import type { StageContext } from '../stage-context.ts';
import type { Attempt } from './attempt.ts';
import { stageFields } from './emitter.ts';
import type { Scheduler } from './scheduler.ts';
import { locationOf } from './stage-endings.ts';

/** The context of one call of a stage's function. Everything is looked up when it is asked for. */
export class AttemptContext implements StageContext {
  readonly #scheduler: Scheduler;
  readonly #stage: PlannedStage;
  readonly #values: unknown;
  readonly #attempt: Attempt | undefined;

  /** @param attempt - Present where the stage has limits or retries of its own. */
  constructor(scheduler: Scheduler, stage: PlannedStage, values: unknown, attempt: Attempt | undefined) {
    this.#scheduler = scheduler;
    this.#stage = stage;
    this.#values = values;
    this.#attempt = attempt;
  }

  get identity(): RunIdentity {
    return this.#scheduler.state.identity;
  }
  get runId(): string {
    return this.identity.runId;
  }
  get pipeline(): string {
    return this.#scheduler.plan.name;
  }
  get stage(): string {
    return this.#stage.name;
  }
  get path(): string {
    return this.#stage.name;
  }
  get attempt(): number {
    return this.#attempt?.number ?? 1;
  }
  get signal(): AbortSignal {
    return this.#attempt?.signal ?? this.#scheduler.signal;
  }
  get idempotencyKey(): string {
    const own = this.#stage.idempotencyKey?.(this.#values as never);
    if (own === undefined) return `${this.runId}/${this.path}`;
    const { tenantId } = this.identity;
    return tenantId === undefined ? own : `${tenantId}/${own}`;
  }
  get elapsedMs(): number {
    return this.#scheduler.elapsedMs();
  }

  // Functions are made when they are read, so that a stage may take them out of the context: `(_, { defer }) => …`.

  get now(): StageContext['now'] {
    return () => this.#scheduler.clock.now();
  }
  get random(): StageContext['random'] {
    return () => (this.#scheduler.options.random ?? Math.random)();
  }
  get heartbeat(): StageContext['heartbeat'] {
    return () => this.#attempt?.heartbeat();
  }
  get progress(): StageContext['progress'] {
    return (fraction, message) => {
      this.#attempt?.heartbeat();
      const known = fraction === undefined || Number.isNaN(fraction) ? undefined : Math.min(1, Math.max(0, fraction));
      this.#scheduler.emit({ type: 'stage.progressed', ...stageFields(this.#stage, this.attempt), fraction: known, message });
    };
  }
  get emit(): StageContext['emit'] {
    return (definition, payload) => {
      this.#attempt?.heartbeat();
      const { name, schema } = definition;
      const value = this.#read(schema, payload, `event "${name}"`, (issues) => {
        return new StageflowError('SF_EVENT_INVALID', { event: name, issues }, this.#location());
      });
      this.#scheduler.emit({ type: 'custom', name, payload: value, ...stageFields(this.#stage, this.attempt) });
    };
  }
  get defer(): StageContext['defer'] {
    return (cleanup) => {
      if (this.#scheduler.defer(this.#stage, cleanup)) return;
      throw new StageflowError('SF_RUN_ENDED', { stage: this.stage, call: 'context.defer()' }, this.#location());
    };
  }
  get extension(): StageContext['extension'] {
    return (key, schema) =>
      this.#scheduler.extensions.read(key, schema, (value) => {
        const refuse = (issues: string[]) => new StageflowError('SF_EXTENSION_INVALID', { extension: key, issues }, this.#location());
        return this.#read(schema, value, `extension "${key}"`, refuse);
      });
  }
  get config(): StageContext['config'] {
    return (key, schema) => {
      const refuse = (issues: string[]) => new StageflowError('SF_CONFIG_INVALID', { key, issues }, this.#location());
      return this.#read(schema, this.#scheduler.options.config?.get(key), `configuration "${key}"`, refuse);
    };
  }

  #read<Read>(schema: Schema<unknown, Read>, value: unknown, subject: string, refuse: (issues: string[]) => StageflowError): Read {
    const result = validate(schema, value);
    if (result instanceof Promise) throw new StageflowError('SF_SCHEMA_ASYNC', { subject }, this.#location());
    if (result.issues !== undefined) throw refuse([...issueLines(result.issues), `received ${describeReceived(value)}`]);
    return result.value;
  }

  #location(): ReturnType<typeof locationOf> {
    return locationOf(this.#scheduler, this.#stage, this.attempt);
  }
}
