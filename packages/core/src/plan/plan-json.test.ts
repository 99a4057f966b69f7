import { describe, expect, test } from 'vitest';
import { definePipeline } from '../define.ts';
import { firstOf, optional, settled } from '../edge.ts';
import { guard, pass } from '../guard.ts';
import { inputs, services } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import { work } from '../work.ts';
import { planJson } from './plan-json.ts';

const text: Schema<string> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as string }) } };
const run = (): string => 'x';

const input = inputs({ text });
const { model } = services<{ model: object }>();
const safe = guard('safe', { subject: input.text, failOpen: true, check: () => pass() });
const intent = route('intent', { needs: { text: safe }, run: () => 'order' as 'order' | 'question' });
const order = stage('order', { needs: { text: safe, model }, when: intent.is('order'), timeoutMs: 10, retry: { attempts: 2 }, run });
const question = stage('question', { kind: 'agent', when: intent.is('question'), output: text, run });
const profile = stage('profile', {
  kind: 'enrich',
  needs: { text: input.text },
  when: () => true,
  onFailure: 'skip',
  tags: ['slow'],
  version: '3',
  run,
});
const answer = stage('answer', {
  needs: { reply: firstOf(order, question), profile: optional(profile), maybe: optional(firstOf(order, question)) },
  after: [safe],
  run,
});
const audit = work('audit', { needs: { how: settled(answer) }, run });
const chat = pipeline('chat', {
  version: '2',
  outputs: { answer, text: input.text },
  also: { audit },
  failureMode: 'continue',
  maxConcurrency: 4,
  deadlineMs: 1_000,
});

const defined = definePipeline({
  name: 'chat',
  version: '2',
  stages: [
    { name: 'audit', kind: 'work', needs: { how: { settled: 'answer' } }, run },
    {
      name: 'answer',
      needs: {
        reply: { firstOf: ['order', 'question'] },
        profile: { optional: 'profile' },
        maybe: { firstOf: ['order', 'question'], optional: true },
      },
      after: ['safe'],
      run,
    },
    {
      name: 'profile',
      kind: 'enrich',
      needs: { text: { input: 'text', schema: text } },
      when: () => true,
      onFailure: 'skip',
      tags: ['slow'],
      version: '3',
      run,
    },
    { name: 'question', kind: 'agent', when: { route: 'intent', is: ['question'] }, output: text, run },
    {
      name: 'order',
      needs: { text: 'safe', model: { service: 'model' } },
      when: { route: 'intent', is: ['order'] },
      timeoutMs: 10,
      retry: { attempts: 2 },
      run,
    },
    { name: 'intent', kind: 'route', needs: { text: 'safe' }, run },
    { name: 'safe', kind: 'guard', subject: { input: 'text', schema: text }, failOpen: true, run: () => pass() },
  ],
  outputs: { answer: 'answer', text: { input: 'text', schema: text } },
  also: ['audit'],
  failureMode: 'continue',
  maxConcurrency: 4,
  deadlineMs: 1_000,
});

describe('planJson()', () => {
  test('is equal for the same graph written by reference and as data, whatever the order of the data', () => {
    expect(planJson(defined.plan)).toEqual(planJson(chat.plan));
  });

  test('survives JSON unchanged: it has no functions, no undefined, no schema', () => {
    const json = planJson(chat.plan);
    expect(JSON.parse(JSON.stringify(json))).toStrictEqual(json);
  });

  test('is what the golden file says', async () => {
    await expect(`${JSON.stringify(planJson(chat.plan), undefined, 2)}\n`).toMatchFileSnapshot('../../test/golden/plan.txt');
  });

  test('says every limit that is a number, of the pipeline and of a stage', () => {
    const limits = { timeoutMs: 1, idleMs: 2, budgetMs: 3, graceMs: 4 };
    const policy = { maxConcurrency: 5, deadlineMs: 6, graceMs: 7, cleanupMs: 8 };
    const json = planJson(pipeline('p', { outputs: { it: stage('it', { ...limits, run }) }, ...policy, failureMode: 'continue' }).plan);
    expect(json.limits).toEqual(policy);
    expect(json.stages[0]?.limits).toEqual(limits);
  });

  test('says which inputs have a contract', () => {
    const { plain } = inputs<{ plain: string }>();
    const json = planJson(pipeline('p', { outputs: { it: stage('it', { run }), plain, text: input.text } }).plan);
    expect(json.inputs).toEqual([
      { name: 'plain', contract: false },
      { name: 'text', contract: true },
    ]);
  });

  test('says nothing of what has its default', () => {
    const plain = pipeline('p', { outputs: { it: stage('it', { run }) } });
    expect(planJson(plain.plan)).toStrictEqual({
      stageflow: 1,
      name: 'p',
      inputs: [],
      services: [],
      stages: [{ name: 'it', kind: 'transform', needs: [], handled: false }],
      outputs: [{ key: 'it', read: 'value', from: ['it'] }],
      also: [],
    });
  });
});
