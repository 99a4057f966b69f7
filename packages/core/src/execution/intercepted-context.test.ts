import { type DeclaredEffect, type InterceptedStage, type Interceptor, inputs, pipeline, services, stage, work } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';

const { id } = inputs<{ id: string }>();
const { bank } = services<{ bank: { name: string } }>();

/** Keeps what `look` makes of each stage. */
function looking<T>(look: (stage: InterceptedStage) => T): { readonly seen: T[]; readonly interceptor: Interceptor } {
  const seen: T[] = [];
  const interceptor: Interceptor = {
    name: 'look',
    deduplicates: true,
    stage: (stage, next) => {
      seen.push(look(stage));
      return next();
    },
  };
  return { seen, interceptor };
}

test('an interceptor sees which calls of an effect are one call', async () => {
  const { seen, interceptor } = looking<DeclaredEffect | undefined>(({ effect }) => effect);
  const declared = { scope: 'payments', params: ({ id }: { id: string }) => [id], ttlMs: 5 };
  const plain = work('plain', { needs: { id }, run: () => 1 });
  const keyed = work('keyed', { needs: { id }, after: [plain], idempotencyKey: ({ id }) => id, run: () => 1 });
  const asks = work('asks', { needs: { id }, after: [keyed], idempotencyKey: ({ id }) => id, deduplicate: true, run: () => 1 });
  const all = work('all', { needs: { id }, after: [asks], idempotencyKey: ({ id }) => id, deduplicate: declared, run: () => 1 });
  await pipeline('p', { outputs: { all } }).runOrThrow({ id: '7' }, { interceptors: [interceptor] });
  const nothing = { scope: undefined, params: undefined, ttlMs: undefined };
  expect(seen).toEqual([
    undefined,
    { key: '7', ...nothing },
    { key: '7', ...nothing },
    { key: '7', scope: 'payments', params: ['7'], ttlMs: 5 },
  ]);
});

test('an interceptor knows the services among the values, and the clock of the run', async () => {
  const clock = virtualClock();
  const { seen, interceptor } = looking(({ serviceKeys, clock }) => ({ serviceKeys, clock }));
  const pay = stage('pay', { needs: { id, via: bank }, run: ({ via }) => via.name });
  await pipeline('p', { outputs: { pay } }).runOrThrow(
    { id: '7' },
    { services: { bank: { name: 'b' } }, interceptors: [interceptor], clock },
  );
  expect(seen).toEqual([{ serviceKeys: ['via'], clock }]);
});
