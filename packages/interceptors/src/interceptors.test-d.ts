import { type CustomEvent, type Interceptor, isStageflowError, pipeline, type RunEvent, stage } from '@stageflow/core';
import type { RateLimiter } from '@stageflow/core/ports';
import {
  type BreakerEvent,
  breakerOpen,
  breakerOpened,
  bulkhead,
  bulkheadFull,
  circuitBreaker,
  memoryRateLimiter,
  policiesFor,
  rateLimit,
  rateLimited,
} from '@stageflow/interceptors';
import { expectTypeOf, test } from 'vitest';

test('what is thrown is narrowed by its definition', () => {
  const error: unknown = undefined;
  if (isStageflowError(error, breakerOpen)) {
    expectTypeOf(error.code).toEqualTypeOf<'SF_BREAKER_OPEN'>();
    expectTypeOf(error.details.retryAfterMs).toEqualTypeOf<number>();
    expectTypeOf(error.details.state).toEqualTypeOf<'open' | 'half-open'>();
  }
  if (isStageflowError(error, bulkheadFull)) expectTypeOf(error.details.why).toEqualTypeOf<'queue_full' | 'queue_timeout'>();
  if (isStageflowError(error, rateLimited)) expectTypeOf(error.details.calls).toEqualTypeOf<number>();
});

test('events are narrowed by their definition', () => {
  const event = {} as RunEvent;
  if (breakerOpened.is(event)) expectTypeOf(event).toEqualTypeOf<CustomEvent<BreakerEvent>>();
});

test('all are interceptors, and a key knows the stage', () => {
  expectTypeOf(circuitBreaker({ name: 'a', key: ({ identity, stage }) => `${identity.tenantId} ${stage}` })).toExtend<Interceptor>();
  expectTypeOf(bulkhead({ name: 'a', capacity: 1 })).toExtend<Interceptor>();
  expectTypeOf(rateLimit({ name: 'a', limiter: memoryRateLimiter(), limit: { calls: 1, perMs: 1 } })).toEqualTypeOf<Interceptor>();
  expectTypeOf(memoryRateLimiter()).toEqualTypeOf<RateLimiter>();
  // @ts-expect-error a key is a string: calls that have none must not share one
  circuitBreaker({ name: 'a', key: ({ identity }) => identity.tenantId });
  // @ts-expect-error a queue has an end
  bulkhead({ name: 'a', capacity: 1, queue: { limit: 10 } });
});

test('policies for many stages are what configure() takes', () => {
  const p = pipeline('p', { outputs: { one: stage('one', { run: () => 1 }) } });
  expectTypeOf(p.configure(policiesFor(p.plan, { tags: ['http'] }, { timeoutMs: 1 }))).toEqualTypeOf<typeof p>();
  // @ts-expect-error an option that is part of the stage itself
  policiesFor(p.plan, {}, { onFailure: 'skip' });
});
