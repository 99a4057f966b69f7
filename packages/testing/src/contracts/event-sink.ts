import type { RunEvent } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import { customEvent, eventOf, eventTypes } from './event-sink-rows.ts';

/** A sink that keeps events, and a way to them. */
export interface EventSinkSubject {
  readonly sink: EventSink;
  /** What is kept of a run of a tenant, in order; nothing where nothing is. */
  readonly read: (runId: string, tenantId: string | undefined) => Promise<readonly RunEvent[]>;
}

/** More than fits into one batch. */
const many = 2_500;

/**
 * What every `EventSink` must do that keeps the events of runs to be read again: order, flush, every member of every
 * event, repeats, runs and tenants. A member that is `undefined` may be absent when it is read, as in JSON.
 *
 * @example
 * ```ts
 * import { eventSinkContract } from '@stageflow/testing';
 *
 * test.each(eventSinkContract)('$name', ({ run }) => {
 *   const sink = mySink();
 *   return run({ sink, read: (runId, tenantId) => sink.events(runId, tenantId) });
 * });
 * ```
 */
export const eventSinkContract: readonly ContractCase<EventSinkSubject>[] = [
  {
    name: 'flush(): what was emitted before can be read when it resolves, in the order it was emitted',
    async run({ sink, read }) {
      const events = await emitted(sink, [1, 2, 3].map(custom));
      await sink.flush?.();
      assertSame(await read('r-1', 't'), events, 'what is kept');
    },
  },
  {
    name: 'flush(): resolves where nothing was emitted, and as often as it is called',
    async run({ sink, read }) {
      await sink.flush?.();
      assertSame(await read('r-1', 't'), [], 'what is kept before');
      const events = await emitted(sink, [custom(1)]);
      await Promise.all([sink.flush?.(), sink.flush?.()]);
      await sink.flush?.();
      events.push(...(await emitted(sink, [custom(2)])));
      await sink.flush?.();
      assertSame(await read('r-1', 't'), events, 'what is kept');
    },
  },
  {
    name: 'emit(): of many events none is missing, and they are in order',
    async run({ sink, read }) {
      await emitted(
        sink,
        Array.from({ length: many }, (_, at) => custom(at + 1)),
      );
      await sink.flush?.();
      const kept = await read('r-1', 't');
      assertSame(
        kept.map(({ seq }) => seq),
        Array.from({ length: many }, (_, at) => at + 1),
        'the order of what is kept',
      );
    },
  },
  {
    name: 'emit(): every member of an event of every type comes back',
    async run({ sink, read }) {
      const events = await emitted(
        sink,
        eventTypes.map((type, at) => eventOf(type, { seq: at + 1 })),
      );
      await sink.flush?.();
      const kept = await read('r-1', 't');
      for (const [at, event] of events.entries()) assertSame(kept[at], event, event.type);
      assertSame(kept.length, events.length, 'how many are kept');
    },
  },
  {
    name: 'emit(): what an event carries comes back as it was, whatever text that is',
    async run({ sink, read }) {
      const texts = ['', 'e\u0301\u0000\ud83d\ude80 \' " \\ % {} \r\n\u2028', 'null', 'x'.repeat(300_000), '\\N', '\\u0000'];
      const events = await emitted(
        sink,
        texts.map((text, at) => customEvent({ text, [text.slice(0, 20)]: [null, true, 1.5] }, { seq: at + 1 })),
      );
      await sink.flush?.();
      assertSame(await read('r-1', 't'), events, 'what is kept');
    },
  },
  {
    name: 'emit(): one event that cannot be written takes no other with it',
    async run({ sink, read }) {
      const circle: Record<string, unknown> = {};
      circle['itself'] = circle;
      await emitted(sink, [custom(1)]);
      await emitted(sink, [customEvent(circle, { seq: 2 })]).catch(() => {});
      await emitted(sink, [custom(3)]);
      await sink.flush?.();
      const kept = await read('r-1', 't');
      assertSame(
        kept.map(({ seq }) => seq).filter((seq) => seq !== 2),
        [1, 3],
        'what is kept',
      );
    },
  },
  {
    name: 'emit(): an event that comes again is kept once, as it was first',
    async run({ sink, read }) {
      const events = await emitted(sink, [1, 2, 3].map(custom));
      await sink.flush?.();
      await emitted(sink, [1, 2, 3, 4].map(custom));
      await emitted(sink, [custom(4), customEvent('another', { seq: 2 })]);
      await sink.flush?.();
      assertSame(await read('r-1', 't'), [...events, custom(4)], 'what is kept');
    },
  },
  {
    name: 'emit(): activations of a run follow each other, and each counts from 1',
    async run({ sink, read }) {
      const events = await emitted(sink, [
        eventOf('run.started', { seq: 1 }),
        eventOf('run.suspended', { seq: 2 }),
        eventOf('run.started', { epoch: 2, seq: 1 }),
        eventOf('run.completed', { epoch: 2, seq: 2 }),
        eventOf('run.started', { epoch: 10, seq: 1 }),
      ]);
      await sink.flush?.();
      assertSame(await read('r-1', 't'), events, 'what is kept');
    },
  },
  {
    name: 'emit(): the announcement of drops stands before the event whose number it carries, and both are kept',
    async run({ sink, read }) {
      const events = await emitted(sink, [custom(1), eventOf('events.dropped', { seq: 7 }), custom(7), custom(8)]);
      await sink.flush?.();
      assertSame(await read('r-1', 't'), events, 'what is kept');
    },
  },
  {
    name: 'runs and tenants are told apart, whatever their ids hold',
    async run({ sink, read }) {
      const runIds = ['r-1', 'r-10', 'R-1', '', "r'1", 'r\\1', 'r\u0000', 'r\\u0000', 'r\\0000', 'e\u0301', 'é', '\ud800', '\ufffd'];
      const places = [
        ...runIds.map((runId) => ({ runId, tenantId: 't' })),
        ...[undefined, '', 'null', 'T', '=t', "t'1", 't\u0000', '\ud800', '\ufffd'].map((tenantId) => ({ runId: 'r-1', tenantId })),
      ];
      const events = await emitted(
        sink,
        places.map((place, at) => customEvent(at, { ...place, seq: 1 })),
      );
      await sink.flush?.();
      for (const [at, { runId, tenantId }] of places.entries()) {
        assertSame(await read(runId, tenantId), [events[at]], JSON.stringify({ runId, tenantId }));
      }
      assertSame(await read('r-2', 't'), [], 'a run that has no events');
    },
  },
];

function custom(seq: number): RunEvent {
  return customEvent(`payload ${seq}`, { seq });
}

/** Emits one after the other, as the queue of a runtime does. */
async function emitted(sink: EventSink, events: RunEvent[]): Promise<RunEvent[]> {
  for (const event of events) await sink.emit(event);
  return events;
}
