// Rows 124 to 129 of the earlier systems' list about their extended surface.
import { authentication, authOf, normalTenantId, type TenantIsolation, tenantIsolation } from '@stageflow/auth';
import { createRuntime, isStageflowError, pipeline, type StageContext, stage } from '@stageflow/core';
import { expect, test } from 'vitest';
import { issuer, validatorOf } from '../admission.ts';

/** What `act` makes of a run of acme's within this isolation. */
async function within(isolation: TenantIsolation, act: (context: StageContext) => unknown) {
  const p = pipeline('p', { outputs: { act: stage('act', { run: (_, context) => act(context) }) } });
  return createRuntime({ pipelines: [p], interceptors: [isolation] }).run(p, {}, { tenantId: 'acme' });
}

test('[M124] the same organisation and what is shared may be touched; another is an error with expected, actual and what it was', async () => {
  const isolation = tenantIsolation({ mode: 'enforce' });
  const touch = (tenantId: string | null) =>
    within(isolation, (context) => isolation.access(context, { tenantId, subject: 'reading invoice 7' }));
  expect((await touch('acme')).outputs.act).toBe(true);
  expect((await touch(null)).outputs.act).toBe(true);
  const run = await touch('umbrella');
  const cause = run.status === 'failed' ? run.error.cause : undefined;
  expect(isStageflowError(cause, 'SF_AUTH_TENANT_MISMATCH') && cause.details).toEqual({
    subject: 'reading invoice 7',
    expected: 'acme',
    actual: 'umbrella',
  });
});

test('[M125] enforcing throws on foreign access, observing says false and writes it down; tenants that were seen are listed', async () => {
  const strict = tenantIsolation({ mode: 'enforce' });
  expect((await within(strict, (context) => strict.access(context, { tenantId: 'umbrella', subject: 'it' }))).status).toBe('failed');
  const lax = tenantIsolation({ mode: 'observe' });
  const run = await within(lax, (context) =>
    ['umbrella', undefined, 'acme'].map((tenantId) => lax.access(context, { tenantId, subject: `of ${tenantId}` })),
  );
  expect(run.outputs.act).toEqual([false, true, true]);
  const { tenants, violations, isIsolated } = lax.report();
  expect([tenants, isIsolated]).toEqual([['acme', 'umbrella'], false]);
  expect(violations).toMatchObject([{ subject: 'of umbrella', expected: 'acme', actual: 'umbrella', path: 'act' }]);
});

test('[M128] many pipelines at once for different organisations each see only their own', async () => {
  const { tokens, clock } = await issuer();
  const auth = authentication({ validator: validatorOf(tokens) });
  const isolation = tenantIsolation({ mode: 'enforce' });
  const seen = stage('seen', {
    run: async (_, context) => {
      await clock.sleep(10);
      return { tenantId: authOf(context).org?.tenantId };
    },
  });
  const p = pipeline('p', { outputs: { seen } });
  const runtime = createRuntime({ pipelines: [p], clock, interceptors: [auth, isolation] });
  const tenants = Array.from({ length: 1_000 }, (_, index) => `t${index % 10}`);
  const options = await Promise.all(
    tenants.map(async (org_id) => auth.identify(await tokens.issue({ sub: 'u', org_id }), { now: clock.now() })),
  );
  const runs = await clock.settle(Promise.all(options.map((of) => runtime.run(p, {}, of))));
  expect(runs.map((run) => run.outputs.seen?.tenantId)).toEqual(tenants);
  expect(isolation.report()).toMatchObject({ violationCount: 0, isIsolated: true });
});

test('[M129] ids compare by value whatever their representation', async () => {
  const isolation = tenantIsolation({ mode: 'enforce' });
  const id = '0190abcd-0000-7000-8000-00000000000f';
  const p = pipeline('p', {
    outputs: { act: stage('act', { run: (_, context) => isolation.access(context, { tenantId: ` ${id.toUpperCase()}`, subject: 'it' }) }) },
  });
  const run = await createRuntime({ pipelines: [p], interceptors: [isolation] }).run(p, {}, { tenantId: id });
  expect([run.status, run.outputs.act]).toEqual(['completed', true]);
  expect(normalTenantId('cafe\u0301')).toBe(normalTenantId('caf\u00e9'));
});
