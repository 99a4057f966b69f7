/** How a value was changed, and where. */
export interface Mutation {
  /** From the root: `order.items[0]`. */
  readonly property: string;
  readonly change: 'added' | 'changed' | 'removed';
}

/** An object as it was, member by member. */
type Shadow = ReadonlyMap<unknown, unknown>;

/** How many objects are watched; what is beyond them is not. */
const maxObjects = 100_000;

/**
 * What values were when they were first seen, so that it can be told whether they still are that. Watches plain objects,
 * arrays, maps, sets, dates and bytes, at any depth; instances of classes and functions are left alone. Calls no getter.
 */
export class ValueShadows {
  readonly #shadows = new Map<object, Shadow>();

  /** Remembers what a value is, as far as it is not watched already. */
  watch(value: unknown): void {
    const pending = [value];
    while (pending.length > 0 && this.#shadows.size < maxObjects) {
      const object = pending.pop();
      if (typeof object !== 'object' || object === null || this.#shadows.has(object)) continue;
      const shadow = shadowOf(object);
      if (shadow === undefined) continue;
      this.#shadows.set(object, shadow);
      for (const [key, member] of shadow) pending.push(key, member);
    }
  }

  /** The first change of a value since it was seen, told once; `undefined` where there is none. */
  mutationOf(value: unknown, name: string): Mutation | undefined {
    const seen = new Set<unknown>();
    const pending: [unknown, string][] = [[value, name]];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [object, path] = next;
      const shadow = this.#shadows.get(object as object);
      if (shadow === undefined || seen.has(object)) continue;
      seen.add(object);
      const now = shadowOf(object as object) ?? shadow;
      const found = differenceOf(shadow, now, path);
      if (found !== undefined) {
        this.#shadows.set(object as object, now);
        for (const member of now.values()) this.watch(member);
        return found;
      }
      for (const [key, member] of shadow) {
        pending.push([member, path + labelOf(key)]);
        if (typeof key === 'object') pending.push([key, `${path}<key>`]);
      }
    }
    return undefined;
  }
}

function differenceOf(before: Shadow, now: Shadow, path: string): Mutation | undefined {
  for (const [key, member] of before) {
    if (!now.has(key)) return { property: path + labelOf(key), change: 'removed' };
    if (!Object.is(now.get(key), member)) return { property: path + labelOf(key), change: 'changed' };
  }
  for (const key of now.keys()) if (!before.has(key)) return { property: path + labelOf(key), change: 'added' };
  return undefined;
}

function labelOf(key: unknown): string {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  if (typeof key !== 'string') return `<${typeof key === 'object' ? 'an object' : String(key)}>`;
  return /^(0|[1-9]\d*)$/.test(key) ? `[${key}]` : `.${key}`;
}

/** `undefined` for what is not watched, or cannot be looked at. */
function shadowOf(object: object): Shadow | undefined {
  try {
    if (ArrayBuffer.isView(object)) return new Map([['bytes', hashOf(object)]]);
    if (object instanceof Date) return new Map([['time', Date.prototype.getTime.call(object)]]);
    if (object instanceof Map) return new Map(Map.prototype.entries.call(object));
    if (object instanceof Set) return new Map(Array.from(Set.prototype.values.call(object), (member) => [member, member]));
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null && !Array.isArray(object)) return undefined;
    // What became of a list is said by its items.
    const keys = Reflect.ownKeys(object).filter((key) => key !== 'length' || !Array.isArray(object));
    const members = keys.map((key) => [key, Object.getOwnPropertyDescriptor(object, key)] as const);
    return new Map(members.map(([key, descriptor]) => [key, descriptor?.get ?? descriptor?.value]));
  } catch {
    return undefined;
  }
}

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv. */
function hashOf({ buffer, byteOffset, byteLength }: ArrayBufferView): number {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
