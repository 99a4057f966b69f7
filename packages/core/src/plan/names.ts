const reservedCharacter = /[/[\]\p{Cc}]/u;

/**
 * Why `name` cannot name a pipeline, a stage, an input or a key, or `undefined` where it can. Names make up paths
 * (`outer/inner`, `map[key]`) and keys of plain objects, so what would be ambiguous there is refused.
 */
export function nameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'it is not a string';
  if (name === '') return 'it is empty';
  if (name !== name.trim()) return 'it begins or ends with white space';
  if (name === '__proto__') return 'it would reach the prototype of an object';
  const reserved = reservedCharacter.exec(name)?.[0];
  if (reserved !== undefined) return `it contains ${JSON.stringify(reserved)}, which paths are made of`;
  return undefined;
}
