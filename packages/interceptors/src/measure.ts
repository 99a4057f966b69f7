/**
 * About how many bytes a value takes as JSON, each object counted once. Stops when it has counted more than `maxBytes`, so
 * it takes a time in proportion to that, whatever the size of the value. Calls nothing: a getter counts as nothing, and
 * what throws when it is looked at counts as empty.
 */
export function measure(value: unknown, maxBytes: number): number {
  const seen = new Set<object>();
  const open: Iterator<unknown>[] = [[value].values()];
  let bytes = 0;
  for (let inner = open.at(-1); inner !== undefined && bytes <= maxBytes; inner = open.at(-1)) {
    const next = stepOf(inner);
    if (next === undefined || next.done === true) {
      open.pop();
      continue;
    }
    const found: unknown = next.value;
    bytes += bytesOf(found, maxBytes);
    if (typeof found !== 'object' || found === null || seen.has(found)) continue;
    seen.add(found);
    open.push(membersOf(found));
  }
  return bytes;
}

function stepOf(members: Iterator<unknown>): IteratorResult<unknown> | undefined {
  try {
    return members.next();
  } catch {
    return undefined;
  }
}

/** Without members. At least 1, so that counting comes to an end. */
function bytesOf(value: unknown, maxBytes: number): number {
  if (typeof value === 'string') return 2 + utf8Bytes(value, maxBytes);
  if (typeof value === 'number') return String(value).length;
  if (typeof value === 'bigint') return value.toString(16).length;
  if (typeof value === 'object' && value !== null) return 2 + (ArrayBuffer.isView(value) ? value.byteLength : 0);
  return 4;
}

function utf8Bytes(text: string, maxBytes: number): number {
  let bytes = 0;
  for (let at = 0; at < text.length && bytes <= maxBytes; at++) {
    const unit = text.charCodeAt(at);
    // A half of a surrogate pair is two bytes of its four.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  }
  return bytes;
}

function* membersOf(value: object): Generator<unknown, undefined, undefined> {
  if (ArrayBuffer.isView(value)) return;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) yield Object.getOwnPropertyDescriptor(value, at)?.value;
  } else if (value instanceof Map) {
    for (const [key, member] of Map.prototype.entries.call(value)) {
      yield key;
      yield member;
    }
  } else if (value instanceof Set) {
    yield* Set.prototype.values.call(value);
  } else {
    for (const key of Object.keys(value)) {
      yield key;
      yield Object.getOwnPropertyDescriptor(value, key)?.value;
    }
  }
}
