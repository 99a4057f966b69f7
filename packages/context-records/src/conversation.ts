import type { Message, MessageRole } from './message.ts';
import type { RoutingDecision } from './routing-decision.ts';

/** What was said, oldest first, and who was chosen to answer. */
export interface Conversation {
  readonly messages: readonly Message[];
  readonly routing?: RoutingDecision | undefined;
}

/**
 * A conversation that goes on. The one that was given stays as it is.
 *
 * @example
 * ```ts
 * const asked = appendMessage({ messages: [] }, { role: 'user', content: 'Where is my order?', at: now() });
 * ```
 */
export function appendMessage(conversation: Conversation, ...messages: readonly Message[]): Conversation {
  return { ...conversation, messages: [...conversation.messages, ...messages] };
}

/** The newest message of `role`; `undefined` where there is none. */
export function lastMessage(conversation: Conversation, role: MessageRole): Message | undefined {
  return conversation.messages.findLast((message) => message.role === role);
}
