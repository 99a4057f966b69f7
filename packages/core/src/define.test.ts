import { describe, expect, test } from 'vitest';
import { definePipeline, type PipelineSpecData } from './define.ts';
import { isStageflowError } from './errors.ts';
import { block, pass } from './guard.ts';

const run = (): number => 1;

function codesOf(spec: unknown): string[] {
  try {
    definePipeline(spec as PipelineSpecData);
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ code }) => code);
    if (isStageflowError(error)) return [error.code];
    throw error;
  }
  return [];
}

describe('definePipeline()', () => {
  test('runs a graph from data with every kind of edge', async () => {
    const defined = definePipeline({
      name: 'order',
      version: '1',
      stages: [
        {
          name: 'safe',
          kind: 'guard',
          subject: { input: 'text' },
          needs: { limit: { service: 'limit' } },
          run: ({ subject, limit }) => (String(subject).length < Number(limit) ? pass() : block('too long')),
        },
        {
          name: 'intent',
          kind: 'route',
          needs: { text: 'safe' },
          run: ({ text }) => (String(text).startsWith('buy') ? 'order' : 'question'),
        },
        { name: 'order', when: { route: 'intent', is: ['order'] }, run: () => 'ordered' },
        { name: 'question', when: { route: 'intent', is: ['question'] }, run: () => 'answered' },
        { name: 'never', when: ({ text }) => text === 'never', needs: { text: 'safe' }, run: () => 'never' },
        {
          name: 'reply',
          needs: {
            text: { firstOf: ['order', 'question'] },
            never: { optional: 'never' },
            none: { firstOf: ['never', 'never'], optional: true },
            how: { settled: 'never' },
          },
          after: ['intent'],
          run: ({ text, never, none, how }) => [text, never, none, (how as unknown as { status: string }).status],
        },
        {
          name: 'audit',
          kind: 'work',
          needs: { reply: 'reply' },
          idempotencyKey: () => 'k',
          run: (_, { idempotencyKey }) => idempotencyKey,
        },
      ],
      outputs: { reply: 'reply', text: { input: 'text' } },
      also: ['audit'],
    });
    const ended = await defined.runOrThrow({ text: 'buy milk' }, { services: { limit: 20 } });
    expect(ended.outputs).toEqual({ reply: ['ordered', undefined, undefined, 'skipped'], text: 'buy milk' });
    expect(ended.stages.get('audit')?.outcome).toEqual({ status: 'completed', output: 'k' });
    expect(await defined.run({ text: 'x'.repeat(30) }, { services: { limit: 20 } })).toMatchObject({
      status: 'blocked',
      blockedBy: 'safe',
    });
    expect([defined.name, defined.version, Object.isFrozen(defined)]).toEqual(['order', '1', true]);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['an empty object', {}],
    ['a reference of a kind there is none of', { upstream: 'a' }],
    ['an input whose name is no string', { input: 7 }],
    ['a service whose name is no string', { service: null }],
    ['an optional of something else', { optional: { optional: 'a' } }],
    ['a settled of something else', { settled: ['a'] }],
    ['a firstOf of one', { firstOf: 'a' }],
  ])('refuses %s as a source', (_, source) => {
    expect(
      codesOf({
        name: 'p',
        stages: [
          { name: 'a', run },
          { name: 'b', needs: { a: 'a', source }, run },
        ],
        outputs: { b: 'b' },
      }),
    ).toEqual(['SF_UNKNOWN_SOURCE']);
  });

  test('refuses a guard without a subject', () => {
    expect(codesOf({ name: 'p', stages: [{ name: 'safe', kind: 'guard', run }], outputs: { safe: 'safe' } })).toEqual([
      'SF_UNKNOWN_SOURCE',
    ]);
  });

  test('refuses what cannot be read as a pipeline at all', () => {
    expect(codesOf({ name: 'p', outputs: {} })).toEqual(['SF_POLICY_INVALID']);
    expect(codesOf(null as never)).toEqual(['SF_POLICY_INVALID']);
    expect(codesOf({ name: 'p', stages: [], outputs: undefined })).toEqual(['SF_PLAN_EMPTY']);
  });

  test('leaves the data it was given alone', () => {
    const spec: PipelineSpecData = {
      name: 'p',
      stages: [
        { name: 'b', needs: { a: 'a' }, run },
        { name: 'a', run },
      ],
      outputs: { b: 'b' },
    };
    const before = JSON.stringify(spec);
    definePipeline(spec).configure({ a: { timeoutMs: 5 } });
    expect(JSON.stringify(spec)).toBe(before);
  });
});
