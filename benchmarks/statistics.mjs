/**
 * @param {Iterable<number>} values
 * @returns {number} NaN where there is none.
 */
export function median(values) {
  return percentile(values, 0.5);
}

/**
 * @param {Iterable<number>} values
 * @param {number} share In [0, 1]. Between two values, their mean at the middle, else the nearest.
 * @returns {number} NaN where there is none.
 */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return Number.NaN;
  const middle = sorted.length >> 1;
  if (share === 0.5 && sorted.length % 2 === 0) return (sorted[middle - 1] + sorted[middle]) / 2;
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
