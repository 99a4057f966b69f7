import { isStageflowError } from '@stageflow/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emittedIn } from '../test/emitted-in.ts';
import type { Conversation } from './conversation.ts';
import { recordInvalid } from './errors.ts';
import { contextTruncated } from './events.ts';
import type { Message } from './message.ts';
import { truncateConversation } from './truncate-conversation.ts';

const said = (role: string, content: string): Message => ({ role, content });
const talk: Conversation = {
  messages: [said('system', 'be kind'), said('user', 'one'), said('assistant', 'three'), said('user', 'four')],
};

describe('truncateConversation', () => {
  test('leaves the oldest out, and keeps what the system said and the newest', () => {
    const { conversation, leftOut, fits } = truncateConversation(talk, { maxMessages: 3 });
    expect(conversation.messages.map(({ content }) => content)).toEqual(['be kind', 'three', 'four']);
    expect(leftOut).toEqual([said('user', 'one')]);
    expect(fits).toBe(true);
  });

  test('counts the characters of what is left, what is always kept among them', () => {
    const contents = (maxCharacters: number) =>
      truncateConversation(talk, { maxCharacters }).conversation.messages.map(({ content }) => content);
    expect(contents(19)).toEqual(['be kind', 'one', 'three', 'four']);
    expect(contents(18)).toEqual(['be kind', 'three', 'four']);
    expect(contents(11)).toEqual(['be kind', 'four']);
  });

  test('keeps the newest message whole where it alone is too long, and says that it does not fit', () => {
    const { conversation, fits } = truncateConversation({ messages: [said('user', 'far too long')] }, { maxCharacters: 3 });
    expect(conversation.messages).toEqual([said('user', 'far too long')]);
    expect(fits).toBe(false);
  });

  test('keeps what `keep` says', () => {
    const { conversation } = truncateConversation(talk, { maxMessages: 2, keep: ({ content }) => content === 'one' });
    expect(conversation.messages.map(({ content }) => content)).toEqual(['one', 'four']);
  });

  test('emits one event in numbers for what it left out, and none where nothing was', async () => {
    const emitted = await emittedIn((context) => {
      truncateConversation(talk, { maxMessages: 9, context });
      truncateConversation(talk, { maxMessages: 2, context });
      truncateConversation(talk, { maxCharacters: 18, context });
    });
    const payloads = emitted.filter(contextTruncated.is).map(({ payload }) => payload);
    expect(payloads).toEqual([
      {
        subject: 'conversation',
        limit: 'maxMessages',
        keptCount: 2,
        leftOutCount: 2,
        keptCharacters: 11,
        leftOutCharacters: 8,
      },
      {
        subject: 'conversation',
        limit: 'maxCharacters',
        keptCount: 3,
        leftOutCount: 1,
        keptCharacters: 16,
        leftOutCharacters: 3,
      },
    ]);
    expect(emitted).toHaveLength(2);
  });

  test('refuses a limit that is no whole number of at least 1', () => {
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      for (const options of [{ maxMessages: limit }, { maxCharacters: limit }]) {
        expect(() => truncateConversation(talk, options)).toThrow(expect.toSatisfy((error) => isStageflowError(error, recordInvalid)));
      }
    }
    expect(() => truncateConversation(talk, { maxMessages: 1, maxCharacters: 1 })).not.toThrow();
  });

  test('loses nothing, keeps the order, and leaves out no more than the limits ask for', () => {
    const messages = fc.array(fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: fc.string({ maxLength: 8 }) }));
    const limits = fc.record({ maxMessages: fc.integer({ min: 1, max: 8 }), maxCharacters: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(messages, limits, (messages, limits) => {
        const { conversation, leftOut, fits } = truncateConversation({ messages }, limits);
        const left = conversation.messages;
        expect(messages.filter((message) => left.includes(message))).toEqual(left);
        expect(messages.filter((message) => leftOut.includes(message))).toEqual(leftOut);
        expect(left.length + leftOut.length).toBe(messages.length);
        expect(left.at(-1)).toBe(messages.at(-1));
        const within = (some: readonly Message[]) =>
          some.length <= limits.maxMessages && some.map(({ content }) => content).join('').length <= limits.maxCharacters;
        expect(fits).toBe(within(left));
        const last = leftOut.at(-1);
        if (last !== undefined) expect(within(messages.filter((message) => left.includes(message) || message === last))).toBe(false);
        const twice = truncateConversation(conversation, limits);
        expect(twice.leftOut).toEqual([]);
      }),
    );
  });
});
