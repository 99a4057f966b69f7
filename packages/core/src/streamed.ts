import { type EdgeSource, edge } from './edge.ts';
import type { Schema } from './schema.ts';
import type { Demand, Skippable, Source } from './source.ts';
import type { Stage } from './stage.ts';

/** What a stage says about the chunks it gives before its output. */
export interface StreamOptions<out Chunk = unknown> {
  /** The contract of one chunk, any synchronous Standard Schema; readers receive what it makes of a chunk. @default none */
  readonly chunk?: Schema<unknown, Chunk> | undefined;
  /** Whether each chunk appears as a `stream.chunk` event, with its value. @default false */
  readonly publish?: boolean | undefined;
  /** Whether the outcome of a stage that does not complete has the chunks so far as `partial`. They are kept in memory. @default false */
  readonly keepPartial?: boolean | undefined;
}

/**
 * A stage that gives chunks before its output. Plain readers receive the output; {@link streamed} readers the chunks.
 *
 * @typeParam Out - What plain readers receive.
 * @typeParam Chunk - What streaming readers receive, one after the other.
 */
export interface StreamingStage<
  out Out = unknown,
  out Chunk = unknown,
  out In extends Demand = Demand,
  out Skips extends Skippable = Skippable,
  in Values = never,
> extends Stage<Out, In, Skips, Values> {
  readonly '~chunk': Chunk;
}

/** An edge that reads the chunks of a stage while it runs. Made by {@link streamed}. */
export interface Streamed<out Chunk = unknown, out In extends Demand = Demand, out Skips extends Skippable = Skippable>
  extends Source<AsyncIterable<Chunk>, In, Skips> {
  readonly kind: 'streamed';
}

/** What happens to a chunk when its reader's buffer is full. `block`: the producer waits. `error`: it fails. */
export type StreamOverflow = 'block' | 'drop-oldest' | 'drop-newest' | 'error';

/** How one reader is fed. */
export interface StreamedOptions {
  /** Chunks that may wait for the reader, an integer >= 1. @default 64 */
  readonly capacity?: number | undefined;
  /** @default 'block' */
  readonly overflow?: StreamOverflow | undefined;
  /** Under `block`, how long the producer waits for room before it fails with SF_STREAM_PUT_TIMEOUT, milliseconds. @default no limit */
  readonly putTimeoutMs?: number | undefined;
}

/** The chunks of what a streaming function returned: what a generator, or another async iterable, yields. */
export type Yields<R> =
  R extends Promise<infer Settled> ? Yields<Settled> : R extends AsyncIterable<infer Chunk, unknown, never> ? Chunk : unknown;

/** What a streaming function leaves at its end: of a generator, what it returns; of another iterable, nothing. */
export type Leaves<R> =
  R extends Promise<infer Settled>
    ? Leaves<Settled>
    : R extends AsyncGenerator<unknown, infer Left, never>
      ? Left
      : R extends AsyncIterable<unknown, unknown, never>
        ? undefined
        : R;

/** What readers of the chunks receive: the schema's output where there is a contract. */
export type ChunkOf<T, R> = T extends { readonly chunk: Schema<unknown, infer Read> } ? Read : Yields<R>;

/**
 * Reads the chunks of a stage while it runs. The reader starts when `source` starts and its other needs are there; it
 * gets an async iterable, to be gone through once, that holds at most `capacity` chunks. Each reader has a buffer of its own.
 *
 * The iterable ends when `source` completes, and throws SF_STREAM_BROKEN when it fails. A reader that leaves the loop
 * gets no more; when the last one has left and nothing reads the whole output, `source` is aborted and ends as skipped.
 * Where `source` is skipped before it starts, so is the reader.
 *
 * @example
 * ```ts
 * const speech = stage('speech', {
 *   needs: { tokens: streamed(model) },
 *   streams: true,
 *   run: async function* ({ tokens }) {
 *     for await (const token of tokens) yield synthesize(token);
 *   },
 * });
 * ```
 */
export function streamed<Chunk, In extends Demand, Skips extends Skippable>(
  source: StreamingStage<unknown, Chunk, In, Skips>,
  options: StreamedOptions = {},
): Streamed<Chunk, In, Skips> {
  return edge<Streamed<Chunk, In, Skips> & EdgeSource>('streamed', [source], options);
}
