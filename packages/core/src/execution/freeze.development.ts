/**
 * Under the `development` condition, plain objects and arrays that stages produced are frozen, so that a reader that
 * writes to what others read is found at once.
 */
export function freezeOutput(value: unknown): void {
  const pending = [value];
  for (let next = pending.pop(); pending.length > 0 || next !== undefined; next = pending.pop()) {
    try {
      if (!isPlain(next) || Object.isFrozen(next)) continue;
      Object.freeze(next);
      // Descriptors, because reading a member could call a getter.
      for (const { value: member } of Object.values(Object.getOwnPropertyDescriptors(next))) if (isPlain(member)) pending.push(member);
    } catch {
      // Some objects refuse to be frozen: a proxy, an observable. That is no fault of the stage.
    }
  }
}

/** Freezes one record that several parties read: the values of a stage, an event. What it holds is left alone. */
export function freezeRecord(record: object): void {
  Object.freeze(record);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
