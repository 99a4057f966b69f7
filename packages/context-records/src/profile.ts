/** What is known of a user. */
export interface Profile {
  readonly userId?: string | undefined;
  readonly displayName?: string | undefined;
  readonly preferences?: Readonly<Record<string, unknown>> | undefined;
  readonly goals?: readonly string[] | undefined;
}
