import { hostTurn } from './host-turn.ts';

/** What {@link heapSlope} takes besides the function. */
export interface HeapSlopeOptions {
  /** Runs that are measured. @default 1_000 */
  readonly runs?: number | undefined;
  /** Runs before the first measurement, for caches and compilers to come to rest; too few look like a leak. @default 1_000 */
  readonly warmUp?: number | undefined;
  /** Measurements, spread evenly over the runs; at least 3. @default 20 */
  readonly samples?: number | undefined;
}

/** How the heap grew. */
export interface HeapSlope {
  /** Bytes that each run left behind, by the Theil–Sen estimate. Scatters around 0 where nothing is kept. */
  readonly bytesPerRun: number;
  /** What was measured, after a collection each. */
  readonly samples: readonly { readonly runs: number; readonly heapBytes: number }[];
}

/**
 * Measures what each call of `run` leaves on the heap after it was collected: the median of the slopes between all
 * pairs of samples (Theil–Sen), which up to 29 % of outliers do not move.
 *
 * Needs `globalThis.gc`: start Node with `--expose-gc`, or a Vitest project with `execArgv: ['--expose-gc']`. Compare
 * with a control that is known to keep nothing: the host itself grows a little.
 *
 * @throws Where there is no `globalThis.gc`, and what `run` rejects with.
 * @example
 * ```ts
 * const { bytesPerRun } = await heapSlope(() => chat.run({ text: 'hi' }), { runs: 5_000, warmUp: 3_000 });
 * if (bytesPerRun > 100) throw new Error(`each run leaves ${bytesPerRun} bytes`);
 * ```
 */
export async function heapSlope(
  run: () => unknown,
  { runs = 1_000, warmUp = 1_000, samples = 20 }: HeapSlopeOptions = {},
): Promise<HeapSlope> {
  const collect = collector();
  if (!(samples >= 3 && runs >= samples)) {
    throw new RangeError(`heapSlope() takes at least 3 samples and as many runs; it was given ${samples} samples and ${runs} runs.`);
  }
  for (let at = 0; at < warmUp; at++) await run();
  const taken: { runs: number; heapBytes: number }[] = [];
  let done = 0;
  for (let sample = 0; sample < samples; sample++) {
    for (const until = Math.round((runs * sample) / (samples - 1)); done < until; done++) await run();
    // Finalizers and what a run left in the queues come first.
    await hostTurn();
    await collect();
    taken.push({ runs: done, heapBytes: process.memoryUsage().heapUsed });
  }
  return { bytesPerRun: theilSenSlope(taken.map(({ runs, heapBytes }) => [runs, heapBytes])), samples: taken };
}

/**
 * The median of the slopes between all pairs of points of different x.
 *
 * H. Theil, "A rank-invariant method of linear and polynomial regression analysis", 1950; P. K. Sen, "Estimates of the
 * Regression Coefficient Based on Kendall's Tau", 1968.
 */
export function theilSenSlope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes: number[] = [];
  for (const [at, [x1, y1]] of points.entries()) {
    for (const [x2, y2] of points.slice(at + 1)) if (x1 !== x2) slopes.push((y2 - y1) / (x2 - x1));
  }
  slopes.sort((left, right) => left - right);
  const middle = slopes.length / 2;
  const upper = slopes[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (slopes[middle - 1] ?? Number.NaN)) / 2 : upper;
}

function collector(): () => Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) {
    throw new Error("heapSlope() needs globalThis.gc: start Node with --expose-gc, or set execArgv: ['--expose-gc'] in the test runner.");
  }
  return async () => {
    await gc();
  };
}
