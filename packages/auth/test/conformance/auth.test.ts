// Rows 109 to 123 of the earlier systems' list about their extended surface.
import { inspect } from 'node:util';
import {
  type Authentication,
  authContext,
  authentication,
  authOf,
  authorization,
  bearer,
  jwtValidator,
  requireOrganisation,
  requireRole,
  type TokenValidator,
  tenantIsolation,
} from '@stageflow/auth';
import { createRuntime, isStageflowError, pipeline, type Run, type Schema, StageflowError, stage } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { expect, test, vi } from 'vitest';
import { ada, adasRun, attempt, audit, expectDenied, issuer, validatorOf } from '../admission.ts';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

test('[M109] a valid token makes somebody the caller of the run, with one login event', async () => {
  const { tokens, clock } = await issuer();
  const { run, events } = await attempt(validatorOf(tokens), await tokens.issue(ada), { clock });
  expect(run.status).toBe('completed');
  expect(authOf(run)).toMatchObject({ userId: 'ada', org: { id: 'acme' } });
  expect(audit(events)).toMatchObject([['auth.login', { userId: 'ada', tenantId: 'acme' }]]);
});

test('[M110] without a token the run is stopped, and auth.failure says so', async () => {
  const { tokens } = await issuer();
  const denied = await attempt(validatorOf(tokens), undefined);
  expectDenied(denied, 'SF_AUTH_TOKEN_MISSING');
  expect(audit(denied.events)).toMatchObject([['auth.failure', { code: 'SF_AUTH_TOKEN_MISSING' }]]);
});

test('[M111] a token that is over, wrong or without claims stops the run, and auth.failure says why', async () => {
  const { tokens, clock } = await issuer();
  const cases: readonly (readonly [string, string])[] = [
    [await tokens.issue(ada, { expiresInMs: -60_000 }), 'expired'],
    ['nonsense', 'malformed'],
    [await tokens.issue({}), 'claims'],
  ];
  for (const [token, reason] of cases) {
    const denied = await attempt(validatorOf(tokens), token, { clock });
    expectDenied(denied, 'SF_AUTH_TOKEN_INVALID', { reason }, token);
    expect(audit(denied.events)).toEqual([['auth.failure', { code: 'SF_AUTH_TOKEN_INVALID', reason }]]);
  }
});

test('[M112] authentication stands before what asks for the organisation: by its place in the list', async () => {
  const { tokens, clock } = await issuer();
  const inside = [authorization({ policy: requireOrganisation() })];
  expectDenied(await attempt(validatorOf(tokens), undefined, { clock, inside }), 'SF_AUTH_TOKEN_MISSING');
  expect((await attempt(validatorOf(tokens), await tokens.issue(ada), { clock, inside })).run.status).toBe('completed');
});

/** Ada's run, in which a stage touches something of this tenant. */
async function touching(tenantId: string | undefined, claims: object = ada, identity: object = adasRun): Promise<readonly [Run, unknown]> {
  const { tokens, clock } = await issuer();
  const isolation = tenantIsolation({ mode: 'enforce' });
  const touch = stage('touch', { run: (_, context) => isolation.access(context, { tenantId, subject: 'invoice 7' }) });
  const p = pipeline('p', { outputs: { touch } });
  const sink = recordingSink();
  const interceptors = [authentication({ validator: validatorOf(tokens) }), isolation];
  const runtime = createRuntime({ pipelines: [p], clock, sinks: [sink], interceptors });
  const run = await runtime.run(p, {}, { ...identity, extensions: bearer(await tokens.issue({ ...claims })) });
  return [run, audit(sink.events).at(-1)];
}

test('[M113] what belongs to nobody, and what belongs to the organisation of the caller as text, may be touched; else tenant.access_denied', async () => {
  expect((await touching(undefined))[0].status).toBe('completed');
  expect((await touching('acme'))[0].status).toBe('completed');
  const [run, event] = await touching('umbrella');
  expect(run).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_AUTH_TENANT_MISMATCH' } } });
  expect(event).toMatchObject(['tenant.access_denied', { expected: 'acme', actual: 'umbrella' }]);
});

test('[M114] what asks for the organisation, without anybody authenticated, stops the run', async () => {
  const called = vi.fn();
  const p = pipeline('p', { outputs: { one: stage('one', { run: called }) } });
  const run = await createRuntime({ pipelines: [p], interceptors: [authorization({ policy: requireOrganisation() })] }).run(p, {}, adasRun);
  expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_AUTH_REQUIRED' } });
  expect(called).toHaveBeenCalledTimes(0);
});

test('[M115] the identity is immutable, and printing it masks the e-mail address', () => {
  const auth = authContext({ userId: 'ada', email: 'ada.lovelace@example.com', expiresAt: 1 });
  expect(Object.isFrozen(auth)).toBe(true);
  expect(`${auth} ${inspect(auth)}`).toMatch(/ada\*\*\*.*ada\*\*\*/s);
  expect(`${auth} ${inspect(auth)}`).not.toContain('lovelace');
});

test('[M116] roles and features are compared exactly; an admin is whoever has one of the roles that make one', async () => {
  const { tokens, clock } = await issuer();
  const allowedWith = async (claims: object, policy: Parameters<typeof authorization>[0]['policy']) => {
    const token = await tokens.issue({ ...ada, ...claims });
    return (await attempt(validatorOf(tokens), token, { clock, inside: [authorization({ policy })] })).run.status === 'completed';
  };
  const isAdmin = requireRole('admin', 'org_admin');
  expect(await allowedWith({ roles: ['admin'] }, isAdmin)).toBe(true);
  expect(await allowedWith({ roles: ['org_admin'] }, isAdmin)).toBe(true);
  expect(await allowedWith({ roles: ['administrator', 'ADMIN'] }, isAdmin)).toBe(false);
  expect(await allowedWith({ features: ['sso'] }, requireOrganisation({ features: ['sso'] }))).toBe(true);
  expect(await allowedWith({ features: ['SSO'] }, requireOrganisation({ features: ['sso'] }))).toBe(false);
});

