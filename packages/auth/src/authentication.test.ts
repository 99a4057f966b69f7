import { inspect } from 'node:util';
import {
  type Authentication,
  type AuthenticationOptions,
  authContext,
  authentication,
  authOf,
  bearer,
  onBehalfOf,
  type TokenValidator,
  tokenInvalid,
} from '@stageflow/auth';
import {
  createRuntime,
  memoryRunStore,
  pipeline,
  type ResumeOptions,
  type Run,
  type Runtime,
  type Schema,
  StageflowError,
  services,
  settled,
  stage,
  suspend,
} from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { ada, adasRun, attempt, audit, expectDenied, guardedPipeline, issuer, validatorOf } from '../test/admission.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

describe('a run', () => {
  test('with a valid token is authenticated once, whatever the number of its stages', async () => {
    const { tokens, clock } = await issuer();
    const validator = validatorOf(tokens);
    const validate = vi.spyOn(validator, 'validate');
    const { run, events, calls } = await attempt(validator, await tokens.issue(ada), { clock });
    expect([run.status, calls, validate.mock.calls.length]).toEqual(['completed', 2, 1]);
    expect(audit(events)).toEqual([
      ['auth.login', { userId: 'ada', tenantId: 'acme', sessionId: undefined, issuer: 'https://issuer.test/' }],
    ]);
  });

  test('takes the token with or without the word Bearer', async () => {
    const { tokens, clock } = await issuer();
    const token = await tokens.issue(ada);
    for (const header of [token, `Bearer ${token}`, ` bearer   ${token} `])
      expect((await attempt(validatorOf(tokens), header, { clock })).run.status).toBe('completed');
  });

  test.each([undefined, '', '   ', 'Bearer ', ['a', 'b'] as never, null as never])('with no token (%o) is denied', async (header) => {
    const { tokens } = await issuer();
    const denied = await attempt(validatorOf(tokens), header);
    expectDenied(denied, 'SF_AUTH_TOKEN_MISSING');
    expect(audit(denied.events)).toEqual([['auth.failure', { code: 'SF_AUTH_TOKEN_MISSING', reason: 'SF_AUTH_TOKEN_MISSING' }]]);
  });

  test.each([
    ['no extensions', undefined],
    ['a bare token under the key', { 'stageflow.auth': 'hunter2' }],
    ['an object that looks like a credential', { 'stageflow.auth': { token: 'hunter2', auth: ada } }],
  ])('with %s is denied, and says nothing of it', async (_, extensions) => {
    const { tokens } = await issuer();
    const { called, chat } = guardedPipeline();
    const runtime = createRuntime({ pipelines: [chat], interceptors: [authentication({ validator: validatorOf(tokens) })] });
    const run = await runtime.run(chat, {}, { ...adasRun, ...(extensions && { extensions }) });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_AUTH_TOKEN_MISSING', runId: run.runId, pipeline: 'chat' } });
    expect(called).toHaveBeenCalledTimes(0);
    expect(JSON.stringify(run)).not.toContain('hunter2');
  });

  test.each<[string, object, string]>([
    ['of another tenant', { userId: 'ada', tenantId: 'umbrella' }, 'SF_AUTH_TENANT_MISMATCH'],
    ['of no tenant', { userId: 'ada' }, 'SF_AUTH_TENANT_MISSING'],
    ['of an empty tenant', { userId: 'ada', tenantId: '' }, 'SF_AUTH_TENANT_MISSING'],
    ['whose tenant is not in normal form', { userId: 'ada', tenantId: ' acme' }, 'SF_AUTH_TENANT_MISMATCH'],
    ['whose tenant differs in case', { userId: 'ada', tenantId: 'Acme' }, 'SF_AUTH_TENANT_MISMATCH'],
    ['of another user', { userId: 'eve', tenantId: 'acme' }, 'SF_AUTH_IDENTITY_MISMATCH'],
    ['of no user', { tenantId: 'acme' }, 'SF_AUTH_IDENTITY_MISMATCH'],
  ])('%s than its token is denied', async (_, identity, code) => {
    const { tokens, clock } = await issuer();
    expectDenied(await attempt(validatorOf(tokens), await tokens.issue(ada), { clock, identity }), code);
  });

  test.each(['fail-fast', 'continue', 'best-effort'] as const)(
    'that was denied has failed, also as %s where its outputs may be missing',
    async (failureMode) => {
      const { tokens } = await issuer();
      const called = vi.fn();
      const p = pipeline('p', { outputs: { one: settled(stage('one', { onFailure: 'skip', run: called })) } });
      const runtime = createRuntime({ pipelines: [p], failureMode, interceptors: [authentication({ validator: validatorOf(tokens) })] });
      expect(await runtime.run(p, {}, adasRun)).toMatchObject({ status: 'failed', error: { code: 'SF_AUTH_TOKEN_MISSING' } });
      expect(called).toHaveBeenCalledTimes(0);
    },
  );

  test('of a tenant, with a token that is of none, is denied; without one it is not', async () => {
    const { tokens, clock } = await issuer();
    const token = await tokens.issue({ sub: 'ada' });
    expectDenied(await attempt(validatorOf(tokens), token, { clock }), 'SF_AUTH_TENANT_MISMATCH');
    expect((await attempt(validatorOf(tokens), token, { clock, identity: { userId: 'ada' } })).run.status).toBe('completed');
  });
});

