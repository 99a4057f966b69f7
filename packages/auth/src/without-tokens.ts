/** Anything that looks like a signed token: three parts, of which the first begins as JSON does in base64url. */
const jwt = /eyJ[\w-]*\.[\w-]*(?:\.[\w-]*)?/g;

/** What is shorter is no secret, and stands in every text. */
const shortest = 8;

/** A text of others, for errors and events: without the token, and without whatever else looks like one. */
export function withoutTokens(text: string, token?: string): string {
  const known = token === undefined || token.length < shortest ? text : text.replaceAll(token, '[token]');
  return known.replace(jwt, '[token]');
}

/** What was thrown, in a sentence without tokens; whatever it is, this does not throw. */
export function thrownWithoutTokens(thrown: unknown, token?: string): string {
  try {
    const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return withoutTokens(text, token).slice(0, 500);
  } catch {
    return 'a value that cannot be printed';
  }
}
