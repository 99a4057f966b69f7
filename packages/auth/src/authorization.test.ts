import {
  allOf,
  allow,
  anyOf,
  authentication,
  authorization,
  bearer,
  deny,
  type Policy,
  type PolicyRequest,
  requireOrganisation,
  requireRole,
  roleDenied,
} from '@stageflow/auth';
import { cached, createRuntime, type Interceptor, isStageflowError, pipeline, StageflowError, stage } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { ada, adasRun, attempt, audit, expectDenied, guardedPipeline, issuer, validatorOf } from '../test/admission.ts';

/** Runs as Ada, with more claims, within a policy about the run as a whole. */
async function ruledBy(policy: Policy, claims: object = {}) {
  const { tokens, clock } = await issuer();
  const token = await tokens.issue({ ...ada, ...claims });
  return attempt(validatorOf(tokens), token, { clock, inside: [authorization({ policy })] });
}

async function expectAllowed(policy: Policy, claims: object = {}) {
  const { run, calls } = await ruledBy(policy, claims);
  expect([run.status, calls]).toEqual(['completed', 2]);
}

describe('a policy about the run', () => {
  test('that allows lets it run', () => expectAllowed(allow));

  test('that denies fails it before anything runs, and tells the sinks', async () => {
    const denied = await ruledBy(() => deny('not on Sundays.'));
    expectDenied(denied, 'SF_AUTH_DENIED', { why: 'not on Sundays.' });
    expect(audit(denied.events).at(-1)).toEqual(['auth.denied', { code: 'SF_AUTH_DENIED', userId: 'ada' }]);
  });

  test.each<[string, (request: PolicyRequest) => unknown]>([
    ['returns nothing', () => undefined],
    ['returns true', () => true],
    ['returns "allow"', () => 'allow'],
    ['returns null', () => null],
    ['returns an object that says neither', () => ({ allowed: 'yes' })],
    ['returns a denial without an error', () => ({ allowed: false })],
    ['returns the function itself', () => allow],
    ['resolves to nothing', async () => undefined],
    [
      'throws',
      () => {
        throw new Error('the database is away');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the database is away'))],
    ['throws nothing', () => Promise.reject(undefined)],
    [
      'answers with a getter that throws',
      () => ({
        get allowed() {
          throw new Error('no');
        },
      }),
    ],
  ])('that %s denies', async (_, policy) => {
    const asked = vi.fn(policy);
    expectDenied(await ruledBy(asked as unknown as Policy), 'SF_AUTH_DENIED');
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('that throws an error of its own denies with that, and without its cause', async () => {
    const error = new StageflowError(roleDenied, { roles: ['boss'] }, { cause: 'secret' });
    const denied = await ruledBy(() => Promise.reject(error));
    expectDenied(denied, 'SF_AUTH_ROLE_DENIED', { roles: ['boss'] }, 'secret');
    expect(isStageflowError(denied.error) && denied.error.cause).toBeUndefined();
  });

  test('is told who asks, for which run, and no stage', async () => {
    const asked = vi.fn(allow as Policy);
    await expectAllowed(asked);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(asked.mock.calls[0]?.[0]).toMatchObject({ auth: { userId: 'ada' }, identity: adasRun, pipeline: 'chat', stage: undefined });
  });

  test('outside of the authentication denies: there is nobody to ask about', async () => {
    const { tokens, clock } = await issuer();
    const { called, chat } = guardedPipeline();
    const interceptors = [authorization({ policy: allow }), authentication({ validator: validatorOf(tokens) })];
    const extensions = bearer(await tokens.issue(ada));
    const run = await createRuntime({ pipelines: [chat], clock, interceptors }).run(chat, {}, { ...adasRun, extensions });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_AUTH_REQUIRED' } });
    expect(called).toHaveBeenCalledTimes(0);
  });

  test('has to be a function', () => {
    expect(() => authorization({ policy: undefined as never })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });
});

describe('a policy about some stages', () => {
  async function twoStages(claims: object, around: readonly Interceptor[] = []) {
    const { tokens, clock } = await issuer();
    const read = vi.fn(() => 'read');
    const erase = vi.fn(() => 'erased');
    const reading = stage('reading', { run: read });
    const erasing = stage('erasing', { needs: { reading }, tags: ['danger'], run: erase });
    const p = pipeline('p', { outputs: { erasing } });
    const asked = vi.fn(requireRole('admin'));
    const sink = recordingSink();
    const interceptors = [
      authentication({ validator: validatorOf(tokens) }),
      authorization({ policy: asked, only: { tags: ['danger'] } }),
      ...around,
    ];
    const runtime = createRuntime({ pipelines: [p], clock, interceptors, sinks: [sink] });
    const run = await runtime.run(p, {}, { ...adasRun, extensions: bearer(await tokens.issue({ ...ada, ...claims })) });
    return { run, read: read.mock.calls.length, erase: erase.mock.calls.length, asked, sink };
  }

  test('is asked before each of them starts, and is told which', async () => {
    const { run, erase, asked } = await twoStages({ roles: ['admin'] });
    expect([run.status, erase]).toEqual(['completed', 1]);
    expect(asked.mock.calls.map(([{ stage }]) => [stage?.path, stage?.tags, stage?.values])).toEqual([
      ['erasing', ['danger'], { reading: 'read' }],
    ]);
  });

  test('that denies one fails it without a call; what went before stays', async () => {
    const { run, read, erase, sink } = await twoStages({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_AUTH_ROLE_DENIED', path: 'erasing', details: { roles: ['admin'] } } });
    expect([read, erase]).toEqual([1, 0]);
    expect(sink.events.find((event) => event.type === 'custom' && event.name === 'auth.denied')).toMatchObject({ path: 'erasing' });
  });

  test('stands before a cache further in', async () => {
    const memo: Interceptor = { name: 'memo', only: { tags: ['danger'] }, stage: async () => cached('erased before') };
    expect((await twoStages({}, [memo])).run.status).toBe('failed');
    expect((await twoStages({ roles: ['admin'] }, [memo])).run).toMatchObject({
      status: 'completed',
      outputs: { erasing: 'erased before' },
    });
  });
});

describe('requireRole()', () => {
  test('asks for one of the roles, letter by letter', async () => {
    await expectAllowed(requireRole('admin', 'editor'));
    for (const role of ['Editor', 'edit', 'editor ', ''])
      expectDenied(await ruledBy(requireRole(role)), 'SF_AUTH_ROLE_DENIED', { roles: [role] });
    expectDenied(await ruledBy(requireRole('admin'), { roles: undefined }), 'SF_AUTH_ROLE_DENIED');
  });

  test('without roles is refused where it is made', () => {
    expect(() => requireRole()).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });
});

describe('requireOrganisation()', () => {
  const org = { plan: 'pro', features: ['voice', 'sso'], org_roles: ['owner'] };

  test.each([
    ['one that may', { ids: ['umbrella', 'acme'] }],
    ['a plan', { plans: ['pro', 'enterprise'] }],
    ['all features', { features: ['sso', 'voice'] }],
    ['a role in it', { roles: ['owner'] }],
    ['everything at once', { ids: ['acme'], plans: ['pro'], features: ['sso'], roles: ['owner', 'member'] }],
    ['any', {}],
  ])('allows %s', (_, wanted) => expectAllowed(requireOrganisation(wanted), org));

  test.each([
    ['another', { ids: ['umbrella'] }],
    ['another plan', { plans: ['enterprise'] }],
    ['a missing feature', { features: ['sso', 'video'] }],
    ['another role in it', { roles: ['member'] }],
    ['one thing of several', { ids: ['acme'], plans: ['starter'] }],
  ])('denies %s', async (_, wanted) => {
    expectDenied(await ruledBy(requireOrganisation(wanted), org), 'SF_AUTH_ORGANISATION_DENIED');
  });

  test('denies whoever acts for none', async () => {
    const { tokens, clock } = await issuer();
    const inside = [authorization({ policy: requireOrganisation() })];
    const token = await tokens.issue({ sub: 'ada' });
    expectDenied(await attempt(validatorOf(tokens), token, { clock, inside, identity: { userId: 'ada' } }), 'SF_AUTH_ORGANISATION_DENIED');
  });

  test('with an empty list is refused where it is made', () => {
    expect(() => requireOrganisation({ ids: [] })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });
});

describe('policies together', () => {
  const no: Policy = () => deny('no.');
  const other: Policy = () => deny('not that either.');
  const broken: Policy = () => {
    throw new Error('broken');
  };

  test('allOf() allows what each allows, and denies as the first that denies', async () => {
    await expectAllowed(allOf(allow, requireRole('editor'), requireOrganisation()));
    expectDenied(await ruledBy(allOf(allow, no, other)), 'SF_AUTH_DENIED', { why: 'no.' });
    expectDenied(await ruledBy(allOf(allow, broken)), 'SF_AUTH_DENIED', { why: 'it threw Error: broken' });
  });

  test('anyOf() allows what one allows, and denies as the last that denies', async () => {
    await expectAllowed(anyOf(no, broken, requireRole('editor')));
    const after = vi.fn(no);
    await expectAllowed(anyOf(allow, after));
    expect(after).toHaveBeenCalledTimes(0);
    expectDenied(await ruledBy(anyOf(no, other)), 'SF_AUTH_DENIED', { why: 'not that either.' });
    expectDenied(await ruledBy(anyOf((() => undefined) as never)), 'SF_AUTH_DENIED');
  });

  test('of nothing are refused where they are made', () => {
    for (const make of [() => allOf(), () => anyOf()]) expect(make).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });
});
