import type { FailedOutcome } from '../../outcome.ts';
import type { PlannedStage } from '../../plan/plan.ts';
import type { PlannedStream, StreamedRead } from '../../plan/plan-stream.ts';
import type { Scope } from '../scope.ts';
import { cancelled, completed } from '../status.ts';
import type { Stop } from '../stop.ts';
import { type ChunkIterator, Chunks, type ReaderStream } from './reader-stream.ts';
import { StageStream } from './stage-stream.ts';
import { StreamWaits } from './stream-waits.ts';

/** The streams of one scope, by the stage that gives the chunks. */
export class Streams {
  readonly #scope: Scope;
  readonly #streams = new Map<number, StageStream>();
  readonly #waits: StreamWaits;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#waits = new StreamWaits(scope);
  }

  /** The stream of a stage that has begun. */
  of(index: number): StageStream | undefined {
    return this.#streams.get(index);
  }

  /** A stage that streams begins: those that read its chunks may begin as well. */
  open(stage: PlannedStage, planned: PlannedStream): void {
    this.#make(stage, planned);
    for (const reader of planned.readers) this.#scope.release(reader.stage);
  }

  /** The chunks of a streamed edge. */
  chunks({ slot, at }: StreamedRead): Chunks {
    return new Chunks((): ChunkIterator => (this.#streams.get(slot) as StageStream).readers[at]?.open() as ChunkIterator);
  }

  /** A stage has ended, whether it gave chunks, read some, both or neither. */
  ended(stage: PlannedStage): void {
    for (const reading of this.#readingsOf(stage)) reading.leave();
    const { index, stream: planned } = stage;
    if (planned === undefined) return;
    const stream = this.#streams.get(index);
    if (stream === undefined) this.#neverBegan(stage, planned);
    else if (this.#scope.state.status[index] === cancelled) stream.abandon();
    else stream.end(this.#breakOf(index));
  }

  /** An attempt of a stage is given up: nothing that it waits for comes. */
  interrupt(index: number, reason: unknown): void {
    this.#streams.get(index)?.interrupt(reason);
    for (const reading of this.#readingsOf(this.#scope.plan.stages[index] as PlannedStage)) reading.interrupt(reason);
  }

  /** The scope stops. */
  stop({ signalReason }: Stop): void {
    for (const stream of this.#streams.values()) {
      stream.interrupt(signalReason);
      for (const reader of stream.readers) reader.interrupt(signalReason);
    }
  }

  #make(stage: PlannedStage, planned: PlannedStream): StageStream {
    const stream = new StageStream(this.#scope, stage, planned, this.#waits);
    this.#streams.set(stage.index, stream);
    return stream;
  }

  /** Where its end was known from an earlier activation, readers begin, and find no chunks; else they look at how it ended. */
  #neverBegan(stage: PlannedStage, planned: PlannedStream): void {
    const isRestored = this.#scope.state.status[stage.index] === completed;
    if (isRestored) this.#make(stage, planned).end({ why: 'it ended in an earlier activation of the run' });
    for (const reader of planned.readers) this.#scope.release(reader.stage, !isRestored);
  }

  /** Why the chunks break off; a chosen skip is an end like any other. */
  #breakOf(index: number): { readonly why: string; readonly cause?: unknown } | undefined {
    const { state } = this.#scope;
    const outcome = state.outcome(index);
    const failure = (outcome as Partial<FailedOutcome>).error ?? state.failures?.get(index);
    if (failure !== undefined) return { why: `it failed: ${failure.message}`, cause: failure };
    return state.notes?.get(index)?.cached === true ? { why: 'an interceptor had its value, so that it gave none' } : undefined;
  }

  *#readingsOf({ reads = [] }: PlannedStage): Generator<ReaderStream> {
    for (const read of reads) {
      const reading = read.read === 'streamed' ? this.#streams.get(read.slot)?.readers[read.at] : undefined;
      if (reading !== undefined) yield reading;
    }
  }
}
