import { expect, test } from 'vitest';
import { appendMessage, type Conversation, lastMessage } from './conversation.ts';

const empty: Conversation = { messages: [], routing: { route: 'support', confidence: 0.9 } };

test('a message that is appended leaves the conversation that was given as it was', () => {
  const asked = appendMessage(empty, { role: 'user', content: 'Hello' });
  const answered = appendMessage(asked, { role: 'assistant', content: 'Hi' }, { role: 'user', content: 'How are you?' });
  expect([empty, asked, answered].map(({ messages }) => messages.length)).toEqual([0, 1, 3]);
  expect(answered.routing).toEqual({ route: 'support', confidence: 0.9 });
});

test('the last message of a role is the newest one, and undefined where there is none', () => {
  const talk = appendMessage(
    empty,
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' },
  );
  expect(lastMessage(talk, 'user')?.content).toBe('three');
  expect(lastMessage(talk, 'assistant')?.content).toBe('two');
  expect(lastMessage(talk, 'tool')).toBeUndefined();
});
