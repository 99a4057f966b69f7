/** What {@link testTokens} takes. */
export interface TestTokensOptions {
  /** @default 'https://issuer.test/' */
  readonly issuer?: string | undefined;
  /** @default 'stageflow-test' */
  readonly audience?: string | undefined;
  /** Epoch milliseconds: when tokens are issued. @default the clock of the host */
  readonly now?: (() => number) | undefined;
}

/** How one token differs from others. */
export interface IssueOptions {
  /** Milliseconds from now; negative for a token whose time is over. @default 3_600_000 */
  readonly expiresInMs?: number | undefined;
  /** Laid over the header. @default none */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
}

/** An issuer of tokens for tests: real signatures (ES256), with a key that exists nowhere else. */
export interface TestTokens {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithm: 'ES256';
  /** The public keys of now: what a key server would answer. */
  keySet(): { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  /** A signed token. `iss`, `aud`, `iat` and `exp` are filled in where the claims do not say them; `undefined` leaves one out. */
  issue(claims: Readonly<Record<string, unknown>>, options?: IssueOptions): Promise<string>;
  /** Signs with a new key from now on; the key set holds that alone. */
  rotate(): Promise<void>;
}

/**
 * Makes an issuer of tokens for tests. Nothing is mocked: a validator checks these as it checks those of production, with the
 * key set of this issuer.
 *
 * @example
 * ```ts
 * const tokens = await testTokens();
 * const { issuer, audience } = tokens;
 * const validator = jwtValidator({ jwks: tokens.keySet(), issuer, audience, algorithms: ['ES256'] });
 * const token = await tokens.issue({ sub: 'ada', org_id: 'acme', roles: ['admin'] });
 * ```
 */
export async function testTokens(options: TestTokensOptions = {}): Promise<TestTokens> {
  const { issuer = 'https://issuer.test/', audience = 'stageflow-test', now = Date.now } = options;
  let key = await newKey(1);
  let keys = 1;
  return {
    issuer,
    audience,
    algorithm: 'ES256',
    keySet: () => ({ keys: [key.jwk] }),
    rotate: async () => {
      key = await newKey(++keys);
    },
    issue: (claims, { expiresInMs = 3_600_000, header = {} } = {}) => {
      const iat = Math.floor(now() / 1000);
      const exp = Math.floor((now() + expiresInMs) / 1000);
      const signedHeader = { alg: 'ES256', typ: 'JWT', kid: key.kid, ...header };
      return signed(signedHeader, { iss: issuer, aud: audience, iat, exp, ...claims }, key.privateKey);
    },
  };
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;

async function newKey(number: number) {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const kid = `test-key-${number}`;
  return { kid, privateKey, jwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } };
}

async function signed(header: object, claims: object, key: Awaited<ReturnType<typeof newKey>>['privateKey']): Promise<string> {
  const text = new TextEncoder();
  const content = [header, claims].map((part) => base64url(text.encode(JSON.stringify(part)))).join('.');
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, text.encode(content));
  return `${content}.${base64url(new Uint8Array(signature))}`;
}

function base64url(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
