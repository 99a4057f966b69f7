import type { EventDefinition } from '../define-event.ts';
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

  now(): number {
    return this.#scheduler.clock.now();
  }

  random(): number {
    return (this.#scheduler.options.random ?? Math.random)();
  }

  heartbeat(): void {
    this.#attempt?.heartbeat();
  }

  progress(fraction: number, message?: string): void {
    this.heartbeat();
    this.#scheduler.emit({ type: 'stage.progressed', ...stageFields(this.#stage, this.attempt), fraction, message });
  }

  emit<P>(definition: EventDefinition<P>, payload: NoInfer<P>): void {
    this.heartbeat();
    const value = read(definition.schema, payload, `event "${definition.name}"`, (issues) => {
      return new StageflowError('SF_EVENT_INVALID', { event: definition.name, issues }, this.#location());
    });
    this.#scheduler.emit({ type: 'custom', name: definition.name, payload: value, ...stageFields(this.#stage, this.attempt) });
  }

  defer(cleanup: () => unknown): void {
    if (!this.#scheduler.defer(this.#stage, cleanup)) {
      throw new StageflowError('SF_RUN_ENDED', { stage: this.stage, call: 'context.defer()' }, this.#location());
    }
  }

  extension<Read>(key: string, schema: Schema<unknown, Read>): Read {
    return this.#scheduler.extensions.read(key, schema, (value) =>
      read(schema, value, `extension "${key}"`, (issues) => new StageflowError('SF_EXTENSION_INVALID', { extension: key, issues }, this.#location())),
    );
  }

  config<Read>(key: string, schema: Schema<unknown, Read>): Read {
    const value = this.#scheduler.options.config?.get(key);
    return read(schema, value, `configuration "${key}"`, (issues) => new StageflowError('SF_CONFIG_INVALID', { key, issues }, this.#location()));
  }

  #location(): ReturnType<typeof locationOf> {
    return locationOf(this.#scheduler, this.#stage, this.attempt);
  }
}

function read<Read>(schema: Schema<unknown, Read>, value: unknown, subject: string, refuse: (issues: string[]) => StageflowError): Read {
  const result = validate(schema, value);
  if (result instanceof Promise) throw new StageflowError('SF_SCHEMA_ASYNC', { subject });
  if (result.issues !== undefined) throw refuse([...issueLines(result.issues), `received ${describeReceived(value)}`]);
  return result.value;
}
