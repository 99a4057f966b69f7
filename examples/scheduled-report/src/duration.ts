const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a duration like `2s`, `500ms`, `1.5m`.
 *
 * @throws RangeError where it is none.
 */
export function parseDuration(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Number(number) * (unitMs[unit] ?? Number.NaN);
  if (!Number.isFinite(milliseconds)) throw new RangeError(`A duration is a number and ms, s, m or h, like 2s; received "${text}".`);
  return Math.round(milliseconds);
}
