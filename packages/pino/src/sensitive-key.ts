const endings =
  /(?:secrets?|secretkey|tokens?|cookies?|authorization|credentials?|connectionstring|accesskey|accountkey|signingkey|encryptionkey|^jwt|^auth|^pwd|^dsn)$/;
const anywhere = /password|passwd|passphrase|apikey|privatekey|clientsecret/;
/** Tokens that are counted, as those of models are, are no credentials. */
const counted = /(?:input|output|prompt|completion|total|max|cached|reasoning|^)tokens$/;

/** Whether a member of this name holds a credential: `apiKey`, `Set-Cookie`, `x-auth-token`, `client_secret`. */
export function isSensitiveKey(key: string): boolean {
  const plain = key.toLowerCase().replace(/[-_.\s]/g, '');
  return anywhere.test(plain) || (endings.test(plain) && !counted.test(plain));
}
