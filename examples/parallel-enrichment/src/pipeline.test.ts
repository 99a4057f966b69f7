import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { welcomeBack } from './pipeline.ts';
import type { Shop } from './shop.ts';

const shop: Shop = {
  profile: async () => ({ name: 'Grace' }),
  orders: async () => ['a compiler'],
  suggestions: async () => ['a moth'],
};

describe('welcomeBack', () => {
  test('puts together what all three services know', async () => {
    const { outputs } = await welcomeBack.runOrThrow({ customerId: 'c' }, { services: { shop } });
    expect(outputs.welcome).toBe('Welcome back, Grace. You bought a compiler. How about a moth?');
  });

  test('asks the three services at the same time', async () => {
    const events: string[] = [];
    const sink = { name: 'order of events', emit: (event: { type: string }) => void events.push(event.type) };
    await welcomeBack.runOrThrow({ customerId: 'c' }, { services: { shop }, sinks: [sink] });
    const stages = events.filter((type) => type.startsWith('stage.'));
    expect(stages.slice(0, 4)).toEqual(['stage.started', 'stage.started', 'stage.started', 'stage.completed']);
  });

  test('does without suggestions that fail', async () => {
    let calls = 0;
    const suggestions = async (): Promise<never> => {
      calls += 1;
      throw new Error('the model is down');
    };
    const run = await welcomeBack.runOrThrow({ customerId: 'c' }, { services: { shop: { ...shop, suggestions } } });
    expect(calls).toBe(1);
    expect(run.stages.get('suggestions')?.status).toBe('skipped');
    expect(run.outputs.welcome).toBe('Welcome back, Grace. You bought a compiler.');
  });

  test('does not do without orders that fail', async () => {
    const orders = (): Promise<never> => Promise.reject(new Error('no such table'));
    const run = await welcomeBack.run({ customerId: 'c' }, { services: { shop: { ...shop, orders } } });
    expect(run.status).toBe('failed');
    expect(run.outputs.welcome).toBeUndefined();
  });

  test('gets over a bad day when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed.split('\n')).toEqual([
      'Welcome back, Ada. You bought a slide rule and a card reader.',
      'profile      completed  attempts: 2',
      'orders       completed  attempts: 1',
      'suggestions  skipped    attempts: 1',
      'welcome      completed  attempts: 1',
      '',
    ]);
  });
});
