import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { defineEvent } from '../define-event.ts';
import { inputs } from '../inputs.ts';
import type { Interceptor } from '../interceptor.ts';
import { pipeline } from '../pipeline.ts';
import type { Schema } from '../schema.ts';
import { stage } from '../stage.ts';
import type { StageContext } from '../stage-context.ts';
import { work } from '../work.ts';
import type { RunOptions } from './start-run.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const noted = defineEvent('app.noted', anything);

/** What a stage makes of its context, without and with policies. */
async function seen<R>(look: (context: StageContext) => R, options: RunOptions = {}): Promise<R[]> {
  const found: R[] = [];
  for (const policy of [{}, { timeoutMs: 60_000 }]) {
    const it = stage('it', { ...policy, run: (_, context) => look(context) as unknown });
    found.push((await pipeline('p', { outputs: { it } }).runOrThrow({}, options)).outputs.it as R);
  }
  return found;
}

describe('a stage’s context', () => {
  test('says where it is', async () => {
    const look = ({ runId, pipeline, stage, path, attempt, identity }: StageContext) => ({
      runId,
      pipeline,
      stage,
      path,
      attempt,
      user: identity.userId,
    });
    const expected = { runId: 'r', pipeline: 'p', stage: 'it', path: 'it', attempt: 1, user: 'ada' };
    expect(await seen(look, { runId: 'r', userId: 'ada' })).toEqual([expected, expected]);
  });

  test('reads time and randomness of the run', async () => {
    const clock = virtualClock({ now: 5_000, monotonic: 77 });
    const it = stage('it', {
      run: async (_, context) => {
        await clock.sleep(30);
        return [context.elapsedMs, context.now(), context.random()];
      },
    });
    const run = await clock.settle(pipeline('p', { outputs: { it } }).runOrThrow({}, { clock, random: () => 0.25 }));
    expect(run.outputs.it).toEqual([30, 5_030, 0.25]);
  });

  test('reads time and randomness of the host where the run has none', async () => {
    const before = Date.now();
    for (const [now, random] of await seen((context) => [context.now(), context.random()] as const)) {
      expect(now).toBeGreaterThanOrEqual(before);
      expect(random).toBeGreaterThanOrEqual(0);
      expect(random).toBeLessThan(1);
    }
  });

  test('has one signal, made when it is read, that aborts with the reason of the stop', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const [first] = await Promise.all([
      pipeline('p', {
        outputs: {
          it: stage('it', {
            run: async (_, context) => {
              const { signal } = context;
              const same = signal === context.signal;
              controller.abort(reason);
              await Promise.resolve();
              return [same, context.signal.aborted, context.signal.reason === reason];
            },
          }),
        },
      }).run({}, { signal: controller.signal }),
    ]);
    expect(first).toMatchObject({ status: 'cancelled', outputs: { it: [true, true, true] } });
  });

  test('has a signal that has aborted where it is first read after the stop, with and without policies', async () => {
    for (const policy of [{}, { timeoutMs: 60_000 }]) {
      const controller = new AbortController();
      const it = stage('it', {
        ...policy,
        run: async (_, context) => {
          controller.abort('enough');
          await Promise.resolve();
          return [context.signal.aborted, context.signal.reason];
        },
      });
      expect(await pipeline('p', { outputs: { it } }).run({}, { signal: controller.signal })).toMatchObject({
        outputs: { it: [true, 'enough'] },
      });
    }
  });

  test('emits progress and events of one’s own, functions taken out of it included', async () => {
    const sink = recordingSink();
    const it = stage('it', {
      run: (_, { progress, emit, heartbeat }) => {
        heartbeat();
        progress(0.5, 'half');
        progress(1);
        emit(noted, { a: 1 });
      },
    });
    await pipeline('p', { outputs: { it } }).run({}, { sinks: [sink] });
    expect(sink.of('stage.progressed')).toMatchObject([
      { stage: 'it', attempt: 1, fraction: 0.5, message: 'half' },
      { fraction: 1, message: undefined },
    ]);
    expect(sink.of('custom')).toMatchObject([{ name: 'app.noted', payload: { a: 1 }, stage: 'it' }]);
  });

  test('keeps progress within [0, 1], and says nothing of it where there is no number', async () => {
    const sink = recordingSink();
    const it = stage('it', {
      run: (_, { progress }) => {
        for (const fraction of [-1, 0.25, 7, Number.NaN, undefined]) progress(fraction as number);
      },
    });
    await pipeline('p', { outputs: { it } }).run({}, { sinks: [sink] });
    expect(sink.of('stage.progressed').map(({ fraction }) => fraction)).toEqual([0, 0.25, 1, undefined, undefined]);
  });

  test('emits nothing after the run has ended, and says so of defer()', async () => {
    const sink = recordingSink();
    let kept: StageContext | undefined;
    const it = stage('it', {
      run: (_, context) => {
        kept = context;
      },
    });
    await pipeline('p', { outputs: { it } }).run({}, { sinks: [sink] });
    const told = sink.events.length;
    kept?.progress(1);
    kept?.emit(noted, 1);
    await Promise.resolve();
    expect(sink.events.length).toBe(told);
    expect(() => kept?.defer(() => {})).toThrow(expect.objectContaining({ code: 'SF_RUN_ENDED' }));
  });

  test('has one idempotency key for all attempts: run and path, or the declared one with the tenant', async () => {
    const { id } = inputs<{ id: string }>();
    const keys: string[] = [];
    const keep = (_: unknown, { idempotencyKey, attempt }: StageContext): void => {
      keys.push(idempotencyKey);
      if (attempt === 1) throw new Error('no');
    };
    const plain = work('plain', { retry: { attempts: 2, baseMs: 0 }, run: keep });
    const keyed = work('keyed', { needs: { id }, retry: { attempts: 2, baseMs: 0 }, idempotencyKey: ({ id }) => `order:${id}`, run: keep });
    const made = pipeline('p', { outputs: {}, also: { plain, keyed }, maxConcurrency: 1 });
    await made.runOrThrow({ id: '7' }, { runId: 'r' });
    expect(keys.sort()).toEqual(['order:7', 'order:7', 'r/plain', 'r/plain']);
    keys.length = 0;
    await made.runOrThrow({ id: '7' }, { runId: 'r', tenantId: 'acme' });
    expect(keys.sort()).toEqual(['acme/order:7', 'acme/order:7', 'r/plain', 'r/plain']);
  });

  test('has a key with the scope, where one is declared', async () => {
    const { id } = inputs<{ id: string }>();
    const keys: string[] = [];
    const pay = work('pay', {
      needs: { id },
      idempotencyKey: ({ id }) => id,
      deduplicate: { scope: 'payments' },
      run: (_, { idempotencyKey }) => keys.push(idempotencyKey),
    });
    const around: Interceptor = { name: 'promises', deduplicates: true, stage: (_, next) => next() };
    const made = pipeline('p', { outputs: { pay } });
    await made.runOrThrow({ id: '7' }, { interceptors: [around] });
    await made.runOrThrow({ id: '7' }, { interceptors: [around], tenantId: 'acme' });
    expect(keys).toEqual(['payments/7', 'acme/payments/7']);
  });
});