describe('a validator', () => {
  const hostile = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2VjcmV0';
  const good = authContext({ userId: 'ada', org: { id: 'acme' }, expiresAt: Date.UTC(2030, 0) });

  test('of the host is asked with the time and the signal of the run', async () => {
    const validate = vi.fn<TokenValidator['validate']>(async () => good);
    expect((await attempt({ validate }, 'opaque')).run.status).toBe('completed');
    expect(validate).toHaveBeenCalledWith('opaque', { now: Date.UTC(2025, 0, 1), signal: expect.any(AbortSignal) });
  });

  test.each<[string, unknown]>([
    ['an error with the token in its message', new Error(`cannot read ${hostile}`)],
    ['an error with the token in its cause', new Error('no', { cause: { token: hostile } })],
    ['the token', hostile],
    ['an error of this package that holds the token', new StageflowError(tokenInvalid, { reason: 'claims', why: `it is ${hostile}` })],
    [
      'an error of this package with the token as its cause',
      new StageflowError(tokenInvalid, { reason: 'claims', why: 'no' }, { cause: hostile }),
    ],
    [
      'something that cannot be printed',
      {
        toString: () => {
          throw new Error(hostile);
        },
      },
    ],
    ['an error with claims', Object.assign(new Error('no'), { code: 'ERR_JWT_EXPIRED', payload: { token: hostile } })],
    ['an error with a code from the prototype', { code: '__proto__' }],
    [
      'an error that does not want to be read',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error(hostile);
          },
        },
      ),
    ],
    ['nothing', undefined],
  ])('that throws %s denies, and nothing of the token is to be seen', async (_, thrown) => {
    const validate = vi.fn(() => Promise.reject(thrown));
    const denied = await attempt({ validate }, `Bearer ${hostile}`);
    expect(validate).toHaveBeenCalledTimes(1);
    expect(denied.error?.code).toMatch(/^SF_AUTH_(UNAVAILABLE|TOKEN_INVALID)$/);
    expectDenied(denied, String(denied.error?.code), {}, hostile);
    expect(inspect([denied.run, denied.events, denied.error], { depth: 20, showHidden: true })).not.toContain(hostile);
    expect(JSON.stringify(denied)).not.toContain('c2VjcmV0');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['true', true],
    ['nobody', {}],
    ['somebody for ever', { userId: 'ada', org: { id: 'acme' } }],
    ['a list', [good]],
  ])('that gives %s denies', async (_, given) => {
    const validate = vi.fn(async () => given as never);
    expectDenied(await attempt({ validate }, 'opaque'), 'SF_AUTH_TOKEN_INVALID', { reason: 'claims' });
    expect(validate).toHaveBeenCalledTimes(1);
  });

  test('that hangs denies when the run may last no longer', async () => {
    const { tokens, clock } = await issuer();
    const { called, chat } = guardedPipeline();
    const hanging = { validate: () => new Promise<never>(() => {}) };
    const runtime = createRuntime({ pipelines: [chat], clock, deadlineMs: 40, interceptors: [authentication({ validator: hanging })] });
    const run = await clock.settle(runtime.run(chat, {}, { ...adasRun, extensions: bearer(await tokens.issue(ada)) }));
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_RUN_DEADLINE' } });
    expect(called).toHaveBeenCalledTimes(0);
  });

  test.each([undefined, {}, { validator: undefined }, { validator: {} }])('has to be given: %o', (options) => {
    expect(() => authentication(options as unknown as AuthenticationOptions)).toThrow(
      expect.objectContaining({ code: 'SF_OPTION_INVALID' }),
    );
  });
});

