/**
 * The candidate closest to `name`, or `undefined` where none is close enough to be what was meant.
 *
 * Closeness counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment: F. Damerau,
 * 1964) and must not exceed a third of the longer name.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const limit = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (Math.abs(name.length - candidate.length) > limit) continue;
    const distance = editDistance(name, candidate);
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substituted = (previous[column - 1] as number) + (left[row - 1] === right[column - 1] ? 0 : 1);
      const swap = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const swapped = swap ? (beforePrevious[column - 2] as number) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(substituted, swapped, (previous[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] as number;
}
