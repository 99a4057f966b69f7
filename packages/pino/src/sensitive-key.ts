const endings =
  /(?:secrets?|secretkey|tokens?|cookies?|authorization|credentials?|connectionstring|accesskey|accountkey|signingkey|encryptionkey|^jwt|^auth|^pwd|^dsn)$/;
const anywhere = /password|passwd|passphrase|apikey|privatekey|clientsecret/;
/** Tokens that are counted, as those of models are, are no credentials. */
const counted = /(?:input|output|prompt|completion|total|max|cached|reasoning|^)tokens$/;

/** What was found out about names: lines have few different ones. */
const known = new Map<string, boolean>();
const mostKnown = 1_000;

/** Whether a member of this name holds a credential: `apiKey`, `Set-Cookie`, `x-auth-token`, `client_secret`. */
export function isSensitiveKey(key: string): boolean {
  const before = known.get(key);
  if (before !== undefined) return before;
  const plain = key.toLowerCase().replace(/[-_.\s]/g, '');
  const is = anywhere.test(plain) || (endings.test(plain) && !counted.test(plain));
  if (known.size < mostKnown && key.length < 100) known.set(key, is);
  return is;
}
