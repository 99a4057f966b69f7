import { freezeOutput } from '#freeze';
import { StageflowError } from '../../errors.ts';
import type { StreamClosed } from '../../event.ts';
import type { PlannedStage } from '../../plan/plan.ts';
import type { PlannedStream, PlannedStreamReader } from '../../plan/plan-stream.ts';
import { describeReceived, issueLines, validate } from '../../schema.ts';
import type { Attempt } from '../attempt.ts';
import { stageFields } from '../emitter.ts';
import type { Scope } from '../scope.ts';
import { locationOf } from '../stage-endings.ts';
import { waiting } from '../status.ts';
import { handled } from './handled.ts';
import { ReaderStream, type StreamOwner } from './reader-stream.ts';
import type { StreamWaits } from './stream-waits.ts';

/** There is room for the next chunk. */
const room: Promise<void> = Promise.resolve();

/** The chunks of one stage: takes them from its attempts, and gives each to everyone who reads. */
export class StageStream implements StreamOwner {
  readonly scope: Scope;
  readonly readers: readonly ReaderStream[];
  /** The chunks of the latest attempt, where they are kept. */
  partial: unknown[] | undefined;
  /** How many chunks the latest attempt has given. */
  chunks = 0;
  readonly #stage: PlannedStage;
  readonly #planned: PlannedStream;
  readonly #waits: StreamWaits;
  #attempt: Attempt | undefined = undefined;
  #blockedMs = 0;
  #over = false;
  #closed = false;
  #withdrawn = false;

  constructor(scope: Scope, stage: PlannedStage, planned: PlannedStream, waits: StreamWaits) {
    this.scope = scope;
    this.#stage = stage;
    this.#planned = planned;
    this.#waits = waits;
    this.partial = planned.keepPartial ? [] : undefined;
    const { status } = scope.state;
    // A reader that has ended before its producer began, in an arm that was not taken, is none.
    this.readers = planned.readers.map((reader) => new ReaderStream(this, reader, status[reader.stage] !== waiting));
  }

