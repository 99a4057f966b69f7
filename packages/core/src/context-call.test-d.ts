import { guard, inputs, optional, pass, type StageContext, type StageOutcome, services, settled, skip, stage, work } from '@stageflow/core';
import { expectTypeOf, test } from 'vitest';

declare const context: StageContext;

const { city, days } = inputs<{ city: string; days: number }>();
const { model } = services<{ model: { ask(): string } }>();
const weather = stage('weather', { needs: { city, days }, run: ({ city }) => ({ city, sunny: true }) });

test('a call yields what the stage yields', () => {
  expectTypeOf(context.call(weather, { city: 'Rome', days: 3 })).toEqualTypeOf<Promise<{ city: string; sunny: boolean }>>();
  expectTypeOf(context.call(weather, { city: 'Rome', days: 3 }, { key: 'rome' })).resolves.toHaveProperty('sunny');
});

test('the values of a call are checked', () => {
  // @ts-expect-error days is missing
  void context.call(weather, { city: 'Rome' });
  // @ts-expect-error days is no text
  void context.call(weather, { city: 'Rome', days: '3' });
  // @ts-expect-error the stage reads no such thing
  void context.call(weather, { city: 'Rome', days: 3, year: 2026 });
  // @ts-expect-error there are no values
  void context.call(weather);
  // @ts-expect-error a key is a text
  void context.call(weather, { city: 'Rome', days: 3 }, { key: 7 });
  // @ts-expect-error what is called is a stage
  void context.call('weather', { city: 'Rome' });
});

test('a stage that reads nothing takes no values, and services are values', () => {
  const plain = stage('plain', { run: () => 1 });
  expectTypeOf(context.call(plain, {})).resolves.toBeNumber();
  const asks = work('asks', { needs: { model }, run: ({ model }) => model.ask() });
  expectTypeOf(context.call(asks, { model: { ask: () => 'x' } })).resolves.toBeString();
  // @ts-expect-error the service is of another type
  void context.call(asks, { model: { ask: () => 7 } });
});

test('a stage that may be skipped yields undefined then', () => {
  const off = stage('off', { run: () => (Math.random() > 0.5 ? String(1) : skip('no')) });
  expectTypeOf(context.call(off, {})).resolves.toEqualTypeOf<string | undefined>();
});

test('the values are those that the function receives: through optional with undefined, through settled an outcome', () => {
  const base = stage('base', { run: () => (Math.random() > 0.5 ? Math.random() : skip('no')) });
  const reads = stage('reads', { needs: { maybe: optional(base), outcome: settled(base) }, run: ({ maybe }) => maybe ?? 0 });
  void context.call(reads, { maybe: undefined, outcome: { status: 'skipped', reason: 'no' } });
  // @ts-expect-error the outcome is missing
  void context.call(reads, { maybe: 1 });
  const outcome: StageOutcome<number> = { status: 'completed', output: 1 };
  void context.call(reads, { maybe: 1, outcome });
});

test('a guard takes its subject', () => {
  const safe = guard('safe', { subject: city, check: () => pass() });
  expectTypeOf(context.call(safe, { subject: 'Rome' })).resolves.toBeString();
  // @ts-expect-error the subject is a text
  void context.call(safe, { subject: 7 });
});
