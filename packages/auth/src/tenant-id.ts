const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** How long an id may be, in UTF-16 units. */
const longest = 256;

/**
 * The form in which ids of tenants are compared: without white space around, in Unicode form NFC, and a UUID in lower case.
 * Other ids keep their case: they are opaque, and `Acme` and `acme` may be two tenants.
 *
 * @returns `undefined` for what is no id: anything but a string, an empty one, one that holds control characters, or one of
 *   more than 256 characters.
 * @example
 * ```ts
 * normalTenantId(' acme '); // 'acme'
 * ```
 */
export function normalTenantId(id: unknown): string | undefined {
  if (typeof id !== 'string' || id.length > longest) return undefined;
  const normal = id.trim().normalize('NFC');
  if (normal === '' || /\p{C}/u.test(normal)) return undefined;
  return uuid.test(normal) ? normal.toLowerCase() : normal;
}
