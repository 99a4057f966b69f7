import {
  createRuntime,
  type DeduplicateOptions,
  inputs,
  pipeline,
  type RunEvent,
  type Runtime,
  type StageContext,
  stage,
  work,
} from '@stageflow/core';
import type { IdempotencyStore } from '@stageflow/core/ports';
import { type IdempotencyOptions, idempotency } from '@stageflow/interceptors';
import { type RecordingSink, recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { type Mock, vi } from 'vitest';

/** What the shop sells. */
export interface Order {
  readonly id: string;
  readonly amount: number;
}

const { order } = inputs<{ order: Order }>();

/** How a payment is made. */
export type Pay = (order: Order, context: StageContext) => unknown;

/** A pipeline of one payment, made once for each order. */
export function paying(pay: Pay, deduplicate: true | Partial<DeduplicateOptions<{ order: Order }>> = {}, policy: object = {}) {
  const charge = work('charge', {
    needs: { order },
    idempotencyKey: ({ order }) => order.id,
    deduplicate: deduplicate === true ? true : { scope: 'payments', params: ({ order }) => order.amount, ...deduplicate },
    ...policy,
    run: ({ order }, context) => pay(order, context),
  });
  const receipt = stage('receipt', { needs: { charge }, run: ({ charge }) => charge });
  return pipeline('shop', { outputs: { receipt } });
}

/** A runtime of the shop. */
export interface Shop {
  readonly runtime: Runtime;
  readonly sink: RecordingSink;
  readonly clock: VirtualClock;
  /** Runs the pipeline, and lets as much time pass as it takes. */
  buy(order: Order, options?: object): ReturnType<ReturnType<typeof paying>['run']>;
}

/** A runtime on `store`. */
export function shopOn(
  store: IdempotencyStore,
  shop: ReturnType<typeof paying>,
  { clock = virtualClock(), ...options }: { readonly clock?: VirtualClock } & Partial<IdempotencyOptions> = {},
): Shop {
  const sink = recordingSink();
  const runtime = createRuntime({ pipelines: [shop], clock, sinks: [sink], interceptors: [idempotency({ store, ...options })] });
  return { runtime, sink, clock, buy: (order, given = {}) => runtime.run(shop, { order }, given) };
}

/** Names of the events that a sink was told of one stage. */
export function namesOf(events: readonly RunEvent[]): string[] {
  return events.map((event) => (event.type === 'custom' ? event.name : event.type));
}

/** A payment that gives a number for each call. */
export function counting(): Mock<(order: Order) => unknown> {
  let calls = 0;
  return vi.fn(({ id }: Order): unknown => ({ id, number: ++calls }));
}
