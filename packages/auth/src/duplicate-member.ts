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
    else if (depth === 1 && isName(json, index + token.length)) {
      const name = String(JSON.parse(token));
      if (seen.has(name)) return name;
      seen.add(name);
    }
  }
  return undefined;
}

/** Whether the string that ends at `end` is the name of a member, and not a value. */
function isName(json: string, end: number): boolean {
  const colon = /\s*:/y;
  colon.lastIndex = end;
  return colon.test(json);
}
