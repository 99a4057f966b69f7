/** What PostgreSQL does not keep in a text (NUL), what UTF-8 has no bytes for (half of a pair), and what stands for them. */
const unkeepable = /[\0\\]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** An id as a column keeps it: as it is, but for `\`, NUL and halves of pairs, so that no two ids are one and none is refused. */
export function toColumn(id: string): string {
  return id.replace(unkeepable, (unit) => `\\${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The id that a column keeps. */
export function fromColumn(text: string): string {
  return text.replace(/\\([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** A tenant as part of a primary key, which takes no NULL: that there is none, and the empty name, are two. */
export function tenantKey(tenantId: string | undefined): string {
  return tenantId === undefined ? '' : `=${toColumn(tenantId)}`;
}
