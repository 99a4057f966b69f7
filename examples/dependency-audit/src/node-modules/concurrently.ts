/**
 * Maps `items` with at most `limit` calls under way at once; the results stand in the order of the items.
 *
 * A run limits its stages; this limits what one stage does to the disk.
 *
 * @throws What the first failing call throws; calls that have not begun are not made.
 */
export async function concurrently<T, R>(items: readonly T[], limit: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  const rest = items.entries();
  let broken = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (broken) return;
      try {
        results[index] = await task(item);
      } catch (error) {
        broken = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
