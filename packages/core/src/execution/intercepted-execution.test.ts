import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { suspend } from '../control.ts';
import { memoryRunStore } from '../durable/memory-run-store.ts';
import { cached, type InterceptedStage, type Interceptor } from '../interceptor.ts';
import { map } from '../map.ts';
import type { StageOutcome } from '../outcome.ts';
import { pipeline } from '../pipeline.ts';
import { race } from '../race.ts';
import type { Run } from '../run.ts';
import { createRuntime } from '../runtime.ts';
import { type Stage, stage } from '../stage.ts';
import type { StageContext } from '../stage-context.ts';
import type { RunOptions } from './start-run.ts';

type Position = 'stage' | 'attempt';
type Around = (stage: InterceptedStage, next: () => Promise<StageOutcome>, clock: VirtualClock) => Promise<unknown>;

/** Starts a run of one stage named `one` within an interceptor, in virtual time. */
function start(position: Position, around: Around, one: Stage, options: RunOptions = {}, others: Readonly<Record<string, Stage>> = {}) {
  const clock = (options.clock as VirtualClock | undefined) ?? virtualClock();
  const sink = recordingSink();
  const controller = new AbortController();
  const it: Interceptor = {
    name: 'it',
    only: { stages: ['one'] },
    [position]: (subject: InterceptedStage, next: () => Promise<StageOutcome>) => around(subject, next, clock),
  };
  const made = pipeline('p', { outputs: { one }, also: others });
  const settings = { clock, sinks: [sink], interceptors: [it], signal: controller.signal, graceMs: 100, ...options };
  const started = made.run({} as never, settings as never) as Promise<Run>;
  return { clock, sink, started, controller };
}

/** As {@link start}, aborted after some time. */
async function aborted(position: Position, around: Around, one: Stage, afterMs: number, options: RunOptions = {}) {
  const { clock, sink, started, controller } = start(position, around, one, options);
  await clock.advance(afterMs);
  controller.abort(new Error('enough'));
  const ended = await clock.settle(started);
  const errors = ended.errors.map(({ code }) => code);
  const at = ended.elapsedMs;
  // Whatever still hangs is given time to try something.
  await clock.advance(10_000);
  return { ended, sink, clock, errors, at, status: ended.stages.get('one')?.status };
}

const obedient = ({ signal }: Pick<StageContext, 'signal'>): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
const never = (): Promise<never> => new Promise(() => {});
const one = (run: (context: StageContext) => unknown = () => 1) => stage('one', { run: (_, context) => run(context) });

const sequence = (sink: { readonly events: readonly { readonly seq: number; readonly type: string }[] }) => ({
  gaps: sink.events.filter(({ seq }, at) => seq !== at + 1).length,
  last: sink.events.at(-1)?.type,
  ends: sink.events.filter(({ type }) => /^run\.(completed|failed|blocked|cancelled)$/.test(type)).length,
});

