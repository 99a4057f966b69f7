import { recordingSink } from '@stageflow/testing';
import { expect, test } from 'vitest';
import { defineEvent } from './define-event.ts';
import type { RunEvent } from './event.ts';
import { pipeline } from './pipeline.ts';
import type { Schema } from './schema.ts';
import { stage } from './stage.ts';

const total: Schema<{ total: number }, { total: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { total } = value as { total: number };
      return typeof total === 'number' ? { value: { total } } : { issues: [{ message: 'expected a number', path: ['total'] }] };
    },
  },
};
const priced = defineEvent('cart.priced', total);

test('an event of one’s own travels among those of the run, numbered with them, with what its schema made of the payload', async () => {
  const sink = recordingSink();
  const price = stage('price', { run: (_, { emit }) => emit(priced, { total: 12, secret: 'x' } as { total: number }) });
  await pipeline('cart', { outputs: { price } }).run({}, { runId: 'r', sinks: [sink] });
  const custom = sink.events.filter((event) => priced.is(event));
  expect(custom).toMatchObject([
    { type: 'custom', name: 'cart.priced', payload: { total: 12 }, runId: 'r', stage: 'price', path: 'price', attempt: 1, seq: 4 },
  ]);
  expect(custom[0]?.payload).not.toHaveProperty('secret');
});

test('is() tells its own events from those of others', () => {
  const event = { type: 'custom', name: 'cart.priced', payload: { total: 1 } } as RunEvent;
  expect(priced.is(event)).toBe(true);
  expect(priced.is({ ...event, name: 'cart.emptied' } as RunEvent)).toBe(false);
  expect(priced.is({ type: 'run.started', name: 'cart.priced' } as unknown as RunEvent)).toBe(false);
  expect(Object.isFrozen(priced)).toBe(true);
});

test('a payload that breaks the schema is not emitted, and the stage that catches the error goes on', async () => {
  const sink = recordingSink();
  const price = stage('price', {
    run: (_, { emit }) => {
      try {
        emit(priced, {} as never);
        return 'emitted';
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
  });
  const run = await pipeline('cart', { outputs: { price } }).run({}, { sinks: [sink] });
  expect(run.outputs.price).toBe('SF_EVENT_INVALID');
  expect(sink.of('custom')).toEqual([]);
});
