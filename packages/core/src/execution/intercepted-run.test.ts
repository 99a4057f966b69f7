import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { defineEvent } from '../define-event.ts';
import { cached, type InterceptedRun, type Interceptor } from '../interceptor.ts';
import { pipeline } from '../pipeline.ts';
import type { Run } from '../run.ts';
import { createRuntime } from '../runtime.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import type { StageContext } from '../stage-context.ts';
import type { RunOptions } from './start-run.ts';

type Around = (run: InterceptedRun, next: () => Promise<Run>, clock: VirtualClock) => Promise<unknown>;

const obedient = ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
const number: Schema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'a number' }] }),
  },
};
const never = (): Promise<never> => new Promise(() => {});

/** Starts a run of one stage within an interceptor of runs, in virtual time. */
function start(around: Around, act: (context: StageContext, clock: VirtualClock) => unknown = () => 1, options: RunOptions = {}) {
  const clock = virtualClock();
  const sink = recordingSink();
  const controller = new AbortController();
  const it: Interceptor = { name: 'it', run: ((run, next) => around(run, next, clock)) as NonNullable<Interceptor['run']> };
  const called = vi.fn((context: StageContext) => act(context, clock));
  const one = stage('one', { run: (_, context) => called(context) });
  const settings = { clock, sinks: [sink], interceptors: [it], signal: controller.signal, graceMs: 100, ...options };
  const started = pipeline('p', { outputs: { one } }).run({}, settings) as Promise<Run>;
  return { clock, sink, controller, called, started };
}

/** The story of a run that has ended: how, what was called, and whether its events are whole. */
async function story({ clock, sink, called, started }: ReturnType<typeof start>) {
  const ended = await clock.settle(started);
  const events = sink.events.length;
  // Whatever still hangs is given time to try something.
  await clock.advance(10_000);
  expect(sink.events).toHaveLength(events);
  expect(sink.events.filter(({ seq }, at) => seq !== at + 1)).toEqual([]);
  const terminal = sink.events.filter(({ type }) => /^run\.(completed|failed|blocked|cancelled)$/.test(type));
  expect(terminal).toEqual([sink.events.at(-1)]);
  expect(clock.pending).toBe(0);
  const error = ended.status === 'failed' ? ended.error.code : undefined;
  return { ended, error, calls: called.mock.calls.length, types: sink.events.map(({ type }) => type), at: ended.elapsedMs };
}