describe.each<Position>(['stage', 'attempt'])('a run that is aborted while an interceptor of a %s', (position) => {
  test('waits before next() and obeys: the stage is cancelled and never called', async () => {
    const called = vi.fn(() => 1);
    const { ended, errors, at, status } = await aborted(position, (subject) => obedient(subject), one(called), 30);
    expect([ended.status, status, errors, at, called.mock.calls.length]).toEqual(['cancelled', 'cancelled', [], 30, 0]);
  });

  test('waits before next() and calls it all the same: the stage is cancelled and never called', async () => {
    const called = vi.fn(() => 1);
    const seen: string[] = [];
    const around: Around = async (_, next, clock) => {
      await clock.sleep(50);
      const outcome = await next();
      seen.push(outcome.status);
      return outcome;
    };
    const { ended, errors, at, status } = await aborted(position, around, one(called), 30);
    expect([ended.status, status, errors, at, called.mock.calls.length, seen]).toEqual([
      'cancelled',
      'cancelled',
      [],
      50,
      0,
      ['cancelled'],
    ]);
  });

  test('waits for next(): the function is aborted, and the interceptor sees how that ended', async () => {
    const seen: string[] = [];
    const around: Around = async (_, next) => {
      const outcome = await next();
      seen.push(outcome.status);
      return outcome;
    };
    const { ended, status } = await aborted(position, around, one(obedient), 30);
    expect([ended.status, status, seen]).toEqual(['cancelled', 'cancelled', ['cancelled']]);
  });

  test('waits after next() and obeys: the stage is cancelled', async () => {
    const around: Around = async (subject, next) => {
      await next();
      return obedient(subject);
    };
    const { ended, errors, status, at } = await aborted(position, around, one(), 30);
    expect([ended.status, status, errors, at]).toEqual(['cancelled', 'cancelled', [], 30]);
  });

  test('waits after next() and answers: what the stage had done counts', async () => {
    const around: Around = async (_, next, clock) => {
      const outcome = await next();
      await clock.sleep(50);
      return outcome;
    };
    const { ended, status, at } = await aborted(position, around, one(), 30);
    expect([ended.status, status, ended.outputs, at]).toEqual(['cancelled', 'completed', { one: 1 }, 50]);
  });

  test.each<[string, Around]>([
    ['before', never],
    [
      'after',
      async (_, next) => {
        await next();
        return never();
      },
    ],
  ])('hangs %s next(): after the grace the run ends without it, and names the stage', async (_, around) => {
    const { ended, status, at, sink, clock } = await aborted(position, around, one(), 30);
    expect([ended.status, status, ended.unsettled, at, clock.pending]).toEqual(['cancelled', 'cancelled', ['one'], 130, 0]);
    expect(sequence(sink)).toEqual({ gaps: 0, last: 'run.cancelled', ends: 1 });
  });

  test('hangs beyond the grace and then goes on: nothing of the run starts or is told any more', async () => {
    const called = vi.fn(() => 1);
    let refused: unknown;
    const around: Around = async (_, next, clock) => {
      await clock.sleep(500);
      const outcome = await next();
      refused = outcome.status;
      return outcome;
    };
    const { at, called: calls, sink, clock, ended } = { ...(await aborted(position, around, one(called), 30)), called };
    expect([at, calls.mock.calls.length, refused, clock.pending]).toEqual([130, 0, 'cancelled', 0]);
    expect([ended.stages.get('one')?.status, sequence(sink)]).toEqual(['cancelled', { gaps: 0, last: 'run.cancelled', ends: 1 }]);
  });

  test('hangs beyond the grace beside a function that does: nothing is left of either', async () => {
    let late = 0;
    const around: Around = async (_, next, clock) => {
      void next();
      await clock.sleep(500);
      late++;
      return undefined;
    };
    const { at, sink, clock, ended } = await aborted(position, around, one(never), 30);
    expect([at, late, ended.unsettled, clock.pending]).toEqual([130, 1, ['one'], 0]);
    expect(sequence(sink)).toEqual({ gaps: 0, last: 'run.cancelled', ends: 1 });
  });
});

describe('the deadline of a run', () => {
  test.each<Position>(['stage', 'attempt'])('holds for what interceptors of a %s do', async (position) => {
    const { started, clock } = start(position, (subject) => obedient(subject), one(), { deadlineMs: 40 });
    const ended = await clock.settle(started);
    expect([ended.status, ended.errors.map(({ code }) => code), ended.elapsedMs]).toEqual(['failed', [], 40]);
    expect(ended.status === 'failed' && ended.error.code).toBe('SF_RUN_DEADLINE');
  });
});

