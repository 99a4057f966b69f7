import type { StageFunction } from '../../stage.ts';
import type { StageContext } from '../../stage-context.ts';

/** The context of a stage that streams. */
interface StreamingContext extends StageContext {
  beginStream(): void;
}

/** A function that hands what it yields to `emitChunk`, for one that may return a generator or another async iterable. */
export function drivesIterables(run: StageFunction): StageFunction {
  return (values, context) => {
    (context as StreamingContext).beginStream();
    const returned = run(values, context);
    const chunks = iteratorOf(returned);
    if (chunks !== undefined) return drive(chunks, context);
    return isPromiseLike(returned) ? driveWhatComes(returned, context) : returned;
  };
}

async function driveWhatComes(coming: PromiseLike<unknown>, context: StageContext): Promise<unknown> {
  const returned = await coming;
  const chunks = iteratorOf(returned);
  return chunks === undefined ? returned : drive(chunks, context);
}

type Chunks = AsyncIterator<unknown, unknown>;

/** Ends with what the iterator returns. A chunk that finds no taker any more makes it leave the iterator. */
async function drive(chunks: Chunks, { emitChunk }: StageContext): Promise<unknown> {
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) return value;
    try {
      await emitChunk(value);
    } catch (error) {
      // As in a loop that is left by a throw, what the iterator says to that does not count.
      await leave(chunks);
      throw error;
    }
  }
}

async function leave(chunks: Chunks): Promise<void> {
  try {
    await chunks.return?.();
  } catch {}
}

function iteratorOf(value: unknown): Chunks | undefined {
  if (typeof value !== 'object' || value === null || !(Symbol.asyncIterator in value)) return undefined;
  return (value as AsyncIterable<unknown, unknown>)[Symbol.asyncIterator]();
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function';
}
