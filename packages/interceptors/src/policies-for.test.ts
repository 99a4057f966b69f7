import { branch, inputs, map, pipeline, route, stage, subpipeline } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { policiesFor } from './policies-for.ts';

const http = ['http'];
const items = stage('items', { run: () => [1, 2] });
const fetched = map('fetched', items, (item) => stage('fetch', { needs: { item }, tags: http, run: ({ item }) => item }));
const { text } = inputs<{ text: string }>();
const way = route('way', { needs: { text }, tags: http, run: () => 'a' as const });
const picked = branch('picked', way, { a: stage('arm', { tags: http, run: () => 1 }) });
const lookUp = stage('look-up', { kind: 'enrich', needs: { text }, tags: ['db', 'http'], run: ({ text }) => text });
const child = pipeline('child', { outputs: { lookUp } });
const nested = subpipeline('nested', child, { text });
const plain = stage('plain', { run: () => 1 });
const whole = pipeline('whole', { outputs: { fetched, picked, nested, plain } });

test('names every stage that matches, at any depth, and no region', () => {
  const policy = { timeoutMs: 5 };
  const names = (scope: Parameters<typeof policiesFor>[1]) => Object.keys(policiesFor(whole.plan, scope, policy)).sort();
  expect(names({ tags: ['http'] })).toEqual(['arm', 'fetched/fetch', 'nested/look-up', 'way']);
  expect(names({ tags: ['http'], kinds: ['enrich'] })).toEqual(['nested/look-up']);
  expect(names({ stages: ['plain', 'fetch'] })).toEqual(['fetched/fetch', 'plain']);
  expect(names({ tags: [] })).toEqual([]);
  expect(names({})).toEqual(['arm', 'fetched/fetch', 'items', 'nested/look-up', 'plain', 'way']);
});

test('is what configure() takes: the stages have the policy, the others have none', async () => {
  const clock = virtualClock();
  const slow = (name: string, tags: readonly string[]) =>
    stage(name, { tags, run: (_, { signal }) => clock.sleep(100, signal).then(() => name) });
  const both = pipeline('both', { failureMode: 'continue', outputs: { remote: slow('remote', http), local: slow('local', []) } });
  const impatient = both.configure(policiesFor(both.plan, { tags: http }, { timeoutMs: 10, retry: { attempts: 2, baseMs: 0 } }));
  const run = await clock.settle(impatient.run({}, { clock }));
  expect([run.stages.get('remote')?.status, run.stages.get('remote')?.attempts]).toEqual(['failed', 2]);
  expect([run.stages.get('local')?.status, run.stages.get('local')?.attempts]).toEqual(['completed', 1]);
});
