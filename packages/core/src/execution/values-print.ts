/** Longer prints are shortened: they are compared and shown, never read back. */
const shownLength = 200;

/**
 * The values of a call as text that is equal for equal values: members in the order of their names. What JSON has no word
 * for prints as its kind, so that clients and functions compare equal.
 */
export function valuesPrint(values: unknown): string {
  const around = new Set<unknown>();
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
    if (typeof value !== 'object' || value === null) return value;
    if (around.has(value)) return '[circular]';
    around.add(value);
    const printed = Array.isArray(value) ? value.map(plain) : plainObject(value, plain);
    around.delete(value);
    return printed;
  };
  const text = JSON.stringify(plain(values)) ?? 'undefined';
  return text.length <= shownLength ? text : `${text.slice(0, shownLength)}… (${text.length} characters, ${checksum(text)})`;
}

function plainObject(value: object, plain: (member: unknown) => unknown): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Date) return String(value.getTime());
  if (prototype !== Object.prototype && prototype !== null) return '[object]';
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => [key, plain(member)]),
  );
}

/** FNV-1a over the code units, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16);
}