describe('identify()', () => {
  test('gives the options of runs on behalf of somebody, who is not validated again', async () => {
    const { tokens, clock } = await issuer();
    const validator = validatorOf(tokens);
    const validate = vi.spyOn(validator, 'validate');
    const auth = authentication({ validator });
    const { chat } = guardedPipeline();
    const runtime = createRuntime({ pipelines: [chat], clock, interceptors: [auth] });
    const options = await auth.identify(`Bearer ${await tokens.issue(ada)}`, { now: clock.now() });
    expect(options).toMatchObject(adasRun);
    for (let count = 0; count < 3; count++) expect((await runtime.run(chat, {}, options)).status).toBe('completed');
    expect(validate).toHaveBeenCalledTimes(1);
  });

  test('rejects whoever is refused', async () => {
    const { tokens, clock } = await issuer();
    const auth = authentication({ validator: validatorOf(tokens) });
    await expect(auth.identify(undefined)).rejects.toMatchObject({ code: 'SF_AUTH_TOKEN_MISSING' });
    await expect(auth.identify('hunter2')).rejects.toMatchObject({ code: 'SF_AUTH_TOKEN_INVALID', details: { reason: 'malformed' } });
    // By the clock of the host, the token was issued long ago.
    const token = await tokens.issue(ada);
    await expect(auth.identify(token)).rejects.toMatchObject({ details: { reason: 'expired' } });
    await expect(auth.identify(token, { now: clock.now() })).resolves.toMatchObject(adasRun);
  });

  test('gives options that end with the token', async () => {
    const { tokens, clock } = await issuer();
    const auth = authentication({ validator: validatorOf(tokens) });
    const { called, chat } = guardedPipeline();
    const runtime = createRuntime({ pipelines: [chat], clock, interceptors: [auth] });
    const options = await auth.identify(await tokens.issue(ada, { expiresInMs: 60_000 }), { now: clock.now() });
    await clock.advance(64_999);
    expect((await runtime.run(chat, {}, options)).status).toBe('completed');
    called.mockClear();
    await clock.advance(1);
    expect(await runtime.run(chat, {}, options)).toMatchObject({ status: 'failed', error: { details: { reason: 'expired' } } });
    expect(called).toHaveBeenCalledTimes(0);
  });

  test('gives options that another authentication does not take', async () => {
    const { tokens, clock } = await issuer();
    const mine = authentication({ validator: validatorOf(tokens) });
    const theirs = authentication({ validator: validatorOf(tokens) });
    const { called, chat } = guardedPipeline();
    const runtime = createRuntime({ pipelines: [chat], clock, interceptors: [theirs] });
    const options = await mine.identify(await tokens.issue(ada), { now: clock.now() });
    expect(await runtime.run(chat, {}, options)).toMatchObject({ status: 'failed', error: { details: { reason: 'issuer' } } });
    expect(called).toHaveBeenCalledTimes(0);
  });

  test('does not let its options be used for another tenant or user', async () => {
    const { tokens, clock } = await issuer();
    const auth = authentication({ validator: validatorOf(tokens) });
    const { called, chat } = guardedPipeline();
    const runtime = createRuntime({ pipelines: [chat], clock, interceptors: [auth] });
    const options = await auth.identify(await tokens.issue(ada), { now: clock.now() });
    expect((await runtime.run(chat, {}, { ...options, tenantId: 'umbrella' })).status).toBe('failed');
    expect((await runtime.run(chat, {}, { ...options, userId: 'eve' })).status).toBe('failed');
    expect(called).toHaveBeenCalledTimes(0);
  });
});

