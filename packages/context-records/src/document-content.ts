/** A part of a document. */
export interface DocumentBlock {
  /** `text`, `table`, `code`, or a word of the host's. */
  readonly type: string;
  readonly text: string;
}

/** A document that a model is given. Its id is the `id` of the enrichment. */
export interface DocumentContent {
  readonly title?: string | undefined;
  /** Where it came from. */
  readonly uri?: string | undefined;
  readonly blocks: readonly DocumentBlock[];
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}