  /** An attempt begins: each has a stream of its own. */
  begin(attempt: Attempt): void {
    if (this.#attempt !== undefined) {
      this.interrupt(this.#late(this.#attempt));
      this.#close();
      this.chunks = 0;
      this.#blockedMs = 0;
      if (this.#planned.keepPartial) this.partial = [];
      for (const reader of this.readers) reader.restart();
    }
    this.#closed = false;
    this.#attempt = attempt;
    this.scope.emit({ type: 'stream.opened', ...this.#fields(attempt), readers: this.readers.length });
  }

  /** Takes a chunk. Resolves when every reader has room for it. */
  put(attempt: Attempt, given: unknown): Promise<void> {
    if (attempt.abortReason !== undefined) return handled(Promise.reject(attempt.abortReason.reason));
    if (this.scope.closing || attempt.over || attempt !== this.#attempt) return handled(Promise.reject(this.#late(attempt)));
    attempt.heartbeat();
    let chunk: unknown;
    try {
      chunk = this.#read(attempt, given);
    } catch (error) {
      return this.#giveUp(attempt, error as StageflowError);
    }
    freezeOutput(chunk);
    const index = this.chunks++;
    this.partial?.push(chunk);
    if (this.#planned.publish) this.scope.emit({ type: 'stream.chunk', ...this.#fields(attempt), index, chunk });
    let waits: Promise<void>[] | undefined;
    for (const reader of this.readers) {
      const answer = reader.put(chunk);
      if (answer === undefined) continue;
      if (answer === 'full') return this.#giveUp(attempt, this.#overflow(attempt, reader.planned));
      waits ??= [];
      waits.push(answer);
    }
    this.#withdrawIfUnread();
    return waits === undefined ? room : handled(this.#wait(attempt, waits));
  }

  /** No chunk follows. */
  end(error: { readonly why: string; readonly cause?: unknown } | undefined): void {
    this.#over = true;
    for (const reader of this.readers) reader.end(error && this.broken(reader.planned.stage, error.why, error));
    this.#closeIfDone();
  }

  /** It was cancelled: its readers are stopped with it. */
  abandon(): void {
    this.#over = true;
    this.#closeIfDone();
  }

  /** The attempt of the producer is given up, or its scope stops. */
  interrupt(reason: unknown): void {
    for (const reader of this.readers) reader.rejectPuts(reason);
  }

  broken(reader: number, why: string, options: { readonly cause?: unknown; readonly retryable?: boolean } = {}): StageflowError {
    const stage = this.scope.plan.stages[reader] as PlannedStage;
    const { cause, retryable = false } = options;
    const details = { stage: this.#stage.name, reader: stage.name, why };
    const location = { ...locationOf(this.scope, stage, this.scope.state.attemptsOf(reader)), retryable };
    return new StageflowError('SF_STREAM_BROKEN', details, cause === undefined ? location : { ...location, cause });
  }

  waits(index: number): void {
    this.#waits.begin(index);
  }

  goesOn(index: number): void {
    this.#waits.end(index);
  }

  putTimedOut(reader: PlannedStreamReader): void {
    const attempt = this.#attempt as Attempt;
    const details = { stage: this.#stage.name, reader: this.#nameOf(reader), putTimeoutMs: reader.putTimeoutMs as number };
    void this.#giveUp(attempt, new StageflowError('SF_STREAM_PUT_TIMEOUT', details, this.#location(attempt)));
  }

  overflowed({ stage }: PlannedStreamReader): void {
    const { state } = this.scope;
    this.scope.emit({ type: 'stream.overflowed', ...this.#fields(this.#attempt as Attempt), reader: state.pathAt(stage) });
  }

  readerMoved(): void {
    this.#withdrawIfUnread();
    this.#closeIfDone();
  }

  /** The attempt fails with `error`, whatever its function makes of that. */
  #giveUp(attempt: Attempt, error: StageflowError): Promise<never> {
    attempt.givenUp ??= error;
    attempt.abort(error);
    this.interrupt(error);
    return handled(Promise.reject(error));
  }

  /** Nobody reads any more, and nobody waits for the end. */
  #withdrawIfUnread(): void {
    const { scope } = this;
    if (this.#over || this.#withdrawn || this.#planned.wholeWanted || scope.stopped !== undefined || scope.closing) return;
    if (this.readers.length === 0 || this.readers.some(({ hasLeft }) => !hasLeft)) return;
    this.#withdrawn = true;
    scope.withdraw(this.#stage.index, 'its readers have left');
  }

  async #wait(attempt: Attempt, waits: readonly Promise<void>[]): Promise<void> {
    const { clock } = this.scope.scheduler;
    const startedMono = clock.monotonic();
    this.waits(this.#stage.index);
    try {
      await Promise.all(waits);
    } finally {
      this.goesOn(this.#stage.index);
      this.#blockedMs += clock.monotonic() - startedMono;
      attempt.heartbeat();
    }
  }

  #read(attempt: Attempt, chunk: unknown): unknown {
    const { chunk: schema } = this.#planned;
    if (schema === undefined) return chunk;
    const { name } = this.#stage;
    const result = validate(schema, chunk);
    if (result instanceof Promise)
      throw new StageflowError('SF_SCHEMA_ASYNC', { subject: `the chunks of "${name}"` }, this.#location(attempt));
    if (result.issues === undefined) return result.value;
    const issues = issueLines(result.issues).map((issue) => `chunk ${this.chunks}: ${issue}`);
    throw new StageflowError('SF_OUTPUT_INVALID', { stage: name, issues, received: describeReceived(chunk) }, this.#location(attempt));
  }

  #overflow(attempt: Attempt, reader: PlannedStreamReader): StageflowError {
    const details = { stage: this.#stage.name, reader: this.#nameOf(reader), capacity: reader.capacity };
    return new StageflowError('SF_STREAM_OVERFLOW', details, this.#location(attempt));
  }

  #late(attempt: Attempt): StageflowError {
    return new StageflowError('SF_STREAM_CLOSED', { stage: this.#stage.name }, this.#location(attempt));
  }

  #closeIfDone(): void {
    if (this.#over && this.readers.every(({ isDone }) => isDone)) this.#close();
  }

  #close(): void {
    if (this.#closed || this.#attempt === undefined) return;
    this.#closed = true;
    const { state } = this.scope;
    const readers = this.readers.map(({ planned, counters }): StreamClosed['readers'][number] => ({
      reader: state.pathAt(planned.stage),
      ...counters,
    }));
    this.scope.emit({ type: 'stream.closed', ...this.#fields(this.#attempt), chunks: this.chunks, blockedMs: this.#blockedMs, readers });
  }

  #nameOf(reader: PlannedStreamReader): string {
    return (this.scope.plan.stages[reader.stage] as PlannedStage).name;
  }

  #fields(attempt: Attempt): ReturnType<typeof stageFields> {
    return stageFields(this.scope.state, this.#stage, attempt.number);
  }

  #location(attempt: Attempt): ReturnType<typeof locationOf> {
    return locationOf(this.scope, this.#stage, attempt.number);
  }
}
