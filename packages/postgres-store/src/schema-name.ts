/** PostgreSQL cuts longer names, and two would be one. */
const longestBytes = 63;

/**
 * A name as SQL has it, in quotes.
 *
 * @throws TypeError Where it is no name that PostgreSQL can keep.
 */
export function quotedSchema(schema: string): string {
  const bytes = new TextEncoder().encode(schema).length;
  if (bytes === 0 || bytes > longestBytes || schema.includes('\0')) {
    throw new TypeError(`"schema" must be a name of 1 to ${longestBytes} bytes without NUL, received ${JSON.stringify(schema)}`);
  }
  return `"${schema.replaceAll('"', '""')}"`;
}
