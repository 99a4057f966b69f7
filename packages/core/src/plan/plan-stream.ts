import type { Schema } from '../schema.ts';
import type { StageDefinition } from '../stage.ts';
import type { StreamedOptions, StreamOverflow } from '../streamed.ts';
import type { DraftEdge } from './draft.ts';
import type { PlannedOutput, UnmarkedStage } from './plan.ts';

/** What a stage that streams says about its chunks, and who reads them. */
export interface PlannedStream {
  readonly chunk: Schema<unknown, unknown> | undefined;
  readonly publish: boolean;
  readonly keepPartial: boolean;
  /** In the order of the plan. */
  readonly readers: PlannedStreamReader[];
  /** Whether something waits for its end, so that it goes on when its readers have left. */
  wholeWanted: boolean;
}

/** One streamed edge. */
export interface PlannedStreamReader {
  readonly stage: number;
  readonly capacity: number;
  readonly overflow: StreamOverflow;
  readonly putTimeoutMs: number | undefined;
}

/** A value that is the chunks of another stage: which one, and the place of the edge among those that read it. */
export interface StreamedRead {
  readonly read: 'streamed';
  readonly slot: number;
  readonly at: number;
}

/** How many chunks may wait for a reader that does not say. */
const defaultCapacity = 64;

/** The stream of a stage; `undefined` where it has none. Who reads it is found when the readers are. */
export function planStream({ streams }: StageDefinition): PlannedStream | undefined {
  if (streams === undefined) return undefined;
  const { chunk, publish = false, keepPartial = false } = streams === true ? {} : streams;
  return { chunk, publish, keepPartial, readers: [], wholeWanted: false };
}

/** The streamed edges of a plan, gathered while its stages are compiled. */
export class StreamedEdges {
  readonly #readersOf = new Map<number, PlannedStreamReader[]>();

  read(edge: DraftEdge, producer: number, reader: number): StreamedRead {
    const { capacity = defaultCapacity, overflow = 'block', putTimeoutMs } = edge.stream as StreamedOptions;
    const readers = this.#readersOf.get(producer) ?? [];
    this.#readersOf.set(producer, readers);
    readers.push({ stage: reader, capacity, overflow, putTimeoutMs });
    return { read: 'streamed', slot: producer, at: readers.length - 1 };
  }

  /**
   * Tells the producers who reads them.
   *
   * @param edges - Two numbers for each that waits for an end: what is waited for, and by whom.
   */
  connect(stages: readonly UnmarkedStage[], edges: readonly number[], outputs: readonly PlannedOutput[], also: readonly number[]): void {
    const streaming = stages.filter((stage) => stage.stream !== undefined);
    if (streaming.length === 0) return;
    const awaited = new Set<number>(also);
    for (let at = 0; at < edges.length; at += 2) awaited.add(edges[at] as number);
    for (const { read } of outputs) for (const slot of read.read === 'firstOf' ? read.slots : [read.slot]) awaited.add(slot);
    for (const { region } of stages) {
      for (const { stage } of region?.heads ?? []) awaited.add(stage);
      for (const { outer } of region?.captures ?? []) awaited.add(outer);
    }
    for (const { index, stream } of streaming as (UnmarkedStage & { readonly stream: PlannedStream })[]) {
      stream.readers.push(...(this.#readersOf.get(index) ?? []));
      stream.wholeWanted = awaited.has(index);
    }
  }
}
