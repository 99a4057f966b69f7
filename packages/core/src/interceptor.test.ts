import { recordingSink, type VirtualClock, virtualClock } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { branch } from './branch.ts';
import { skip } from './control.ts';
import { settled } from './edge.ts';
import type { StageflowError } from './errors.ts';
import type { RunOptions } from './execution/start-run.ts';
import { fallback } from './fallback.ts';
import { block, guard, pass } from './guard.ts';
import { inputs } from './inputs.ts';
import { cached, type InterceptedStage, type Interceptor } from './interceptor.ts';
import { loop } from './loop.ts';
import { map } from './map.ts';
import type { StageOutcome } from './outcome.ts';
import { pipeline } from './pipeline.ts';
import { route } from './route.ts';
import type { Run } from './run.ts';
import { createRuntime } from './runtime.ts';
import type { Schema } from './schema.ts';
import { type Stage, stage } from './stage.ts';
import type { StageContext } from './stage-context.ts';
import { subpipeline } from './subpipeline.ts';
import { work } from './work.ts';

type Around = (stage: InterceptedStage, next: () => Promise<StageOutcome>) => Promise<unknown>;
type Position = 'stage' | 'attempt';

const number: Schema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value: value + 100 } : { issues: [{ message: 'expected a number' }] }),
  },
};

/** An interceptor at one position, of whatever type. */
function at(position: Position, around: Around, only?: Interceptor['only']): Interceptor {
  return { name: 'it', only, [position]: around };
}

/** Runs one stage as the only output, in virtual time, with a record of its events. */
function watch(one: Stage, interceptors: readonly Interceptor[], options: RunOptions = {}) {
  const clock = (options.clock as VirtualClock | undefined) ?? virtualClock();
  const sink = recordingSink();
  const made = pipeline('p', { outputs: { one } });
  const started = made.run({} as never, { clock, sinks: [sink], interceptors, random: () => 0.5, ...options } as never) as Promise<Run>;
  return { clock, sink, started };
}

async function run(one: Stage, interceptors: readonly Interceptor[], options: RunOptions = {}) {
  const { clock, sink, started } = watch(one, interceptors, options);
  const ended = await clock.settle(started);
  return { ended, sink, clock, errors: ended.errors.map(({ code }) => code), status: ended.stages.get(one.name)?.status };
}

const constant = (run: (...given: never) => unknown = () => 1) => stage('one', { run: run as () => unknown });

/** Notes when it begins, what it was given, and when it ends. */
function noting(name: string, story: string[]): Interceptor {
  const around: Around = async ({ stage, attempt }, next) => {
    story.push(`${name} ${stage} ${attempt} {`);
    const outcome = await next();
    story.push(`} ${name} ${outcome.status}`);
    return outcome;
  };
  return {
    name,
    run: async (_, next) => {
      story.push(`${name} run {`);
      const ended = await next();
      story.push(`} ${name} run ${ended.status}`);
      return ended;
    },
    stage: around as never,
    attempt: async (it, next) => {
      story.push(`${name} attempt ${it.attempt} {`);
      const outcome = await next();
      story.push(`} ${name} attempt ${outcome.status}`);
      return outcome;
    },
  };
}

