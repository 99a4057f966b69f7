import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { pipeline } from '../pipeline.ts';
import type { Run } from '../run.ts';
import { type StagePolicy, stage } from '../stage.ts';
import type { StageContext } from '../stage-context.ts';

/** A stage without policies takes the short way, one with a policy the long way: both must hold. */
const ways: readonly (readonly [string, StagePolicy])[] = [
  ['without policies', {}],
  ['with a timeout', { timeoutMs: 1_000 }],
  ['with retries', { retry: { attempts: 2, baseMs: 0 } }],
];

async function runOf(run: (context: StageContext) => unknown, policy: StagePolicy, signal?: AbortSignal): Promise<Run> {
  const clock = virtualClock();
  const it = stage('it', { ...policy, run: (_, context) => run(context) });
  return clock.settle(pipeline('p', { outputs: { it } }).run({}, { clock, signal, graceMs: 50 }) as Promise<Run>);
}

// biome-ignore-start lint/suspicious/noThenProperty: hostile thenables are what is tested
describe.each(ways)('a stage %s that returns', (_, policy) => {
  test('a thenable, completes with what it gives', async () => {
    const run = await runOf(() => ({ then: (give: (value: number) => void) => give(7) }), policy);
    expect(run).toMatchObject({ status: 'completed', outputs: { it: 7 } });
  });

  test('a thenable that calls back twice and throws after, completes once with the first', async () => {
    const thenable = {
      then(give: (value: number) => void) {
        give(7);
        give(8);
        throw new Error('late');
      },
    };
    expect(await runOf(() => thenable, policy)).toMatchObject({ status: 'completed', outputs: { it: 7 }, counts: { completed: 1 } });
  });

  test('a thenable that gives a thenable, completes with what that gives', async () => {
    const nested = { then: (give: (value: unknown) => void) => give(Promise.resolve(7)) };
    expect(await runOf(() => nested, policy)).toMatchObject({ status: 'completed', outputs: { it: 7 } });
  });

  test.each([
    [
      'a thenable whose then throws',
      {
        then() {
          throw new Error('then');
        },
      },
    ],
    [
      'an object whose then cannot be read',
      {
        get then(): never {
          throw new Error('then');
        },
      },
    ],
  ])('%s, fails with what was thrown', async (__, returned) => {
    const run = await runOf(() => returned, policy);
    expect(run.status).toBe('failed');
    expect(run.errors[0]).toMatchObject({ code: 'SF_STAGE_FAILED', cause: { message: 'then' } });
  });

  test('an object with a then that is no function, completes with it', async () => {
    expect((await runOf(() => ({ then: 'and' }), policy)).outputs).toEqual({ it: { then: 'and' } });
  });

  test.each([
    ['at once', (value: unknown) => value],
    ['later', async (value: unknown) => value],
  ])('a Proxy that answers only to then, %s, settles the run', async (__, give) => {
    const proxy = new Proxy(
      {},
      {
        get(_target, key) {
          if (key === 'then') return undefined;
          throw new Error(`get ${String(key)}`);
        },
        getPrototypeOf() {
          throw new Error('getPrototypeOf');
        },
        preventExtensions() {
          throw new Error('preventExtensions');
        },
      },
    );
    const run = await runOf(() => give(proxy), policy);
    expect(['completed', 'failed']).toContain(run.status);
  });

  test('an object that cannot be frozen, completes with it', async () => {
    const stubborn = new Proxy({ a: 1 }, { preventExtensions: () => false });
    expect((await runOf(() => stubborn, policy)).status).toBe('completed');
  });
});
// biome-ignore-end lint/suspicious/noThenProperty: hostile thenables are what is tested

describe.each(ways)('a stage %s that throws', (_, policy) => {
  const unreadable = new Proxy(
    {},
    {
      get(_target, key) {
        throw new Error(`get ${String(key)}`);
      },
    },
  );

  test('an object whose members cannot be read, fails', async () => {
    expect((await runOf(() => Promise.reject(unreadable), policy)).status).toBe('failed');
    expect(
      (
        await runOf(() => {
          throw unreadable;
        }, policy)
      ).status,
    ).toBe('failed');
  });

  test('such an object when it is aborted, settles as cancelled', async () => {
    const controller = new AbortController();
    const running = runOf(
      ({ signal }) => {
        queueMicrotask(() => controller.abort());
        return new Promise((__, reject) => signal.addEventListener('abort', () => reject(unreadable)));
      },
      policy,
      controller.signal,
    );
    expect((await running).status).toBe('cancelled');
  });

  test('an error whose headers throw when they are asked, fails', async () => {
    const headers = {
      get(): never {
        throw new Error('headers');
      },
    };
    const run = await runOf(() => Promise.reject(Object.assign(new Error('503'), { headers })), policy);
    expect(run.status).toBe('failed');
    expect(run.errors[0]?.message).toContain('503');
  });
});