describe('an interceptor of a run', () => {
  test('sees the run as it will be reported, and what is known of it before', async () => {
    const seen: unknown[] = [];
    const made = start(
      async (run, next, clock) => {
        seen.push([run.pipeline, run.stages, run.runId, run.identity.userId, run.now(), run.elapsedMs]);
        await clock.sleep(10);
        const ended = await next();
        seen.push([ended.status, ended.outputs, run.elapsedMs]);
        return ended;
      },
      (_, clock) => clock.sleep(20).then(() => 'done'),
      { runId: 'r', userId: 'ada' },
    );
    const { ended, types, at } = await story(made);
    expect(seen).toEqual([
      ['p', ['one'], 'r', 'ada', Date.UTC(2025, 0, 1), 0],
      ['completed', { one: 'done' }, 30],
    ]);
    expect([ended.status, at]).toEqual(['completed', 30]);
    expect(types).toEqual(['run.created', 'run.started', 'stage.started', 'stage.completed', 'run.completed']);
  });

  test('that denies before next() keeps everything from running: the run has failed', async () => {
    const { ended, error, calls, types } = await story(start(() => Promise.reject(new Error('not today'))));
    expect([ended.status, error, calls]).toEqual(['failed', 'SF_INTERCEPTOR_FAILED', 0]);
    expect(ended.stages.get('one')?.status).toBe('cancelled');
    expect(types).toEqual(['run.created', 'run.started', 'run.stopping', 'stage.cancelled', 'run.failed']);
  });

  test('that throws after next() turns a completed run into a failed one, before its last event; the outputs stay', async () => {
    const made = start(async (_, next) => {
      expect((await next()).status).toBe('completed');
      throw new Error('not this');
    });
    const { ended, error, calls, types } = await story(made);
    expect([ended.status, error, calls, ended.outputs]).toEqual(['failed', 'SF_INTERCEPTOR_FAILED', 1, { one: 1 }]);
    expect(types).toEqual(['run.created', 'run.started', 'stage.started', 'stage.completed', 'run.failed']);
  });

  test.each<[string, Around, number]>([
    ['returns nothing', async () => undefined, 0],
    ['returns nothing after next()', async (_, next) => void (await next()), 1],
    ['returns a copy of the run', async (_, next) => ({ ...(await next()) }), 1],
    ['answers with cached(): a run is not a value', async () => cached({ one: 1 }), 0],
    [
      'calls next() twice',
      async (_, next) => {
        const run = await next();
        await next().catch(() => {});
        return run;
      },
      1,
    ],
  ])('that %s fails the run', async (_, around, called) => {
    const { ended, error, calls } = await story(start(around));
    expect([ended.status, error, calls]).toEqual(['failed', 'SF_INTERCEPTOR_INVALID', called]);
  });

  test('that does not wait for next() fails the run: what is under way is aborted and waited for', async () => {
    let told: unknown;
    const around: Around = async (_, next) => void next();
    const act = ({ signal }: StageContext, clock: VirtualClock) =>
      obedient({ signal }).catch(async (reason) => {
        told = reason;
        await clock.sleep(20);
        throw reason;
      });
    const { ended, error, at } = await story(start(around, act));
    expect([ended.status, error, at, (told as { code?: string }).code]).toEqual([
      'failed',
      'SF_INTERCEPTOR_INVALID',
      20,
      'SF_INTERCEPTOR_INVALID',
    ]);
  });

  test('that calls next() when it has ended is refused: nothing runs', async () => {
    let late: Promise<unknown> | undefined;
    const around: Around = async (_, next, clock) => {
      late = clock.sleep(10).then(next);
      late.catch(() => {});
      throw new Error('not today');
    };
    const { calls } = await story(start(around));
    await expect(late).rejects.toMatchObject({ code: 'SF_INTERCEPTOR_INVALID' });
    expect(calls).toBe(0);
  });

  test('sees the throw of one further in as a rejection, which it can neither hide nor mend', async () => {
    const seen: unknown[] = [];
    const outer: Interceptor = {
      name: 'outer',
      run: (_, next) =>
        next().catch((error) => {
          seen.push(error.details.interceptor);
          return {} as Run;
        }),
    };
    const inner: Interceptor = { name: 'inner', run: () => Promise.reject(new Error('no')) };
    const { ended, error, calls } = await story(start(never, undefined, { interceptors: [outer, inner] }));
    expect([ended.status, error, calls, seen]).toEqual(['failed', 'SF_INTERCEPTOR_INVALID', 0, ['inner']]);
  });

  test('runs when the cleanups have', async () => {
    const order: string[] = [];
    const around: Around = async (_, next) => {
      const run = await next();
      order.push('interceptor');
      return run;
    };
    await story(start(around, ({ defer }) => defer(() => void order.push('cleanup'))));
    expect(order).toEqual(['cleanup', 'interceptor']);
  });

  test('is not asked about a run that is stopped before it began', async () => {
    const around = vi.fn(never);
    const signal = AbortSignal.abort(new Error('never mind'));
    const { ended } = await story(start(around, undefined, { signal }));
    expect([ended.status, around.mock.calls.length]).toEqual(['cancelled', 0]);
  });
});