describe('interceptors', () => {
  test('nest in the order of the list: run, stage, retries, attempt, function, contract', async () => {
    const story: string[] = [];
    let calls = 0;
    const validate = vi.fn(() => {
      story.push('contract');
      return { value: 1 };
    });
    const one = stage('one', {
      retry: { attempts: 2, baseMs: 10, jitter: 'none' },
      output: { '~standard': { version: 1, vendor: 'test', validate } } as Schema<unknown, number>,
      run: () => {
        story.push('function');
        return ++calls === 1 ? Promise.reject(new Error('no')) : 1;
      },
    });
    const { ended } = await run(one, [noting('a', story), noting('b', story)]);
    expect(ended.status).toBe('completed');
    expect(story).toEqual([
      ...['a run {', 'b run {', 'a one 1 {', 'b one 1 {'],
      ...['a attempt 1 {', 'b attempt 1 {', 'function', '} b attempt failed', '} a attempt failed'],
      ...['a attempt 2 {', 'b attempt 2 {', 'function', 'contract', '} b attempt completed', '} a attempt completed'],
      ...['} b completed', '} a completed', '} b run completed', '} a run completed'],
    ]);
  });

  test('stand around the timeout: an attempt interceptor sees it as a failure, a stage interceptor sees the last outcome only', async () => {
    const seen: string[] = [];
    let calls = 0;
    const one = stage('one', {
      timeoutMs: 50,
      retry: { attempts: 2, baseMs: 0, jitter: 'none' },
      run: (_, { signal }) =>
        ++calls === 2 ? 'done' : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const see = (position: Position): Interceptor =>
      at(position, async (_, next) => {
        const outcome = await next();
        seen.push(`${position} ${outcome.status === 'failed' ? outcome.error.code : outcome.status}`);
        return outcome;
      });
    const { ended } = await run(one, [see('stage'), see('attempt')]);
    expect(ended.outputs).toEqual({ one: 'done' });
    expect(seen).toEqual(['attempt SF_STAGE_TIMEOUT', 'attempt completed', 'stage completed']);
  });

  test('see a broken contract as a failure', async () => {
    const seen: unknown[] = [];
    const see = at('attempt', async (_, next) => {
      const outcome = await next();
      seen.push(outcome.status === 'failed' && outcome.error.code);
      return outcome;
    });
    await run(stage('one', { output: number, run: () => 'x' }), [see]);
    expect(seen).toEqual(['SF_OUTPUT_INVALID']);
  });

  test('take no time from the limits of the stage', async () => {
    const clock = virtualClock();
    const slow = at('attempt', async (_, next) => {
      await clock.sleep(200);
      return next();
    });
    const { ended } = await run(stage('one', { timeoutMs: 50, budgetMs: 60, idleMs: 40, run: () => clock.sleep(30) }), [slow], { clock });
    expect([ended.status, ended.elapsedMs]).toEqual(['completed', 230]);
  });

  test('of a runtime stand around those of a run', async () => {
    const story: string[] = [];
    const one = pipeline('p', { outputs: { one: constant() } });
    const runtime = createRuntime({ pipelines: [one], interceptors: [noting('runtime', story)] });
    await runtime.run(one, {}, { interceptors: [noting('own', story)] });
    expect(story.filter((line) => line.endsWith('{'))).toEqual(
      ['run', 'one 1', 'attempt 1'].flatMap((what) => [`runtime ${what} {`, `own ${what} {`]),
    );
    await runtime.run(one, {});
    expect(story.filter((line) => line === 'runtime run {')).toHaveLength(2);
  });

  test('are read once for each list, whatever the number of runs, and an empty list is none', async () => {
    const reads: string[] = [];
    const counted = new Proxy<Interceptor>(
      { name: 'it', only: { stages: ['one'] } },
      {
        get(target, key) {
          reads.push(String(key));
          return Reflect.get(target, key);
        },
      },
    );
    const list = [counted];
    const one = pipeline('p', { outputs: { one: constant() } });
    await one.run({}, { interceptors: list });
    expect(reads).toContain('attempt');
    const read = reads.length;
    await one.run({}, { interceptors: list });
    expect(reads).toHaveLength(read);
    expect((await one.run({}, { interceptors: [] })).status).toBe('completed');
  });

  test('see what the function sees, what the stage reads, its kind and its tags, and keep their own `this`', async () => {
    const { text } = inputs<{ text: string }>();
    const one = work('one', { needs: { text }, tags: ['slow'], run: ({ text }) => text });
    class Seeing implements Interceptor {
      readonly name = 'seeing';
      seen: unknown[] = [];
      async stage({ stage, path, kind, tags, values, attempt, runId, pipeline }: InterceptedStage, next: () => Promise<StageOutcome>) {
        this.seen.push({ stage, path, kind, tags, values, attempt, runId, pipeline });
        return next();
      }
    }
    const seeing = new Seeing();
    await pipeline('p', { outputs: { one } }).run({ text: 'hi' }, { interceptors: [seeing], runId: 'r' });
    expect(seeing.seen).toEqual([
      { stage: 'one', path: 'one', kind: 'work', tags: ['slow'], values: { text: 'hi' }, attempt: 1, runId: 'r', pipeline: 'p' },
    ]);
  });
});

describe('the scope of an interceptor', () => {
  const { items } = inputs<{ items: number[] }>();
  const called = stage('called', { tags: ['x'], run: () => 1 });
  const mapped = map('mapped', items, (item) => stage('inner', { kind: 'enrich', needs: { item }, run: ({ item }) => item }));
  const caller = stage('caller', { kind: 'agent', run: (_, { call }) => call(called, {}) });
  const saved = work('saved', { tags: ['x', 'y'], run: () => 1 });
  const whole = pipeline('p', { outputs: { mapped, caller, saved } });

  const matched = async (only: Interceptor['only']) => {
    const paths: string[] = [];
    const look: Around = async ({ path }, next) => {
      paths.push(path);
      return next();
    };
    const ended = await whole.run({ items: [1, 2] }, { interceptors: [at('stage', look, only)] });
    expect(ended.status).toBe('completed');
    return paths.sort();
  };

  test.each<[string, Interceptor['only'], string[]]>([
    ['nothing', undefined, ['caller', 'caller/called', 'mapped', 'mapped[0]/inner', 'mapped[1]/inner', 'saved']],
    ['kinds', { kinds: ['work', 'enrich'] }, ['mapped[0]/inner', 'mapped[1]/inner', 'saved']],
    ['a kind of region', { kinds: ['map'] }, ['mapped']],
    ['names, in regions and calls too', { stages: ['inner', 'called'] }, ['caller/called', 'mapped[0]/inner', 'mapped[1]/inner']],
    ['tags', { tags: ['x'] }, ['caller/called', 'saved']],
    ['several lists: all must match', { tags: ['x', 'y'], kinds: ['work'] }, ['saved']],
    ['an empty list: none', { stages: [] }, []],
  ])('by %s', async (_, only, paths) => {
    expect(await matched(only)).toEqual(paths);
  });
});

describe.each<Position>(['stage', 'attempt'])('an interceptor of a %s fails closed where it', (position) => {
  const foreign: { readonly outcome?: StageOutcome } = {};
  const cases: readonly [string, Around, string, RegExp, number][] = [
    ['throws before next()', () => Promise.reject(new Error('denied')), 'SF_INTERCEPTOR_FAILED', /"it" threw: denied\./, 0],
    [
      'throws at once',
      () => {
        throw new TypeError('denied');
      },
      'SF_INTERCEPTOR_FAILED',
      /TypeError: denied/,
      0,
    ],
    [
      'throws after next()',
      async (_, next) => {
        await next();
        throw new Error('changed its mind');
      },
      'SF_INTERCEPTOR_FAILED',
      /changed its mind/,
      1,
    ],
    ['returns nothing', async () => undefined, 'SF_INTERCEPTOR_INVALID', /it returned undefined/, 0],
    ['returns nothing after next()', async (_, next) => void (await next()), 'SF_INTERCEPTOR_INVALID', /it returned undefined/, 1],
    [
      'returns an outcome of its own',
      async () => ({ status: 'completed', output: 2 }),
      'SF_INTERCEPTOR_INVALID',
      /it returned an object/,
      0,
    ],
    ['returns a copy of the outcome', async (_, next) => ({ ...(await next()) }), 'SF_INTERCEPTOR_INVALID', /it returned an object/, 1],
    ['returns the outcome of another stage', async (_, next) => (await next()) && foreign.outcome, 'SF_INTERCEPTOR_INVALID', /object/, 1],
    [
      'calls next() twice',
      async (_, next) => {
        const outcome = await next();
        await next().catch(() => {});
        return outcome;
      },
      'SF_INTERCEPTOR_INVALID',
      /next\(\) more than once/,
      1,
    ],
    [
      'answers from its cache and has called next() twice',
      async (_, next) => {
        void next();
        void next();
        return cached(1);
      },
      'SF_INTERCEPTOR_INVALID',
      /next\(\) more than once/,
      1,
    ],
  ];

  test.each(cases)('%s', async (_, around, code, message, calls) => {
    Object.assign(foreign, { outcome: { status: 'completed', output: 1 } });
    const called = vi.fn(() => 1);
    const { ended, errors, status } = await run(constant(called), [at(position, around)]);
    expect([ended.status, status, errors]).toEqual(['failed', 'failed', [code]]);
    expect(ended.errors[0]?.message).toMatch(message);
    expect(called).toHaveBeenCalledTimes(calls);
  });

  test('throws: the thrown is the cause, and an error with a code of its own is kept', async () => {
    const thrown = new Error('denied');
    const first = await run(constant(), [at(position, () => Promise.reject(thrown))]);
    expect(first.ended.errors[0]?.cause).toBe(thrown);
    const [own] = first.ended.errors as [StageflowError];
    const second = await run(constant(), [at(position, () => Promise.reject(own))]);
    expect(second.ended.errors).toEqual([own]);
  });

  test('does not wait for next(): what it left under way is aborted, and the run ends clean', async () => {
    let aborted = false;
    const one = constant(((_: unknown, { signal }: StageContext) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }) as never);
    const around: Around = async (_, next) => {
      void next();
      await Promise.resolve();
      return undefined;
    };
    const { ended, errors, clock } = await run(one, [at(position, around)]);
    expect([ended.status, errors, aborted, clock.pending]).toEqual(['failed', ['SF_INTERCEPTOR_INVALID'], true, 0]);
  });

  test('calls next() after it has ended: nothing runs, and that call is refused', async () => {
    const called = vi.fn(() => 1);
    let late: Promise<unknown> | undefined;
    const clock = virtualClock();
    const around: Around = async (_, next) => {
      late = clock.sleep(60).then(() => next());
      late.catch(() => {});
      return cached(7);
    };
    const other = stage('other', { run: () => clock.sleep(50) });
    const waits = stage('one', { needs: { other }, run: called });
    const { ended } = await run(waits, [at(position, around, { stages: ['one'] })], { clock });
    expect(ended.outputs).toEqual({ one: 7 });
    await clock.advance(100);
    await expect(late).rejects.toMatchObject({ code: 'SF_INTERCEPTOR_INVALID', details: { why: expect.stringContaining('had ended') } });
    expect(called).not.toHaveBeenCalled();
  });

  test('calls next() after it has ended, while one around it has not: nothing runs', async () => {
    const called = vi.fn(() => 1);
    const clock = virtualClock();
    const patient = at(position, async (_, next) => {
      const outcome = await next();
      await clock.sleep(50);
      return outcome;
    });
    const hasty = at(position, async (_, next) => {
      void clock
        .sleep(10)
        .then(next)
        .catch(() => {});
      return cached(7);
    });
    const { ended } = await run(constant(called), [patient, hasty], { clock });
    expect([ended.outputs, called.mock.calls.length]).toEqual([{ one: 7 }, 0]);
  });

  test('gets no further in when one around it has ended', async () => {
    const called = vi.fn(() => 1);
    const clock = virtualClock();
    const impatient = at(position, async (_, next) => {
      void next();
      return cached(7);
    });
    const slow = at(position, async (_, next) => {
      await clock.sleep(10);
      return next();
    });
    const { ended } = await run(constant(called), [impatient, slow], { clock });
    await clock.advance(20);
    expect([ended.outputs, called.mock.calls.length]).toEqual([{ one: 7 }, 0]);
  });

  test('stands outside of one that throws: it sees a failed outcome, and cannot make it a success', async () => {
    const seen: unknown[] = [];
    const outer = at(position, async (_, next) => {
      const outcome = await next();
      seen.push(outcome.status === 'failed' && outcome.error.code);
      return outcome;
    });
    const { ended, errors } = await run(constant(), [outer, at(position, () => Promise.reject(new Error('denied')))]);
    expect([ended.status, errors, seen]).toEqual(['failed', ['SF_INTERCEPTOR_FAILED'], ['SF_INTERCEPTOR_FAILED']]);
  });
});

describe('a throw', () => {
  test('of a stage interceptor is no attempt: the stage is not retried', async () => {
    const around = vi.fn(() => Promise.reject(new Error('denied')));
    const { ended } = await run(stage('one', { retry: { attempts: 3, baseMs: 0 }, run: () => 1 }), [at('stage', around)]);
    expect([around.mock.calls.length, ended.stages.get('one')?.attempts]).toEqual([1, 0]);
  });

  test('of an attempt interceptor fails the attempt: the retry policy sees what was thrown, and decides', async () => {
    const seen: unknown[] = [];
    let calls = 0;
    const around: Around = async (_, next) => (++calls === 1 ? Promise.reject(new Error('busy')) : next());
    const when = (error: unknown) => {
      seen.push((error as Error).message);
      return true;
    };
    const one = stage('one', { retry: { attempts: 2, baseMs: 0, when }, run: () => 1 });
    const { ended, sink } = await run(one, [at('attempt', around)]);
    expect([ended.status, ended.stages.get('one')?.attempts, seen]).toEqual(['completed', 2, ['busy']]);
    expect(sink.of('attempt.failed').map(({ error }) => error.code)).toEqual(['SF_INTERCEPTOR_FAILED']);
  });

  test('is retried by default as what it threw would be', async () => {
    const denied = Object.assign(new Error('denied'), { retryable: false });
    const policy = { retry: { attempts: 3, baseMs: 0 } } as const;
    for (const [thrown, attempts] of [[new Error('busy'), 3] as const, [denied, 1] as const]) {
      const { ended } = await run(stage('one', { ...policy, run: () => 1 }), [at('attempt', () => Promise.reject(thrown))]);
      expect(ended.stages.get('one')?.attempts).toBe(attempts);
    }
  });

  test('is taken into account like any failure: a settled reader goes on, onFailure "skip" skips', async () => {
    const deny = at('stage', () => Promise.reject(new Error('denied')), { stages: ['inner'] });
    const inner = stage('inner', { run: () => 1 });
    const reader = stage('one', { needs: { inner: settled(inner) }, run: ({ inner }) => inner.status });
    expect((await run(reader, [deny])).ended.outputs).toEqual({ one: 'failed' });
    const { ended } = await run(stage('inner', { onFailure: 'skip', run: () => 1 }), [deny]);
    expect([ended.status, ended.stages.get('inner')?.status, ended.errors.length]).toEqual(['completed', 'skipped', 1]);
  });

  test('of an attempt interceptor around a guard blocks, of a stage interceptor fails: neither lets anything pass', async () => {
    const { text } = inputs<{ text: string }>();
    const safe = guard('safe', { subject: text, check: () => pass() });
    const after = vi.fn(() => 1);
    const reader = stage('reader', { needs: { safe }, run: after });
    const made = pipeline('p', { outputs: { reader } });
    const with_ = (position: Position) =>
      made.run({ text: 'hi' }, { interceptors: [at(position, () => Promise.reject(new Error('no')), { kinds: ['guard'] })] });
    expect([(await with_('attempt')).status, (await with_('stage')).status]).toEqual(['blocked', 'failed']);
    expect(after).not.toHaveBeenCalled();
    expect((await made.run({ text: 'hi' })).status).toBe('completed');
  });
});

describe('an interceptor of a region', () => {
  const arm = (name: string, story: string[]) =>
    stage(name, {
      run: () => {
        story.push(name);
        return name;
      },
    });

  test('stands around all of it, and sees what it yields', async () => {
    const seen: unknown[] = [];
    const see: Around = async (_, next) => {
      const outcome = await next();
      seen.push(outcome);
      return outcome;
    };
    const one = loop('one', stage('zero', { run: () => 0 }), (n) => stage('plus', { needs: { n }, run: ({ n }) => n + 1 }), {
      until: (n) => n === 3,
      maxTurns: 5,
    });
    const { ended } = await run(one, [at('stage', see, { kinds: ['loop'] })]);
    expect([ended.outputs, seen]).toEqual([{ one: 3 }, [{ status: 'completed', output: 3 }]]);
  });

  test('that answers for it leaves nothing behind: what only the region wanted is skipped, and the run ends', async () => {
    const story: string[] = [];
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const chosen = branch('one', way, { a: arm('a', story), b: arm('b', story) });
    const others = fallback('one', arm('c', story), arm('d', story));
    const answer = at('stage', async () => cached('given'), { kinds: ['branch', 'fallback'] });
    for (const one of [chosen, others]) {
      const { ended } = await run(one, [answer]);
      expect([ended.status, ended.outputs]).toEqual(['completed', { one: 'given' }]);
    }
    expect(story).toEqual(['c']);
  });

  test('that throws for it fails it, and nothing it holds runs', async () => {
    const story: string[] = [];
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const { ended, errors } = await run(branch('one', way, { a: arm('a', story), b: arm('b', story) }), [
      at('stage', () => Promise.reject(new Error('no')), { kinds: ['branch'] }),
    ]);
    expect([ended.status, errors, story]).toEqual(['failed', ['SF_INTERCEPTOR_FAILED'], []]);
  });

  test('is told of a block inside, and the run names the guard, not the region', async () => {
    const { text } = inputs<{ text: string }>();
    const nested = pipeline('nested', { outputs: { it: guard('inner', { subject: text, check: () => block('no') }) } });
    const seen: string[] = [];
    const see: Around = async (_, next) => {
      const outcome = await next();
      seen.push(outcome.status);
      return outcome;
    };
    const ended = await pipeline('p', { outputs: { one: subpipeline('one', nested, { text }) } }).run(
      { text: 'hi' },
      { interceptors: [at('stage', see, { kinds: ['subpipeline'] })] },
    );
    expect([seen, ended.status, ended.status === 'blocked' && ended.blockedBy]).toEqual([['blocked'], 'blocked', 'one/inner']);
  });

  test('passes on a skip, by choice or because of a failure', async () => {
    const seen: (StageOutcome | undefined)[] = [];
    const see: Around = async (_, next) => {
      const outcome = await next();
      seen.push(outcome);
      return outcome;
    };
    const fails = stage('fails', { run: () => Promise.reject(new Error('no')) });
    const inner = stage('inner', { needs: { fails }, run: () => 1 });
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const doomed = branch('one', way, { a: inner, b: stage('b', { run: () => skip('nothing') }) });
    const first = await run(doomed, [at('stage', see, { kinds: ['branch'] })], { failureMode: 'continue' });
    expect([first.ended.status, seen.pop()?.status]).toEqual(['failed', 'skipped']);
    expect(first.ended.stages.get('one')?.outcome).toMatchObject({ status: 'skipped', rootCause: { stage: 'fails' } });
    const second = await run(
      constant(() => skip('nothing')),
      [at('stage', see)],
    );
    expect([second.ended.status, second.status, seen.pop()]).toEqual(['completed', 'skipped', { status: 'skipped', reason: 'nothing' }]);
  });
});

describe('slots', () => {
  test('are held by attempt interceptors, not by stage interceptors', async () => {
    const most = async (position: Position) => {
      const clock = virtualClock();
      let inside = 0;
      let highest = 0;
      const hold = at(position, async (_, next) => {
        highest = Math.max(highest, ++inside);
        await clock.sleep(10);
        inside--;
        return next();
      });
      const made = pipeline('p', { outputs: { a: stage('a', { run: () => 1 }), b: stage('b', { run: () => 2 }) } });
      const ended = await clock.settle(made.run({}, { clock, interceptors: [hold], maxConcurrency: 1 }) as Promise<Run>);
      return [ended.status, highest];
    };
    expect(await most('stage')).toEqual(['completed', 2]);
    expect(await most('attempt')).toEqual(['completed', 1]);
  });
});

test.each<Position>(['stage', 'attempt'])('a %s interceptor measures and waits on the clock of the run', async (position) => {
  let measured: number | undefined;
  const slow: Around = async ({ clock }, next) => {
    const before = clock.monotonic();
    await new Promise<void>((resolve) => void clock.schedule(resolve, 250));
    measured = clock.monotonic() - before;
    return next();
  };
  const { ended } = await run(constant(), [at(position, slow)]);
  expect([ended.status, measured, ended.elapsedMs]).toEqual(['completed', 250, 250]);
});