describe.each<Position>(['stage', 'attempt'])('a loser of a race within an interceptor of a %s', (position) => {
  const lose = async (around: Around, run: (context: StageContext, clock: VirtualClock) => unknown = obedient) => {
    const called = vi.fn();
    const clock = virtualClock();
    const slow = one((context) => {
      called();
      return run(context, clock);
    });
    const fast = stage('fast', { run: () => clock.sleep(20).then(() => 'fast') });
    const both = race('both', slow, fast);
    const { started } = start(position, around, stage('end', { needs: { both }, run: ({ both }) => both }), { clock });
    const ended = await clock.settle(started);
    await clock.advance(10_000);
    return { ended, calls: called.mock.calls.length, status: ended.stages.get('one')?.status, pending: clock.pending };
  };

  test('that waits before next() is skipped when it obeys, and never called', async () => {
    const { ended, calls, status } = await lose((subject) => obedient(subject));
    expect([ended.status, ended.outputs, status, calls]).toEqual(['completed', { one: 'fast' }, 'skipped', 0]);
    expect([ended.errors, ended.elapsedMs]).toEqual([[], 20]);
  });

  test('that calls next() too late is skipped, and never called', async () => {
    const { ended, calls, status } = await lose(async (_, next, clock) => {
      await clock.sleep(50);
      return next();
    });
    expect([ended.status, status, calls, ended.errors]).toEqual(['completed', 'skipped', 0, []]);
  });

  test('that is being called is aborted, and skipped', async () => {
    const { ended, calls, status, pending } = await lose(async (_, next) => next());
    expect([ended.status, status, calls, ended.errors, pending]).toEqual(['completed', 'skipped', 1, [], 0]);
  });

  test('that has left its interceptor behind is skipped all the same', async () => {
    const { ended, status, pending } = await lose(
      async (_, next, clock) => {
        void next();
        await clock.sleep(30);
        return undefined;
      },
      (_, clock) => clock.sleep(60),
    );
    expect([ended.status, status, ended.errors, pending]).toEqual(['completed', 'skipped', [], 0]);
  });
});

describe('a stage that waits for its slot within its interceptor', () => {
  /** `one` asks for its slot at 5 ms, when `busy` holds the only one; `busy` ends at 40 ms. */
  const queue = (end: 'next' | 'leave', build: (one: Stage) => Stage = (it) => it) => {
    const called = vi.fn(() => 1);
    const seen: string[] = [];
    const clock = virtualClock();
    const around: Around = async (_, next) => {
      await clock.sleep(5);
      if (end === 'leave') {
        void next();
        return cached(7);
      }
      const outcome = await next();
      seen.push(outcome.status);
      return outcome;
    };
    const busy = stage('busy', { run: (_, { signal }) => clock.sleep(40, signal).then(() => 'busy') });
    const options = { clock, maxConcurrency: 1 };
    return { ...start('stage', around, build(one(called)), options, { busy }), called, seen, busy };
  };

  test('begins when there is one', async () => {
    const { started, clock, called, seen } = queue('next');
    const ended = await clock.settle(started);
    expect([ended.status, ended.elapsedMs, seen, called.mock.calls.length]).toEqual(['completed', 40, ['completed'], 1]);
    expect(ended.stages.get('one')?.queuedMs).toBe(35);
  });

  test('and is left by it, never begins', async () => {
    const { started, clock, called } = queue('leave');
    const ended = await clock.settle(started);
    expect([ended.status, ended.outputs, called.mock.calls.length]).toEqual(['completed', { one: 7 }, 0]);
  });

  test('is cancelled when the run stops, and the interceptor told', async () => {
    const { started, clock, called, seen, controller } = queue('next');
    await clock.advance(10);
    controller.abort(new Error('enough'));
    const ended = await clock.settle(started);
    expect([ended.status, ended.stages.get('one')?.status, seen, called.mock.calls.length]).toEqual([
      'cancelled',
      'cancelled',
      ['cancelled'],
      0,
    ]);
  });

  test('is skipped when it has lost a race, and the interceptor told', async () => {
    const called = vi.fn(() => 1);
    const seen: string[] = [];
    const clock = virtualClock();
    const around: Around = async (_, next) => {
      await clock.sleep(5);
      const outcome = await next();
      seen.push(outcome.status);
      return outcome;
    };
    const fast = stage('fast', { run: () => clock.sleep(20).then(() => 'fast') });
    const both = race('both', one(called), fast);
    const { started } = start('stage', around, stage('end', { needs: { both }, run: ({ both }) => both }), { clock, maxConcurrency: 1 });
    const ended = await clock.settle(started);
    expect([ended.status, ended.outputs, seen, called.mock.calls.length]).toEqual(['completed', { one: 'fast' }, ['skipped'], 0]);
  });
});

