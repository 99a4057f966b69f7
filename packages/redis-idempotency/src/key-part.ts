/**
 * A value as it stands in a key: no two values share one, also not those with half of a surrogate pair.
 *
 * Braces are spelt as JSON may spell them. A cluster puts keys with one text in braces into one slot, and who chooses ids must not choose
 * the node: that of all his keys, or that of another's.
 */
export function keyPart(value: string | readonly (string | null)[]): string {
  return JSON.stringify(value).replaceAll('{', '\\u007b').replaceAll('}', '\\u007d');
}
