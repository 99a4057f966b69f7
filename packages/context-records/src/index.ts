export { appendMessage, type Conversation, lastMessage } from './conversation.ts';
export type { DocumentBlock, DocumentContent } from './document-content.ts';
export {
  checksumOf,
  type Enrichment,
  type EnrichmentData,
  type EnrichmentKinds,
  type EnrichmentOptions,
  enrichment,
  isIntact,
  isStale,
} from './enrichment.ts';
export { contextConflict, recordInvalid } from './errors.ts';
export { type Conflict, contextConflicted, contextTruncated, type Truncation } from './events.ts';
export { type MergeOptions, type MergeStrategy, mergeEnrichments } from './merge-enrichments.ts';
export type { Message, MessageRole } from './message.ts';
export type { Profile } from './profile.ts';
export type { Recollection } from './recollection.ts';
export type { RoutingDecision } from './routing-decision.ts';
export { type TruncatedConversation, type TruncateOptions, truncateConversation } from './truncate-conversation.ts';
