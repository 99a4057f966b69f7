import type { RunEvent } from '@stageflow/core';
import { type EventSinkSubject, eventSinkContract } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

/** A sink that breaks a promise, and the cases that say so. */
interface Mutant {
  readonly breaks: string;
  /** Members in place of some of the sink's own. */
  readonly change: (subject: EventSinkSubject) => Partial<EventSinkSubject['sink'] & Pick<EventSinkSubject, 'read'>>;
  readonly caughtBy: readonly string[];
}

/** Another turn, in which others come between. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Keeps events as lines, as a table would, when it is flushed. */
function keepingSink(): EventSinkSubject {
  const kept = new Map<string, { readonly event: RunEvent; readonly line: string }>();
  const taken: (readonly [string, { readonly event: RunEvent; readonly line: string }])[] = [];
  const place = ({ type }: RunEvent) => (type === 'events.dropped' ? 0 : 1);
  return {
    sink: {
      name: 'keeping',
      emit(event) {
        const { runId, tenantId, epoch, seq } = event;
        taken.push([JSON.stringify([tenantId ?? null, runId, epoch, seq, place(event)]), { event, line: JSON.stringify(event) }]);
      },
      async flush() {
        for (const [key, row] of taken.splice(0)) if (!kept.has(key)) kept.set(key, row);
      },
    },
    read: async (runId, tenantId) =>
      Array.from(kept.values())
        .filter(({ event }) => event.runId === runId && event.tenantId === tenantId)
        .sort((left, right) => {
          const [one, other] = [left.event, right.event];
          return one.epoch - other.epoch || one.seq - other.seq || place(one) - place(other);
        })
        .map(({ line }) => JSON.parse(line) as RunEvent),
  };
}

const emitting = (change: (event: RunEvent) => RunEvent): Mutant['change'] => {
  return ({ sink }) => ({ emit: (event) => sink.emit(change(event)) });
};

const reading = (change: (events: readonly RunEvent[]) => readonly RunEvent[]): Mutant['change'] => {
  return ({ read }) => ({ read: async (...run) => change(await read(...run)) });
};

const order = 'flush(): what was emitted before can be read when it resolves, in the order it was emitted';
const often = 'flush(): resolves where nothing was emitted, and as often as it is called';
const many = 'emit(): of many events none is missing, and they are in order';
const every = 'emit(): every member of an event of every type comes back';
const texts = 'emit(): what an event carries comes back as it was, whatever text that is';
const unwritable = 'emit(): one event that cannot be written takes no other with it';
const once = 'emit(): an event that comes again is kept once, as it was first';
const activations = 'emit(): activations of a run follow each other, and each counts from 1';
const drops = 'emit(): the announcement of drops stands before the event whose number it carries, and both are kept';
const apart = 'runs and tenants are told apart, whatever their ids hold';