describe('a token', () => {
  test('and who was authenticated cannot be reached from a credential, nor can one be made by hand', async () => {
    const { tokens, clock } = await issuer();
    const auth = authentication({ validator: validatorOf(tokens) });
    const { extensions } = await auth.identify(await tokens.issue(ada), { now: clock.now() });
    const [credential] = Object.values(extensions) as [object];
    expect(Reflect.ownKeys(credential)).toEqual([]);
    expect(Reflect.ownKeys(Object.getPrototypeOf(credential)).sort()).toEqual(['toJSON', 'toString']);
    expect(credential.constructor).toBe(Object);
    const { called, chat } = guardedPipeline();
    const runtime = createRuntime({ pipelines: [chat], clock, interceptors: [auth] });
    for (const copy of [{ ...credential }, Object.create(credential), structuredClone({}), new Proxy(credential, {})]) {
      const run = await runtime.run(chat, {}, { ...adasRun, extensions: { 'stageflow.auth': copy } });
      expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_AUTH_TOKEN_MISSING' } });
    }
    expect(called).toHaveBeenCalledTimes(0);
    expect((await runtime.run(chat, {}, { ...adasRun, extensions })).status).toBe('completed');
  });

  test('is not visible to stages, events, results, or whoever prints the options', async () => {
    const { tokens, clock } = await issuer();
    const token = await tokens.issue(ada);
    const seen: unknown[] = [];
    const look = stage('look', {
      run: (_, context) => {
        const credential = context.extension('stageflow.auth', anything);
        seen.push(credential, JSON.stringify(credential), String(credential), Object.values(credential as object), {
          ...(credential as object),
        });
        return { ...context.identity, auth: authOf(context) };
      },
    });
    const p = pipeline('p', { outputs: { look } });
    const sink = recordingSink();
    const extensions = bearer(token);
    const runtime = createRuntime({
      pipelines: [p],
      clock,
      sinks: [sink],
      interceptors: [authentication({ validator: validatorOf(tokens) })],
    });
    const run = await runtime.run(p, {}, { ...adasRun, extensions });
    expect(run.status).toBe('completed');
    expect(seen).toHaveLength(5);
    const everything = inspect([seen, sink.events, run, run.outputs, extensions], { depth: 20, showHidden: true });
    for (const part of token.split('.')) expect(everything + JSON.stringify([seen, sink.events, run, extensions])).not.toContain(part);
  });
});

/** A run of Ada's that is suspended, then has its answer; whose authentication is `auth`. */
async function suspended(options: Omit<AuthenticationOptions, 'validator'> = {}, header?: (token: string) => string) {
  const { tokens, clock } = await issuer();
  const called = vi.fn((who: string) => who);
  const asked = stage('asked', {
    run: (_, context) => {
      const who = called(authOf(context).userId);
      return context.answer(anything) === undefined ? suspend('go on?') : who;
    },
  });
  const p = pipeline('p', { outputs: { asked } });
  const store = memoryRunStore();
  const sink = recordingSink();
  const auth: Authentication = authentication({ validator: validatorOf(tokens), ...options });
  const runtime: Runtime = createRuntime({ pipelines: [p], store, clock, sinks: [sink], interceptors: [auth] });
  const token = await tokens.issue(ada, { expiresInMs: 60_000 });
  const run = await runtime.run(p, {}, { runId: 'r', ...adasRun, extensions: bearer(header === undefined ? token : header(token)) });
  if (run.status !== 'suspended') throw new Error(`the run is ${run.status}`);
  await runtime.decide(run.waits[0]?.waitId as string, 'yes', { tenantId: 'acme' });
  called.mockClear();
  const resume = (claims: object | undefined, more: ResumeOptions = {}): Promise<Run> =>
    Promise.resolve(claims === undefined ? undefined : tokens.issue({ ...ada, ...claims }, { expiresInMs: 60_000 })).then((fresh) =>
      runtime.resume('r', { tenantId: 'acme', extensions: bearer(fresh), ...more }),
    );
  return { runtime, store, clock, called, sink, resume, token, tokens };
}

