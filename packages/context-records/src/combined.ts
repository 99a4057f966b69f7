import { canonicalJson, isPlain } from './canonical-json.ts';

/**
 * Two values as one: the members of both objects, at any depth; the items of both lists, each once; else the new value.
 * A value that is `undefined` says nothing.
 */
export function combined(old: unknown, fresh: unknown): unknown {
  if (fresh === undefined) return old;
  if (Array.isArray(old) && Array.isArray(fresh)) return union(old, fresh);
  if (!isPlain(old) || !isPlain(fresh)) return fresh;
  const keys = new Set([...Object.keys(old), ...Object.keys(fresh)]);
  // `fromEntries` defines members, so a key "__proto__" is a member like others.
  return Object.fromEntries(Array.from(keys, (key) => [key, combined(own(old, key), own(fresh, key))]));
}

function own(members: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(members, key) ? members[key] : undefined;
}

function union(old: readonly unknown[], fresh: readonly unknown[]): readonly unknown[] {
  const known = new Set(old.map(canonicalJson));
  const added = fresh.filter((item) => {
    const text = canonicalJson(item);
    if (known.has(text)) return false;
    known.add(text);
    return true;
  });
  return [...old, ...added];
}
