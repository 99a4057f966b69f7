/** What is remembered of earlier conversations. */
export interface Recollection {
  readonly topics?: readonly string[] | undefined;
  readonly facts?: readonly string[] | undefined;
  /** The earlier conversations in a few words. */
  readonly summary?: string | undefined;
}