describe('a resume', () => {
  test('with a token of the same user goes on, and is audited anew', async () => {
    const { resume, called, sink } = await suspended();
    expect(await resume({})).toMatchObject({ status: 'completed', outputs: { asked: 'ada' } });
    expect(called).toHaveBeenCalledTimes(1);
    expect(sink.events.filter((event) => event.type === 'custom').map(({ epoch, name }) => [epoch, name])).toEqual([
      [1, 'auth.login'],
      [2, 'auth.login'],
    ]);
  });

  test.each<[string, object | undefined, string]>([
    ['without a token', undefined, 'SF_AUTH_TOKEN_MISSING'],
    ['of another user', { sub: 'eve' }, 'SF_AUTH_IDENTITY_MISMATCH'],
    ['of another tenant', { org_id: 'umbrella' }, 'SF_AUTH_TENANT_MISMATCH'],
    ['with a token for somebody else', { aud: 'mail' }, 'SF_AUTH_TOKEN_INVALID'],
  ])('%s is refused: nothing is called, and the run stays as it was', async (_, claims, code) => {
    const { resume, called, store, sink } = await suspended();
    await expect(resume(claims)).rejects.toMatchObject({ code });
    expect(called).toHaveBeenCalledTimes(0);
    expect((await store.load('r', 'acme'))?.status).toBe('suspended');
    expect(audit(sink.events).at(-1)).toMatchObject(['auth.failure', { code }]);
    expect(sink.events.at(-1)?.type).toBe('run.suspended');
    expect((await resume({})).status).toBe('completed');
  });

  test('needs a token whose time is not over: that of the run does not last for ever', async () => {
    const { runtime, clock, token, called, resume } = await suspended();
    await clock.advance(66_000);
    await expect(runtime.resume('r', { tenantId: 'acme', extensions: bearer(token) })).rejects.toMatchObject({
      details: { reason: 'expired' },
    });
    expect(called).toHaveBeenCalledTimes(0);
    expect((await resume({})).status).toBe('completed');
  });

  test('under the name of another tenant finds no such run', async () => {
    const { resume, called } = await suspended();
    await expect(resume({ org_id: 'umbrella' }, { tenantId: 'umbrella' })).rejects.toMatchObject({ code: 'SF_RUN_UNKNOWN' });
    expect(called).toHaveBeenCalledTimes(0);
  });

  test('by somebody else of the tenant is up to the host, and stages see who it was', async () => {
    const asked: unknown[] = [];
    const { resume } = await suspended({
      mayResume: ({ auth, identity }) => {
        asked.push([auth.userId, identity.userId]);
        return auth.roles.includes('worker');
      },
    });
    await expect(resume({ sub: 'eve' })).rejects.toMatchObject({ code: 'SF_AUTH_IDENTITY_MISMATCH' });
    await expect(resume({ sub: 'bob', roles: ['worker'], org_id: 'umbrella' })).rejects.toMatchObject({ code: 'SF_AUTH_TENANT_MISMATCH' });
    expect(await resume({ sub: 'bob', roles: ['worker'] })).toMatchObject({ status: 'completed', outputs: { asked: 'bob' } });
    expect(asked).toEqual([
      ['eve', 'ada'],
      ['bob', 'ada'],
    ]);
  });

  test.each<[string, () => unknown]>([
    ['throws', () => Promise.reject(new Error('no'))],
    ['says nothing', () => undefined],
    ['says something else than true', () => 'yes'],
  ])('is refused where mayResume %s', async (_, mayResume) => {
    const asked = vi.fn(mayResume);
    const { resume, called } = await suspended({ mayResume: asked as never });
    await expect(resume({ sub: 'bob' })).rejects.toMatchObject({ code: 'SF_AUTH_IDENTITY_MISMATCH' });
    expect([asked.mock.calls.length, called.mock.calls.length]).toEqual([1, 0]);
  });
});

