import { describe, expect, test } from 'vitest';
import { firstOf, optional, settled } from '../edge.ts';
import { guard, pass } from '../guard.ts';
import { inputs, services } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';
import { toDot } from './dot.ts';
import { toMermaid } from './mermaid.ts';

const run = (): string => 'x';
const { text } = inputs<{ text: string }>();
const { model } = services<{ model: object }>();
const safe = guard('safe', { subject: text, check: () => pass() });
const intent = route('intent', { needs: { text: safe }, run: () => 'order' as 'order' | 'question' | 'chat' });
const order = stage('order', { needs: { text: safe, model }, when: intent.is('order', 'chat'), run });
const question = stage('question', { kind: 'agent', when: intent.is('question'), run });
const profile = stage('profile', { kind: 'enrich', needs: { text }, when: () => true, run });
const answer = stage('answer', {
  needs: { reply: firstOf(order, question), profile: optional(profile), maybe: optional(firstOf(order, question)) },
  after: [safe],
  run,
});
const audit = work('audit', { needs: { how: settled(answer) }, run });
const chat = pipeline('chat', { outputs: { answer, text }, also: { audit } });

/** Names that end a label, open a tag or start a line where they are not escaped. */
const hostileNames = [
  'say "hi"',
  'a -->|x| b',
  'a;b#35;',
  '<b onclick=x>',
  '&lt;',
  'back\\slash',
  '`tick`',
  '(round) {curly}',
  'subgraph end',
  '%%',
  'größe 回答 👩‍🚀',
];
const hostileStages = hostileNames.map((name) => stage(name, { run }));
const forks = route('fork " -->', { run: () => 'x"]\n  click' as const });
const gated = stage('gated', {
  when: forks.is('x"]\n  click'),
  needs: { given: inputs<Record<string, string>>()['in"put'] as never },
  run,
});
const hostile = pipeline('the "chat" \\ graph', {
  outputs: { ...Object.fromEntries(hostileStages.map((made, index) => [`k${index}`, made])), gated },
});

describe('toMermaid()', () => {
  test('draws every kind of stage and edge as in the golden file', async () => {
    await expect(toMermaid(chat.plan)).toMatchFileSnapshot('../../test/golden/chat.mmd');
  });

  test('escapes hostile names as in the golden file', async () => {
    await expect(toMermaid(hostile.plan)).toMatchFileSnapshot('../../test/golden/hostile.mmd');
  });

  test('has one line for each node and arrow, with labels that cannot end early', () => {
    for (const line of toMermaid(hostile.plan).trimEnd().split('\n').slice(1)) {
      expect(line).toMatch(/^ {2}(\w+[[({/]+"[^"<>&\\`]*"[\])}/]+|\w+ (-->|-\.->)(\|"[^"<>&\\`]*"\|)? \w+|style \w+ stroke-width:3px)$/);
    }
  });
});

describe('toDot()', () => {
  test('draws every kind of stage and edge as in the golden file', async () => {
    await expect(toDot(chat.plan)).toMatchFileSnapshot('../../test/golden/chat.dot');
  });

  test('escapes hostile names as in the golden file', async () => {
    await expect(toDot(hostile.plan)).toMatchFileSnapshot('../../test/golden/hostile.dot');
  });

  test('has one line for each node and arrow, with strings that cannot end early', () => {
    const [head, ...lines] = toDot(hostile.plan).trimEnd().split('\n');
    expect(head).toBe('digraph "the \\"chat\\" \\\\ graph" {');
    for (const line of lines.slice(1, -1)) {
      expect(line).toMatch(/^ {2}\w+( -> \w+)?( \[(label="([^"\\]|\\["\\])*"(, )?)?(shape=\w+)?(, penwidth=2)?(style=dashed)?\])?;$/);
    }
  });
});

test('an output that is an input or a service does not mark the stage of its name as wanted', () => {
  const { both } = inputs<{ both: string }>();
  const { other } = services<{ other: string }>();
  const stages = { both: stage('both', { needs: { both }, run }), other: stage('other', { needs: { other }, run }) };
  const reader = stage('reader', { needs: stages, run });
  const drawn = (outputs: object): number =>
    toMermaid(pipeline('p', { outputs: { reader, ...outputs } }).plan).split('  style ').length - 1;
  expect(drawn({ both, other })).toBe(1);
  expect(drawn(stages)).toBe(3);
});
