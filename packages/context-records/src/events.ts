import { defineEvent, type EventDefinition } from '@stageflow/core';
import { eventPayload } from './event-payload.ts';

/** What was left out of a context, in numbers. */
export type Truncation = {
  /** What was shortened: `conversation`, or a word of the host's. */
  readonly subject: string;
  /** Which limit did it: `maxMessages`, `maxCharacters`, or a word of the host's. */
  readonly limit: string;
  readonly keptCount: number;
  readonly leftOutCount: number;
  readonly keptCharacters: number;
  readonly leftOutCharacters: number;
};

/** Two enrichments of one thing that say different things. */
export type Conflict = {
  readonly kind: string;
  readonly id: string | undefined;
  readonly strategy: string;
  readonly oldVersion: number | undefined;
  readonly newVersion: number | undefined;
  readonly oldChecksum: string;
  readonly newChecksum: string;
};

/** Something was left out of a context, since it was too long. */
export const contextTruncated: EventDefinition<Truncation> = defineEvent(
  'context.truncated',
  eventPayload<Truncation>({
    subject: 'text',
    limit: 'text',
    keptCount: 'number',
    leftOutCount: 'number',
    keptCharacters: 'number',
    leftOutCharacters: 'number',
  }),
);

/** Two enrichments of one thing differed, and a strategy decided. */
export const contextConflicted: EventDefinition<Conflict> = defineEvent(
  'context.conflict',
  eventPayload<Conflict>({
    kind: 'text',
    id: 'text?',
    strategy: 'text',
    oldVersion: 'number?',
    newVersion: 'number?',
    oldChecksum: 'text',
    newChecksum: 'text',
  }),
);