test('mayResume is not asked about new runs', async () => {
  const { tokens, clock } = await issuer();
  const mayResume = vi.fn(() => true);
  const auth = authentication({ validator: validatorOf(tokens), mayResume });
  expectDenied(await attempt(auth, await tokens.issue({ ...ada, sub: 'eve' }), { clock }), 'SF_AUTH_IDENTITY_MISMATCH');
  expect(mayResume).toHaveBeenCalledTimes(0);
});

describe('a child run', () => {
  async function family(childOptions: (context: Parameters<typeof onBehalfOf>[0] & { readonly runId: string }) => object) {
    const { tokens, clock } = await issuer();
    const validator = validatorOf(tokens);
    const validate = vi.spyOn(validator, 'validate');
    const { called, chat } = guardedPipeline();
    const { host } = services<{ host: { run(): Runtime } }>();
    const parts = stage('parts', {
      needs: { host },
      run: async ({ host }, context) => {
        const child = await host.run().run(chat, {}, { parent: context.runId, ...childOptions(context) });
        return child.status === 'failed' ? child.error.code : child.status;
      },
    });
    const p = pipeline('p', { outputs: { parts } });
    const runtime: Runtime = createRuntime({
      pipelines: [p, chat],
      clock,
      services: { host: { run: () => runtime } },
      interceptors: [authentication({ validator })],
    });
    const run = await runtime.run(p, {}, { ...adasRun, extensions: bearer(await tokens.issue(ada)) });
    return { run, called, validations: validate.mock.calls.length };
  }

  test('on behalf of the caller is not validated again', async () => {
    const { run, called, validations } = await family((context) => onBehalfOf(context));
    expect(run).toMatchObject({ status: 'completed', outputs: { parts: 'completed' } });
    expect([called.mock.calls.length, validations]).toEqual([2, 1]);
  });

  test('does not inherit that its parent was authenticated: it is denied without a credential', async () => {
    const { run, called } = await family(() => ({}));
    expect(run).toMatchObject({ status: 'completed', outputs: { parts: 'SF_AUTH_TOKEN_MISSING' } });
    expect(called).toHaveBeenCalledTimes(0);
  });

  test('on behalf of the caller, for another tenant, is denied', async () => {
    const { run, called } = await family((context) => ({ ...onBehalfOf(context), tenantId: 'umbrella' }));
    expect(run.outputs).toEqual({ parts: 'SF_AUTH_TENANT_MISMATCH' });
    expect(called).toHaveBeenCalledTimes(0);
  });
});

describe('authOf()', () => {
  test('without an authentication around the run fails the stage', async () => {
    const { chat } = guardedPipeline();
    const run = await createRuntime({ pipelines: [chat] }).run(chat, {}, adasRun);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', cause: { code: 'SF_AUTH_REQUIRED' } } });
  });

  test('cannot be given an identity that was made up', async () => {
    const identity = { ...adasRun, runId: 'r' } as never;
    expect(() => authOf({ identity })).toThrow(expect.objectContaining({ code: 'SF_AUTH_REQUIRED' }));
    expect(() => onBehalfOf({ identity })).toThrow(expect.objectContaining({ code: 'SF_AUTH_REQUIRED' }));
  });

  test('names the same caller in every run of many that go on at once', async () => {
    const { tokens, clock } = await issuer();
    const auth = authentication({ validator: validatorOf(tokens) });
    const who = stage('who', {
      run: async (_, context) => {
        await clock.sleep(Math.random() * 100);
        return `${authOf(context).userId} ${authOf(context).org?.tenantId} ${context.identity.tenantId}`;
      },
    });
    const p = pipeline('p', { outputs: { who } });
    const runtime = createRuntime({ pipelines: [p], clock, interceptors: [auth] });
    const all = Array.from({ length: 200 }, async (_, index) => {
      const options = await auth.identify(await tokens.issue({ sub: `u${index}`, org_id: `t${index % 7}` }), { now: clock.now() });
      return runtime.run(p, {}, options);
    });
    const runs = await clock.settle(Promise.all(all));
    expect(runs.map((run) => run.outputs.who)).toEqual(runs.map((_, index) => `u${index} t${index % 7} t${index % 7}`));
  });
});
