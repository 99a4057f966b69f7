import { pipeline, type StageContext, stage } from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';

/** A pipeline of one stage that does this. */
function doing<R>(run: (context: StageContext) => R) {
  return pipeline('doing', { outputs: { it: stage('it', { run: (_, context) => run(context) }) } });
}

describe('context.defer()', () => {
  test('[154] cleanups run when the run ends, last registered first, one at a time', async () => {
    const clock = virtualClock();
    const order: string[] = [];
    const note = (name: string) => async () => {
      order.push(`${name} begins`);
      await clock.sleep(5);
      order.push(`${name} ends`);
    };
    const run = await clock.settle(
      doing((context) => {
        context.defer(note('first'));
        context.defer(note('second'));
        order.push('body');
      }).run({}, { clock }),
    );

    expect(order).toEqual(['body', 'second begins', 'second ends', 'first begins', 'first ends']);
    expect(run).toMatchObject({ status: 'completed', cleanupErrors: [], elapsedMs: 10 });
  });

  test('[155] a cleanup that fails is reported, the others run, and the outcome stands', async () => {
    const sink = recordingSink();
    const ran: string[] = [];
    const run = await doing((context) => {
      context.defer(() => void ran.push('first'));
      context.defer(() => Promise.reject(new Error('locked')));
      context.defer(() => {
        throw new Error('gone');
      });
      context.defer(() => void ran.push('last'));
      return 'done';
    }).run({}, { sinks: [sink] });

    expect(ran).toEqual(['last', 'first']);
    expect(run).toMatchObject({ status: 'completed', outputs: { it: 'done' } });
    expect(run.cleanupErrors.map(({ code, path, message }) => [code, path, message])).toEqual([
      ['SF_CLEANUP_FAILED', 'it', 'A cleanup of stage "it" failed: gone.'],
      ['SF_CLEANUP_FAILED', 'it', 'A cleanup of stage "it" failed: locked.'],
    ]);
    expect(sink.of('cleanup.failed')).toHaveLength(2);
  });

  test('[156] a cleanup that exceeds the budget is reported, and so are those that it left no time for', async () => {
    const clock = virtualClock();
    const run = await clock.settle(
      doing((context) => {
        context.defer(() => {});
        context.defer(() => new Promise(() => {}));
      }).run({}, { clock, cleanupMs: 50 }),
    );

    expect(run).toMatchObject({ status: 'completed', elapsedMs: 50 });
    expect(run.cleanupErrors.map(({ message }) => message)).toEqual([
      'A cleanup of stage "it" failed: it did not finish within the budget of 50 ms.',
      'A cleanup of stage "it" failed: the budget of 50 ms was spent before it could run.',
    ]);
  });

  test('[157] a cleanup that became needless finds that out by itself', async () => {
    let open = true;
    const closed: string[] = [];
    const run = await doing((context) => {
      context.defer(() => void (open && closed.push('closed late')));
      open = false;
    }).run({});

    expect([closed, run.cleanupErrors]).toEqual([[], []]);
  });

  test('[160] cleanups run on success, on error, on a timeout and on cancel', async () => {
    const clock = virtualClock();
    const ended: string[] = [];
    const ending = (how: (context: StageContext) => unknown, limits: { timeoutMs?: number; graceMs?: number } = {}) => {
      const it = stage('it', {
        ...limits,
        run: (_, context) => {
          context.defer(() => void ended.push(context.signal.aborted ? 'aborted' : 'not aborted'));
          return how(context);
        },
      });
      return pipeline('p', { outputs: { it } });
    };
    const caller = new AbortController();
    clock.schedule(() => caller.abort(), 30);
    const statuses = [
      (await clock.settle(ending(() => 1).run({}, { clock }))).status,
      (await clock.settle(ending(() => Promise.reject(new Error('no'))).run({}, { clock }))).status,
      (await clock.settle(ending(({ signal }) => clock.sleep(100, signal), { timeoutMs: 10 }).run({}, { clock }))).status,
      (await clock.settle(ending(({ signal }) => clock.sleep(100, signal)).run({}, { clock, signal: caller.signal }))).status,
    ];

    expect(statuses).toEqual(['completed', 'failed', 'failed', 'cancelled']);
    expect(ended).toHaveLength(4);
    expect([ended[0], ended[2], ended[3]]).toEqual(['not aborted', 'aborted', 'aborted']);
  });
});

describe('the signal', () => {
  test('[158] keeps the first reason, calls listeners once, and shows a late one that it is aborted', async () => {
    const clock = virtualClock();
    const caller = new AbortController();
    const heard: unknown[] = [];
    const p = doing(async ({ signal }) => {
      heard.push(signal.aborted);
      signal.addEventListener('abort', () => heard.push(signal.reason));
      await clock.sleep(20);
    });
    const late = stage('late', {
      run: async (_, context) => {
        await clock.sleep(15);
        heard.push(context.signal.aborted, context.signal.reason);
      },
    });
    clock.schedule(() => caller.abort('first'), 5);
    clock.schedule(() => caller.abort('second'), 10);
    const [one, two] = await clock.settle(
      Promise.all([
        p.run({}, { clock, signal: caller.signal }),
        pipeline('q', { outputs: { late } }).run({}, { clock, signal: caller.signal }),
      ]),
    );

    expect([one, two]).toMatchObject([
      { status: 'cancelled', reason: 'first' },
      { status: 'cancelled', reason: 'first' },
    ]);
    expect(heard).toEqual([false, 'first', true, 'first']);
  });
});

describe('a run as a scope', () => {
  test('[159] all its stages run, cleanups run on success and on error, the error is kept and the others are aborted', async () => {
    const clock = virtualClock();
    const seen: string[] = [];
    const scope = (second: () => Promise<unknown>) => {
      const one = stage('one', {
        run: async (_, { signal }) => {
          await clock.sleep(20, signal);
          seen.push('one');
        },
      });
      const two = stage('two', {
        run: (_, context) => {
          context.defer(() => void seen.push('cleaned up'));
          return second();
        },
      });
      return pipeline('scope', { outputs: { one, two } });
    };
    const fine = await clock.settle(scope(async () => void seen.push('two')).run({}, { clock }));
    expect([fine.status, seen.splice(0)]).toEqual(['completed', ['two', 'one', 'cleaned up']]);

    const cause = new Error('no');
    const broken = await clock.settle(scope(() => Promise.reject(cause)).run({}, { clock }));
    expect(broken).toMatchObject({ status: 'failed', error: { path: 'two', cause } });
    expect([broken.stages.get('one')?.status, seen]).toEqual(['cancelled', ['cleaned up']]);
  });

  test('[161] result and error of the work stand, and a slow cleanup holds the run no longer than its budget', async () => {
    const clock = virtualClock();
    const cause = new Error('the work failed');
    const withSlowCleanup = (work: () => unknown) =>
      clock.settle(
        doing((context) => {
          context.defer(() => clock.sleep(60_000));
          return work();
        }).run({}, { clock, cleanupMs: 100 }),
      );
    const fine = await withSlowCleanup(() => 'result');
    const broken = await withSlowCleanup(() => Promise.reject(cause));

    expect(fine).toMatchObject({
      status: 'completed',
      outputs: { it: 'result' },
      elapsedMs: 100,
      cleanupErrors: [{ code: 'SF_CLEANUP_FAILED' }],
    });
    expect(broken).toMatchObject({ status: 'failed', error: { cause }, elapsedMs: 100, cleanupErrors: [{ code: 'SF_CLEANUP_FAILED' }] });
  });
});