const mutants: readonly Mutant[] = [
  {
    breaks: 'resolves a flush before it has written',
    change: ({ sink }) => ({ flush: async () => void turn().then(() => sink.flush?.()) }),
    caughtBy: [order, often, many],
  },
  { breaks: 'hands events out from the last to the first', change: reading((events) => events.toReversed()), caughtBy: [order, many] },
  {
    breaks: 'flushes once',
    change: ({ sink }) => {
      let flushes = 0;
      return { flush: async () => (flushes++ === 0 ? sink.flush?.() : undefined) };
    },
    caughtBy: [often],
  },
  {
    breaks: 'rejects a flush of nothing',
    change: ({ sink }) => {
      let isEmpty = true;
      return {
        emit: (event) => {
          isEmpty = false;
          return sink.emit(event);
        },
        flush: async () => {
          if (isEmpty) throw new Error('nothing to write');
          await sink.flush?.();
        },
      };
    },
    caughtBy: [often],
  },
  {
    breaks: 'loses the last event of each thousand',
    change: ({ sink }) => ({ emit: (event) => (event.seq % 1_000 === 0 ? undefined : sink.emit(event)) }),
    caughtBy: [many],
  },
  { breaks: 'hands out at most a thousand events', change: reading((events) => events.slice(0, 1_000)), caughtBy: [many] },
  {
    breaks: 'orders numbers as text',
    change: reading((events) => events.toSorted((one, other) => (`${one.epoch}/${one.seq}` < `${other.epoch}/${other.seq}` ? -1 : 1))),
    caughtBy: [many, activations],
  },
  { breaks: 'keeps whole milliseconds', change: emitting((event) => ({ ...event, at: Math.floor(event.at) })), caughtBy: [order, every] },
  {
    breaks: 'keeps the members that all stages have',
    change: emitting((event) => {
      const { type, stage, path, attempt, runId, tenantId, pipeline, epoch, seq } = event as RunEvent & {
        readonly stage: string;
        path: 1;
        attempt: 1;
      };
      return { type, stage, path, attempt, runId, tenantId, pipeline, epoch, seq } as unknown as RunEvent;
    }),
    caughtBy: [order, every],
  },
  {
    breaks: 'keeps the ends of runs alone',
    change: ({ sink }) => ({ emit: (event) => (event.type.startsWith('run.') || event.type === 'custom' ? sink.emit(event) : undefined) }),
    caughtBy: [every, drops],
  },
  {
    breaks: 'normalises text',
    change: ({ read }) => ({ read: async (...run) => JSON.parse(JSON.stringify(await read(...run)).normalize()) as RunEvent[] }),
    caughtBy: [texts],
  },
  {
    breaks: 'drops NUL from text',
    change: emitting((event) => JSON.parse(JSON.stringify(event).replaceAll('\\u0000', '')) as RunEvent),
    caughtBy: [texts],
  },
  {
    breaks: 'loses a batch of which one event cannot be written',
    change: ({ sink }) => {
      let batch: RunEvent[] = [];
      return {
        emit: (event) => void batch.push(event),
        flush: async () => {
          const events = batch;
          batch = [];
          try {
            JSON.stringify(events);
          } catch {
            return;
          }
          for (const event of events) await sink.emit(event);
          await sink.flush?.();
        },
      };
    },
    caughtBy: [unwritable],
  },
  {
    breaks: 'keeps an event as often as it comes',
    change: () => {
      const events: RunEvent[] = [];
      return {
        emit: (event) => void events.push(event),
        read: async (runId, tenantId) => events.filter((event) => event.runId === runId && event.tenantId === tenantId),
      };
    },
    caughtBy: [once],
  },
  {
    breaks: 'overwrites an event that comes again',
    change: () => {
      const events = new Map<string, RunEvent>();
      return {
        emit: (event) => void events.set(JSON.stringify([event.runId, event.tenantId ?? null, event.epoch, event.seq, event.type]), event),
        read: async (runId, tenantId) =>
          Array.from(events.values()).filter((event) => event.runId === runId && event.tenantId === tenantId),
      };
    },
    caughtBy: [once],
  },
  {
    breaks: 'takes what an activation tells for a repeat of the one before',
    change: ({ sink }) => {
      const seen = new Set<string>();
      return {
        emit: (event) => {
          const id = JSON.stringify([event.runId, event.tenantId ?? null, event.seq, event.type === 'events.dropped']);
          if (seen.has(id)) return;
          seen.add(id);
          return sink.emit(event);
        },
      };
    },
    caughtBy: [activations],
  },
  {
    breaks: 'takes the announcement of drops for the event after it',
    change: ({ sink }) => {
      const seen = new Set<string>();
      return {
        emit: (event) => {
          const id = JSON.stringify([event.runId, event.tenantId ?? null, event.epoch, event.seq]);
          if (seen.has(id)) return;
          seen.add(id);
          return sink.emit(event);
        },
      };
    },
    caughtBy: [drops],
  },
  {
    breaks: 'announces drops after the event that follows them',
    change: reading((events) =>
      events.toSorted((one, other) => Number(one.type === 'events.dropped') - Number(other.type === 'events.dropped')),
    ),
    caughtBy: [drops],
  },
  { breaks: 'knows no tenants', change: ({ read }) => ({ read: (runId) => read(runId, 't') }), caughtBy: [apart] },
  {
    breaks: 'takes no tenant for the tenant of the empty name',
    change: ({ read }) => ({ read: (runId, tenantId) => read(runId, tenantId ?? '') }),
    caughtBy: [apart],
  },
  {
    breaks: 'knows one run for all',
    change: ({ read }) => ({ read: (_, tenantId) => read('r-1', tenantId) }),
    caughtBy: [apart],
  },
];

async function caughtOf(change: Mutant['change']): Promise<readonly string[]> {
  const caught: string[] = [];
  for (const { name, run } of eventSinkContract) {
    const subject = keepingSink();
    const { read = subject.read, ...changed } = change(subject);
    await run({ sink: { ...subject.sink, ...changed }, read }).catch(() => caught.push(name));
  }
  return caught;
}

describe('a sink that keeps what it must', () => {
  test.each(eventSinkContract)('$name', ({ run }) => run(keepingSink()));
});

test.each(mutants)('a sink that $breaks is caught', async ({ change, caughtBy }) => {
  expect(await caughtOf(change)).toEqual(expect.arrayContaining([...caughtBy]));
});

test('every case catches some mutant', () => {
  const catching = new Set(mutants.flatMap(({ caughtBy }) => caughtBy));
  expect(eventSinkContract.map(({ name }) => name).filter((name) => !catching.has(name))).toEqual([]);
});

test('names of cases are unique', () => {
  const names = eventSinkContract.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
