import { type StageContext, StageflowError } from '@stageflow/core';
import type { Conversation } from './conversation.ts';
import { recordInvalid } from './errors.ts';
import { contextTruncated } from './events.ts';
import type { Message } from './message.ts';

/** What {@link truncateConversation} takes. */
export interface TruncateOptions {
  /** At most so many messages, those that are always kept among them; ≥ 1. @default no limit */
  readonly maxMessages?: number | undefined;
  /** At most so many characters of content in all, as `length` counts them; ≥ 1. @default no limit */
  readonly maxCharacters?: number | undefined;
  /** Which messages are never left out. @default those of the role `system` */
  readonly keep?: ((message: Message) => boolean) | undefined;
  /** The context of the stage, which tells of what was left out: the event `context.truncated`. */
  readonly context?: Pick<StageContext, 'emit'> | undefined;
}

/** What is left of a conversation, and what is not. */
export interface TruncatedConversation {
  readonly conversation: Conversation;
  /** Oldest first. */
  readonly leftOut: readonly Message[];
  /** Whether what is left keeps to the limits: what is always kept may be more than they allow. */
  readonly fits: boolean;
}

/**
 * Leaves out the oldest messages until the conversation keeps to its limits, or nothing is left that may go. What is left is
 * without a gap, but for what `keep` holds. The newest message is always kept, and whole: a conversation that lost it would
 * be about nothing.
 *
 * Emits one `context.truncated` where something was left out.
 *
 * @throws SF_RECORD_INVALID for a limit that is not a whole number of at least 1.
 * @example
 * ```ts
 * const { conversation, leftOut } = truncateConversation(history, { maxCharacters: 16_000, context });
 * ```
 */
export function truncateConversation(conversation: Conversation, options: TruncateOptions): TruncatedConversation {
  const { maxMessages = Number.POSITIVE_INFINITY, maxCharacters = Number.POSITIVE_INFINITY, context } = options;
  const { keep = (message) => message.role === 'system' } = options;
  checkLimit('maxMessages', maxMessages);
  checkLimit('maxCharacters', maxCharacters);
  const { messages } = conversation;
  const leaves = messages.map((message, index) => index < messages.length - 1 && !keep(message));
  let count = messages.length;
  let characters = charactersOf(messages);
  const leftOut = new Set<number>();
  let limit = 'maxMessages';
  for (const [index, message] of messages.entries()) {
    if (count <= maxMessages && characters <= maxCharacters) break;
    if (leaves[index] !== true) continue;
    limit = count > maxMessages ? 'maxMessages' : 'maxCharacters';
    leftOut.add(index);
    count -= 1;
    characters -= message.content.length;
  }
  const fits = count <= maxMessages && characters <= maxCharacters;
  if (leftOut.size === 0) return { conversation, leftOut: [], fits };
  const gone = messages.filter((_, index) => leftOut.has(index));
  context?.emit(contextTruncated, {
    subject: 'conversation',
    limit,
    keptCount: count,
    leftOutCount: gone.length,
    keptCharacters: characters,
    leftOutCharacters: charactersOf(gone),
  });
  return { conversation: { ...conversation, messages: messages.filter((_, index) => !leftOut.has(index)) }, leftOut: gone, fits };
}

function charactersOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
}

function checkLimit(option: string, limit: number): void {
  if (limit === Number.POSITIVE_INFINITY || (Number.isInteger(limit) && limit >= 1)) return;
  throw new StageflowError(recordInvalid, { subject: `"${option}"`, expected: 'a whole number of at least 1', received: String(limit) });
}
