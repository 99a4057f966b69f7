/** Who said something. Words of a provider's own are allowed. */
export type MessageRole = 'system' | 'user' | 'assistant' | 'tool' | (string & {});

/** One thing that was said. */
export interface Message {
  readonly role: MessageRole;
  readonly content: string;
  /** When, in epoch milliseconds. */
  readonly at?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}
