import { isSecret, type Secret, StageflowError } from '@stageflow/core';

/** What stands in the place of what was taken out; the word that pino itself uses. */
export const redacted = '[Redacted]';

const shortestSecret = 4;

/** Cheap: whether any of the patterns below can match. */
const suspicious =
  /eyJ|bearer|:\/\/|private key|pass(?:word|wd|phrase)|secret|token|api[-_]?key|(?:access|account|private)[-_]?key|authorization|cookie|credential|sk-|gh[opsu]_|github_pat_|glpat-|xox|AKIA/i;

const names = 'pass(?:word|wd|phrase)|secret|token|api[-_]?key|(?:access|account|private)[-_]?key|credentials?';
/** From the end of a name to its value: `=`, `: `, `": "`, also within a string of JSON. */
const is = String.raw`[\\"']{0,4}\s{0,3}[:=]\s{0,3}`;
const quoted = String.raw`\\{0,3}"[^"]*"?|\\{0,3}'[^']*'?`;

/**
 * Credentials as they stand in text. Each takes linear time: whatever repeats without a bound begins where no other match of it
 * can begin, or cannot fail any more.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, redacted],
  // JSON Web Tokens: base64url of `{"`, and more parts.
  [/(?<![\w-])eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)*/g, redacted],
  [new RegExp(String.raw`(authorization${is}["']?)(?:(?:basic|bearer|digest|negotiate|token)\s{1,3})?[^\s"',;]+`, 'gi'), `$1${redacted}`],
  [/\b(bearer\s{1,3})[\w.~+/=-]{8,}/gi, `$1${redacted}`],
  [new RegExp(String.raw`(cookie${is})(?:\[Redacted\]|${quoted}|[^\r\n]+)`, 'gi'), `$1${redacted}`],
  // `scheme://user:password@host`
  [/(:\/\/[^\s/:@]{0,256}:)[^\s/]+@/g, `$1${redacted}@`],
  // `password=…`, `"token": "…"`, `?api_key=…`
  [new RegExp(String.raw`((?:${names})${is})(?:\[Redacted\]|${quoted}|[^\s"',;&}\])]+)`, 'gi'), `$1${redacted}`],
  // Keys that say by their beginning whose they are.
  [/(?<![\w-])(?:sk-|gh[opsu]_|github_pat_|glpat-|xox[abps]-)[\w-]{12,}/g, redacted],
  [/(?<!\w)AKIA[0-9A-Z]{16}(?!\w)/g, redacted],
];

/** Takes credentials, and the secrets that were declared, out of text. */
export class TextRedactor {
  /** Longest first, so that nothing is left of one that holds another. */
  readonly #secrets: readonly string[];

  /** @throws SF_OPTION_INVALID for a secret that is too short to be told from other text. */
  constructor(secrets: readonly (string | Secret<string>)[]) {
    const forms = secrets.flatMap((given) => formsOf(isSecret(given) ? given.reveal() : given));
    this.#secrets = [...new Set(forms)].sort((left, right) => right.length - left.length);
  }

  redact(text: string): string {
    let result = text;
    for (const secret of this.#secrets) result = result.replaceAll(secret, redacted);
    if (!suspicious.test(result)) return result;
    for (const [pattern, replacement] of patterns) result = result.replace(pattern, replacement);
    return result;
  }
}

/** A secret as it may be written: plainly, in a URL, in a string of JSON. */
function formsOf(secret: unknown): readonly string[] {
  if (typeof secret === 'string' && secret.length >= shortestSecret) {
    return [secret, encodeURIComponent(secret.replace(/\p{Surrogate}/gu, '')), JSON.stringify(secret).slice(1, -1)];
  }
  const received = typeof secret === 'string' ? `one of ${secret.length}` : `a value of type ${typeof secret}`;
  const expected = `strings of at least ${shortestSecret} characters`;
  throw new StageflowError('SF_OPTION_INVALID', { option: 'secrets', expected, received });
}
