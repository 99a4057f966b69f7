import { createRuntime } from '@stageflow/core';
import type { RunStore } from '@stageflow/core/ports';
import { order } from './pipeline.ts';

/** What there is to see of an order, whichever store has kept it. */
export interface OrderSeen {
  /** How the run rested, and what it asked. */
  readonly asked: { readonly status: string; readonly requests: readonly unknown[] };
  /** How it ended, and what it yielded. */
  readonly ended: { readonly status: string; readonly outputs: unknown };
  /** What the store has of its stages, by path. */
  readonly journal: Readonly<Record<string, string>>;
}

/** Begins an order on one runtime, and answers what it asks and ends it on another. Only the store is different. */
export async function orderOn(store: RunStore): Promise<OrderSeen> {
  const first = createRuntime({ pipelines: [order], store });
  const asked = await first.run(
    order,
    {
      articles: new Map([
        ['loom', 2],
        ['shuttle', 5],
      ]),
    },
    { runId: 'order-7' },
  );
  await first.close();

  const second = createRuntime({ pipelines: [order], store });
  const waits = await second.waits({ runId: asked.runId });
  for (const { waitId } of waits) await second.decide(waitId, { by: 'Ada' });
  const ended = await second.resume(asked.runId);
  await second.close();

  const kept = await store.load(asked.runId, undefined);
  const ends = kept?.records.filter(({ status }) => status !== 'intent') ?? [];
  return {
    asked: { status: asked.status, requests: waits.map(({ request }) => request) },
    ended: { status: ended.status, outputs: ended.outputs },
    journal: Object.fromEntries(ends.map(({ path, status, output }) => [path, `${status} ${output}`])),
  };
}