test('[M117] the errors keep their code and what they are about, and are all StageflowErrors', async () => {
  const [{ run }, [foreign]] = [await attempt({ validate: async () => undefined as never }, 't'), await touching('umbrella')];
  const error = run.status === 'failed' ? run.error : undefined;
  expect(isStageflowError(error, 'SF_AUTH_TOKEN_INVALID') && error.details).toMatchObject({ reason: 'claims' });
  const cause = foreign.status === 'failed' ? foreign.error.cause : undefined;
  expect(cause).toBeInstanceOf(StageflowError);
  expect(cause).toMatchObject({ details: { subject: 'invoice 7', expected: 'acme', actual: 'umbrella' } });
});

test('[M118] what is denied has failed, and is never a success with nothing in it', async () => {
  const { tokens, clock } = await issuer();
  const denials: readonly [string | undefined, Parameters<typeof attempt>[2]][] = [
    [undefined, {}],
    [await tokens.issue(ada), { identity: { userId: 'ada', tenantId: 'umbrella' } }],
    [await tokens.issue(ada), { inside: [authorization({ policy: requireRole('admin') })] }],
    [await tokens.issue({ sub: 'ada' }), { identity: { userId: 'ada' }, inside: [tenantIsolation({ mode: 'enforce' })] }],
  ];
  for (const [token, options] of denials) {
    const { run, calls, error } = await attempt(validatorOf(tokens), token, { clock, ...options });
    expect([run.status, calls, run.outputs, run.counts.completed]).toEqual(['failed', 0, {}, 0]);
    expect(error?.code).toMatch(/^SF_AUTH_/);
  }
});

test('[M119] a validator that crashes for a reason of its own denies the run as unavailable', async () => {
  const validate = vi.fn(() => Promise.reject(new TypeError('cannot read properties of undefined')));
  const denied = await attempt({ validate }, 'token');
  expectDenied(denied, 'SF_AUTH_UNAVAILABLE');
  expect([validate.mock.calls.length, denied.error?.retryable]).toEqual([1, true]);
});

test('[M120] somebody without an organisation may not touch that of one', async () => {
  const [run, event] = await touching('acme', { sub: 'ada' }, { userId: 'ada' });
  expect(run.status).toBe('failed');
  expect(event).toMatchObject(['tenant.access_denied', { kind: 'missing' }]);
});

test('[M121] a run of five stages is validated once, with one login event', async () => {
  const { tokens, clock } = await issuer();
  const validator = validatorOf(tokens);
  const validate = vi.spyOn(validator, 'validate');
  const one = stage('s1', { run: () => 1 });
  const two = stage('s2', { needs: { one }, run: ({ one }) => one });
  const three = stage('s3', { needs: { two }, run: ({ two }) => two });
  const four = stage('s4', { needs: { three }, run: ({ three }) => three });
  const five = stage('s5', { needs: { four }, run: ({ four }) => four });
  const p = pipeline('p', { outputs: { five } });
  const sink = recordingSink();
  const runtime = createRuntime({ pipelines: [p], clock, sinks: [sink], interceptors: [authentication({ validator })] });
  const run = await runtime.run(p, {}, { ...adasRun, extensions: bearer(await tokens.issue(ada)) });
  expect([run.status, run.counts.completed, validate.mock.calls.length, audit(sink.events).length]).toEqual(['completed', 5, 1, 1]);
});

test('[M122] the raw token is not visible to stages, events, or whatever is written down of the run', async () => {
  const { tokens, clock } = await issuer();
  const token = await tokens.issue(ada);
  const seen: unknown[] = [];
  const look = stage('look', {
    run: (_, context) => void seen.push(context.extension('stageflow.auth', anything), context.identity, authOf(context)),
  });
  const p = pipeline('p', { outputs: { look } });
  const sink = recordingSink();
  const runtime = createRuntime({
    pipelines: [p],
    clock,
    sinks: [sink],
    interceptors: [authentication({ validator: validatorOf(tokens) })],
  });
  const run = await runtime.run(p, {}, { ...adasRun, extensions: bearer(token) });
  expect([run.status, seen.length]).toEqual(['completed', 3]);
  const everything = inspect([seen, sink.events, run], { depth: 20, showHidden: true }) + JSON.stringify([seen, sink.events, run]);
  for (const part of token.split('.')) expect(everything).not.toContain(part);
});

test('[M123] an authentication without a validator cannot be made, nor a validator without issuer, audience, algorithms and keys', () => {
  const wrong = expect.objectContaining({ code: 'SF_OPTION_INVALID' });
  const whole = { jwks: { keys: [] }, issuer: 'i', audience: 'a', algorithms: ['RS256'] } as const;
  for (const name of ['jwks', 'issuer', 'audience', 'algorithms']) {
    expect(() => jwtValidator({ ...whole, [name]: undefined })).toThrow(wrong);
  }
  const make = (validator: unknown): Authentication => authentication({ validator: validator as TokenValidator });
  expect(() => make(undefined)).toThrow(wrong);
  expect(() => make(jwtValidator(whole))).not.toThrow();
});
