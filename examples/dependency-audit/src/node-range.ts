/** Major, minor, patch. */
type Version = readonly [number, number, number];

/** A half-open interval of versions. */
interface Interval {
  readonly from: Version;
  readonly below: Version;
}

const everything: Interval = { from: [0, 0, 0], below: [Number.POSITIVE_INFINITY, 0, 0] };
const partial = /^[v=]*(\d+|[x*])(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?(?:[-+].*)?$/i;

/**
 * Whether a range as `engines` in a package.json has it accepts `version`.
 *
 * Reads npm's range grammar (the page on semver of npm's documentation): `||`, comparators, `~`, `^`, `x`, hyphens.
 * Prerelease tags are ignored: `engines` is about releases.
 *
 * @param version - Three numbers with dots.
 * @returns `undefined` where the range is not one.
 */
export function acceptsVersion(range: string, version: string): boolean | undefined {
  const wanted = parse(version)?.from;
  if (wanted === undefined) return undefined;
  const alternatives = range.split('||').map((text) => intervalsOf(text.trim()));
  if (alternatives.includes(undefined)) return undefined;
  return alternatives.some((intervals) => intervals?.every(({ from, below }) => compare(from, wanted) <= 0 && compare(wanted, below) < 0));
}

/** The intervals that all must hold, or `undefined` where the text is no range. */
function intervalsOf(text: string): Interval[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  const comparators = hyphen === null ? text.replace(/([<>=~^]+)\s+/g, '$1').split(/\s+/) : [`>=${hyphen[1]}`, `<=${hyphen[2]}`];
  const intervals = comparators.filter((comparator) => comparator !== '').map(comparatorInterval);
  return intervals.every((interval) => interval !== undefined) ? intervals : undefined;
}

function comparatorInterval(comparator: string): Interval | undefined {
  const [, operator = '', rest = ''] = /^(>=|<=|>|<|~>?|\^|=)?(.*)$/.exec(comparator) ?? [];
  const interval = parse(rest);
  if (interval === undefined) return undefined;
  const { from, below } = interval;
  if (operator === '>=') return { from, below: everything.below };
  if (operator === '>') return { from: below, below: everything.below };
  if (operator === '<') return { from: everything.from, below: from };
  if (operator === '<=') return { from: everything.from, below };
  if (operator.startsWith('~')) return { from, below: isMajorOnly(rest) ? below : [from[0], from[1] + 1, 0] };
  if (operator === '^') return { from, below: caretLimit(from, below) };
  return interval;
}

/** What a full or partial version stands for: `18` is everything from 18.0.0 and below 19.0.0. */
function parse(text: string): Interval | undefined {
  const match = partial.exec(text);
  if (match === null) return undefined;
  const [major, minor, patch] = match.slice(1).map((part) => (part === undefined || /[x*]/i.test(part) ? undefined : Number(part)));
  if (major === undefined) return everything;
  if (minor === undefined) return { from: [major, 0, 0], below: [major + 1, 0, 0] };
  if (patch === undefined) return { from: [major, minor, 0], below: [major, minor + 1, 0] };
  return { from: [major, minor, patch], below: [major, minor, patch + 1] };
}

function isMajorOnly(text: string): boolean {
  return !/\d+\.\d+/.test(text);
}

/** `^` lets everything change that is right of the leftmost number that is not 0. */
function caretLimit([major, minor]: Version, below: Version): Version {
  if (major > 0) return [major + 1, 0, 0];
  if (minor > 0) return [0, minor + 1, 0];
  return below;
}

function compare(left: Version, right: Version): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}