describe('what an interceptor of a run can do', () => {
  const said = defineEvent('quota.taken', number);

  test('emits events of its own in the envelope of the run, before and after what it stands around', async () => {
    const made = start(async (run, next) => {
      run.emit(said, 1);
      const ended = await next();
      run.emit(said, 2);
      return ended;
    });
    const { types } = await story(made);
    expect(types).toEqual(['run.created', 'run.started', 'custom', 'stage.started', 'stage.completed', 'custom', 'run.completed']);
    const told = made.sink.events.filter((event) => said.is(event));
    expect(told.map(({ seq, payload, stage, path, attempt }) => [seq, payload, stage, path, attempt])).toEqual([
      [3, 1, '', '', 0],
      [6, 2, '', '', 0],
    ]);
  });

  test('an event that breaks its schema fails the run', async () => {
    const { error, calls } = await story(
      start(async (run, next) => {
        run.emit(said, 'one' as never);
        return next();
      }),
    );
    expect([error, calls]).toEqual(['SF_EVENT_INVALID', 0]);
  });

  test('reads what the run was given under extensions, as a schema reads it', async () => {
    const around: Around = async (run, next) => {
      expect(run.extension('tokens', number)).toBe(7);
      return next();
    };
    expect((await story(start(around, undefined, { extensions: { tokens: 7 } }))).ended.status).toBe('completed');
    const refused = await story(start(around, undefined, { extensions: { tokens: 'seven' } }));
    expect([refused.error, refused.calls]).toEqual(['SF_EXTENSION_INVALID', 0]);
  });
});

describe('a run that is stopped', () => {
  const abort = async (made: ReturnType<typeof start>, afterMs: number) => {
    await made.clock.advance(afterMs);
    made.controller.abort(new Error('enough'));
    return story(made);
  };

  test('while its interceptor waits before next(), ends at once, and runs nothing when that goes on', async () => {
    const around: Around = async (_, next, clock) => {
      await clock.sleep(500);
      return next();
    };
    const { ended, calls, at } = await abort(start(around), 30);
    expect([ended.status, ended.errors, calls, at]).toEqual(['cancelled', [], 0, 30]);
  });

  test('while its stages run, is cancelled, and the interceptor sees it so', async () => {
    const seen: string[] = [];
    const around: Around = async (_, next) => {
      const run = await next();
      seen.push(run.status);
      return run;
    };
    const { ended } = await abort(start(around, obedient), 30);
    expect([ended.status, seen]).toEqual(['cancelled', ['cancelled']]);
  });

  test('stays cancelled when its interceptor throws then: the first reason wins', async () => {
    const around: Around = async (_, next) => {
      await next();
      throw new Error('no');
    };
    const { ended } = await abort(start(around, obedient), 30);
    expect([ended.status, ended.status === 'cancelled' && ended.reason]).toEqual(['cancelled', 'enough']);
  });

  test('while its interceptor waits after next() and obeys, is cancelled at once', async () => {
    const around: Around = async (run, next) => {
      await next();
      return obedient(run);
    };
    const { ended, at } = await abort(start(around), 30);
    expect([ended.status, ended.outputs, at]).toEqual(['cancelled', { one: 1 }, 30]);
  });

  test('while its interceptor hangs after next(), is cancelled after the grace', async () => {
    const around: Around = async (_, next) => {
      await next();
      return never();
    };
    const { ended, at } = await abort(start(around), 30);
    expect([ended.status, ended.outputs, at]).toEqual(['cancelled', { one: 1 }, 130]);
  });
});

describe('the deadline of a run', () => {
  test.each<[string, Around, number, number]>([
    ['before next()', (run) => obedient(run), 40, 0],
    [
      'after next()',
      async (run, next) => {
        await next();
        return obedient(run);
      },
      40,
      1,
    ],
    [
      'after next(), whatever the deadline',
      async (_, next) => {
        await next();
        return never();
      },
      140,
      1,
    ],
  ])('holds for an interceptor that waits %s', async (_, around, endsAt, called) => {
    const { ended, error, at, calls } = await story(start(around, undefined, { deadlineMs: 40 }));
    expect([ended.status, error, at, calls]).toEqual(['failed', 'SF_RUN_DEADLINE', endsAt, called]);
  });
});

test('interceptors of a runtime stand around those of the run', async () => {
  const order: string[] = [];
  const named = (name: string): Interceptor => ({
    name,
    run: async (_, next) => {
      order.push(`${name} {`);
      const run = await next();
      order.push(`} ${name}`);
      return run;
    },
  });
  const made = pipeline('p', { outputs: { one: stage('one', { run: () => 1 }) } });
  const runtime = createRuntime({ pipelines: [made], interceptors: [named('runtime')] });
  const handle = runtime.start(made, {}, { interceptors: [named('own')] });
  expect((await handle.result).status).toBe('completed');
  expect(order).toEqual(['runtime {', 'own {', '} own', '} runtime']);
});