describe('extension()', () => {
  const counting = () => {
    let checks = 0;
    const schema: Schema<unknown, object> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          checks++;
          return value === undefined ? { issues: [{ message: 'required' }] } : { value: { value } };
        },
      },
    };
    return { schema, count: () => checks };
  };

  test('reads what was given to the run, checked once for each schema', async () => {
    const first = counting();
    const second = counting();
    const it = stage('it', {
      run: (_, { extension }) => [extension('tenant', first.schema), extension('tenant', first.schema), extension('tenant', second.schema)],
    });
    const again = stage('again', { after: [it], run: (_, { extension }) => extension('tenant', second.schema) });
    const run = await pipeline('p', { outputs: { it, again } }).runOrThrow({}, { extensions: { tenant: 'acme' } });
    expect(run.outputs).toEqual({ it: [{ value: 'acme' }, { value: 'acme' }, { value: 'acme' }], again: { value: 'acme' } });
    expect([first.count(), second.count()]).toEqual([1, 1]);
  });

  test('refuses what is missing, what objects inherit included', async () => {
    for (const key of ['tenant', 'toString', '__proto__', 'constructor']) {
      const it = stage('it', { run: (_, { extension }) => extension(key, counting().schema) });
      for (const extensions of [undefined, {}]) {
        expect((await pipeline('p', { outputs: { it } }).run({}, { extensions })).errors[0]?.cause).toMatchObject({
          code: 'SF_EXTENSION_INVALID',
          details: { extension: key },
        });
      }
    }
  });
});

describe('config()', () => {
  test('reads from the provider each time, and nothing where there is none', async () => {
    let value = 1;
    const config = { get: (key: string) => (key === 'n' ? value++ : undefined) };
    expect(
      await seen((context) => [context.config('n', anything), context.config('n', anything), context.config('m', anything)], { config }),
    ).toEqual([
      [1, 2, undefined],
      [3, 4, undefined],
    ]);
    expect(await seen(({ config }) => config('n', anything))).toEqual([undefined, undefined]);
  });

  test.each([
    ['sk-secret', 'received a string'],
    [4711, 'received a number'],
    [undefined, 'received undefined'],
    [{ user: 'root' }, 'received an object with user'],
  ])('does not tell the value %j that a schema refused, which may be a secret', async (value, received) => {
    const refusing: Schema<unknown, never> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'not this' }] }) },
    };
    const it = stage('it', { run: (_, { config }) => config('key', refusing) });
    const run = await pipeline('p', { outputs: { it } }).run({}, { config: { get: () => value } });
    expect(run.errors[0]?.cause).toMatchObject({ code: 'SF_CONFIG_INVALID', details: { key: 'key', issues: ['not this', received] } });
  });
});

test.each<[string, (context: StageContext, schema: Schema<unknown, unknown>) => unknown]>([
  ['event "app.later"', ({ emit }, schema) => emit(defineEvent('app.later', schema), 1)],
  ['extension "tenant"', ({ extension }, schema) => extension('tenant', schema)],
  ['configuration "limit"', ({ config }, schema) => config('limit', schema)],
])('what is read at once cannot have a schema that answers later: %s', async (subject, read) => {
  const later: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value }) } };
  const it = (schema: Schema<unknown, unknown>) => stage('it', { run: (_, context) => void read(context, schema) });
  const run = await pipeline('p', { outputs: { it: it(later) } }).run({});
  expect(run.errors[0]?.cause).toMatchObject({ code: 'SF_SCHEMA_ASYNC', details: { subject }, path: 'it' });
  expect((await pipeline('p', { outputs: { it: it(anything) } }).run({})).status).toBe('completed');
});