test.each<Position>(['stage', 'attempt'])(
  'a run that waits for an answer is not suspended while an interceptor of a %s is at work',
  async (position) => {
    for (const when of ['before', 'after']) {
      const clock = virtualClock();
      const around: Interceptor = {
        name: 'slow',
        only: { stages: ['one'] },
        [position]: async (_: InterceptedStage, next: () => Promise<StageOutcome>) => {
          if (when === 'before') await clock.sleep(50);
          const outcome = await next();
          if (when === 'after') await clock.sleep(50);
          return outcome;
        },
      };
      const asks = stage('asks', { run: () => suspend('go on?') });
      const made = pipeline('p', { outputs: { one: one(), asks } });
      const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), interceptors: [around], clock });
      const ended = await clock.settle(runtime.run(made, {}));
      expect([ended.status, ended.stages.get('one')?.status, ended.elapsedMs]).toEqual(['suspended', 'completed', 50]);
    }
  },
);

test('a suspended stage within its interceptor does not keep the run from being suspended', async () => {
  const clock = virtualClock();
  const around: Interceptor = { name: 'look', stage: (_, next) => next() };
  const made = pipeline('p', { outputs: { asks: stage('asks', { run: () => suspend('go on?') }) } });
  const runtime = createRuntime({ pipelines: [made], store: memoryRunStore(), interceptors: [around], clock });
  expect((await clock.settle(runtime.run(made, {}))).status).toBe('suspended');
});

test.each<Position>(['stage', 'attempt'])('a %s that its interceptor keeps from being called is not called unsettled', async (position) => {
  for (const around of [async () => cached(1), () => Promise.reject(new Error('no'))] satisfies Around[]) {
    const { started, clock } = start(position, around, one());
    expect((await clock.settle(started)).unsettled).toEqual([]);
  }
});

test('an interceptor that has left a deaf function behind is not waited for beyond the grace of the run', async () => {
  const around: Around = async (_, next) => void next();
  const deaf = stage('one', { graceMs: 5_000, timeoutMs: 60_000, run: never });
  const { ended, at, clock } = await aborted('stage', around, deaf, 10);
  expect([ended.status, at, ended.unsettled, ended.errors, clock.pending]).toEqual(['cancelled', 110, ['one'], [], 0]);
});

test('the items of a map have interceptors of their own, also when the run stops', async () => {
  const items = stage('items', { run: () => [1, 2, 3] });
  const each = map('each', items, (item) => stage('one', { needs: { item }, run: (_, context) => obedient(context) }));
  const paths: string[] = [];
  const around: Around = async ({ path }, next) => {
    const outcome = await next();
    paths.push(`${path} ${outcome.status}`);
    return outcome;
  };
  const { started, clock, controller, sink } = start('stage', around, stage('end', { needs: { each }, run: () => 1 }));
  await clock.advance(10);
  controller.abort(new Error('enough'));
  expect((await clock.settle(started)).status).toBe('cancelled');
  expect(paths).toEqual(['each[0]/one cancelled', 'each[1]/one cancelled', 'each[2]/one cancelled']);
  expect(sequence(sink)).toEqual({ gaps: 0, last: 'run.cancelled', ends: 1 });
});
