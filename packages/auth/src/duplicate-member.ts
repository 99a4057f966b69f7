/**
 * The name of a member that a JSON object holds twice at its outermost level. Readers differ in which of the two they take,
 * so a token that says a thing twice may mean one thing to its issuer and another to us.
 *
 * @param json - A text that `JSON.parse` accepts.
 */
export function duplicateMember(json: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  // Strings and brackets; nothing else matters for where a member begins.
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gs)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && /^\s*:/.test(json.slice(index + token.length, index + token.length + 64))) {
      const name: unknown = JSON.parse(token);
      if (seen.has(String(name))) return String(name);
      seen.add(String(name));
    }
  }
  return undefined;
}
