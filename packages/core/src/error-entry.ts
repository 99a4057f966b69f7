/** What one error code says. */
export interface ErrorEntry<Details> {
  readonly message: (details: Details) => string;
  readonly hint: (details: Details) => string;
  readonly retryable: boolean;
  /** Where more is said about it. @default the page of its code in this repository */
  readonly docs?: string | undefined;
}

/** One entry of the table of codes. */
export function entry<Details>(
  message: (details: Details) => string,
  hint: (details: Details) => string,
  retryable = false,
): ErrorEntry<Details> {
  return { message, hint, retryable };
}

/** A hint at the name that was probably meant. */
export function didYouMean(nearest: string | undefined, otherwise: string): string {
  return nearest === undefined ? otherwise : `Did you mean "${nearest}"?`;
}

/** Text of users' or of schemas, as the end of a sentence. */
export function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** What a schema complained of. */
export function reasons(issues: readonly string[]): string {
  return ended(issues.join('; '));
}
