import { type TenantIsolation, type TenantIsolationOptions, tenantIsolation } from '@stageflow/auth';
import { createRuntime, inputs, pipeline, type Runtime, type RuntimeRunOptions, type StageContext, services, stage } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { audit } from '../test/admission.ts';

type Act = (context: StageContext, value: unknown) => unknown;

/** Runs two stages behind each other for acme, the second of which does what it is told. */
async function runOf(
  mode: TenantIsolationOptions['mode'],
  value: unknown,
  act?: Act,
  options: RuntimeRunOptions = { tenantId: 'acme' },
  tenantOf?: TenantIsolationOptions['tenantOf'],
) {
  const isolation: TenantIsolation = tenantIsolation({ mode, tenantOf });
  const called = vi.fn<Act>(act ?? ((_, value) => value && 'done'));
  const { given } = inputs<{ given: unknown }>();
  const reads = stage('reads', { needs: { given }, run: ({ given }, context) => called(context, given) });
  const p = pipeline('p', { outputs: { reads } });
  const sink = recordingSink();
  const run = await createRuntime({ pipelines: [p], sinks: [sink], interceptors: [isolation] }).run(p, { given: value }, options);
  const error = run.status === 'failed' ? run.error.code : undefined;
  return { run, error, calls: called.mock.calls.length, report: isolation.report(), audit: audit(sink.events), isolation };
}

const foreign = { tenantId: 'umbrella', name: 'invoice' };

describe('under enforce', () => {
  test('a run within its tenant is not touched', async () => {
    const { run, report, audit } = await runOf('enforce', { tenantId: 'acme' }, () => ({ tenantId: ' acme ' }));
    expect(run.status).toBe('completed');
    expect(report).toEqual({ tenants: ['acme'], violations: [], violationCount: 0, isIsolated: true });
    expect(audit).toEqual([]);
  });

  test.each([undefined, '', '  ', 'a\u0000'])('a run without a tenant (%o) is denied', async (tenantId) => {
    const { error, calls, report, audit } = await runOf('enforce', 1, undefined, { tenantId });
    expect([error, calls]).toEqual(['SF_AUTH_TENANT_MISSING', 0]);
    expect(report).toMatchObject({ tenants: [], isIsolated: false, violations: [{ kind: 'missing', expected: undefined }] });
    expect(audit).toEqual([['tenant.access_denied', { kind: 'missing', subject: 'The run', expected: undefined, actual: undefined }]]);
  });

  test('a run whose tenant is not in normal form is denied: it would be another key in stores and limits', async () => {
    const { error, calls } = await runOf('enforce', 1, undefined, { tenantId: 'acme ' });
    expect([error, calls]).toEqual(['SF_AUTH_TENANT_MISMATCH', 0]);
  });

  test.each<[string, unknown]>([
    ['a value of another tenant', foreign],
    ['a list with one item of another', [{ tenantId: 'acme' }, foreign]],
    [
      'an instance of a class',
      new (class {
        readonly tenantId = 'umbrella';
      })(),
    ],
    ['a value whose tenant is no id', { tenantId: ' ' }],
    [
      'a value that does not let itself be asked',
      {
        get tenantId() {
          throw new Error('no');
        },
      },
    ],
  ])('a stage that reads %s fails without being called', async (_, value) => {
    const { run, error, calls, report } = await runOf('enforce', value);
    expect([error, calls]).toEqual(['SF_AUTH_TENANT_MISMATCH', 0]);
    expect(run.status === 'failed' && run.error.path).toBe('reads');
    expect(report.violations).toMatchObject([
      { kind: 'value', subject: '"given", which "reads" reads,', expected: 'acme', path: 'reads', pipeline: 'p', runId: run.runId },
    ]);
  });

  test('a stage that yields a value of another tenant fails, and nobody reads it', async () => {
    const { run, error, calls, report } = await runOf('enforce', 1, () => foreign);
    expect([error, calls]).toEqual(['SF_AUTH_TENANT_MISMATCH', 1]);
    expect(run.outputs).toEqual({});
    expect(report.violations).toMatchObject([{ kind: 'output', actual: 'umbrella' }]);
    expect(report.tenants).toEqual(['acme', 'umbrella']);
  });

  test.each([[1], ['text'], [null], [undefined], [{ tenantId: undefined }], [{ tenantId: 7 }], [{ other: 'umbrella' }], [[]]])(
    'values of no tenant in particular are no matter: %o',
    async (value) => {
      expect((await runOf('enforce', value)).run.status).toBe('completed');
    },
  );

  test('the host can say whose a value is', async () => {
    const ownerOf = (value: unknown) => (value as { owner?: string }).owner;
    expect((await runOf('enforce', { owner: 'acme', tenantId: 'umbrella' }, undefined, undefined, ownerOf)).run.status).toBe('completed');
    expect((await runOf('enforce', { owner: 'umbrella' }, undefined, undefined, ownerOf)).error).toBe('SF_AUTH_TENANT_MISMATCH');
    const broken = () => {
      throw new Error('broken');
    };
    expect((await runOf('enforce', 1, undefined, undefined, broken)).error).toBe('SF_AUTH_TENANT_MISMATCH');
  });

  test('a stage that is called below another is looked at as well', async () => {
    const isolation = tenantIsolation({ mode: 'enforce' });
    const { row } = inputs<{ row: object }>();
    const called = vi.fn(() => 'saved');
    const save = stage('save', { needs: { row }, run: called });
    const agent = stage('agent', { run: (_, { call }) => call(save, { row: foreign }) });
    const p = pipeline('p', { outputs: { agent } });
    const run = await createRuntime({ pipelines: [p], interceptors: [isolation] }).run(p, {}, { tenantId: 'acme' });
    expect(run).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_AUTH_TENANT_MISMATCH', path: 'agent/save' } } });
    expect(called).toHaveBeenCalledTimes(0);
  });
});

describe('a child run', () => {
  async function family(mode: TenantIsolationOptions['mode'], childTenant: string | undefined) {
    const isolation = tenantIsolation({ mode });
    const called = vi.fn(() => 'done');
    const child = pipeline('child', { outputs: { it: stage('it', { run: called }) } });
    const { host } = services<{ host: { runtime(): Runtime } }>();
    const parts = stage('parts', {
      needs: { host },
      run: async ({ host }, { runId }) => {
        const options = childTenant === undefined ? {} : { tenantId: childTenant };
        const run = await host.runtime().run(child, {}, { parent: runId, ...options });
        return run.status === 'failed' ? run.error.code : run.status;
      },
    });
    const p = pipeline('p', { outputs: { parts } });
    const runtime: Runtime = createRuntime({
      pipelines: [p, child],
      services: { host: { runtime: () => runtime } },
      interceptors: [isolation],
    });
    const run = await runtime.run(p, {}, { tenantId: 'acme' });
    return { parts: run.outputs.parts, calls: called.mock.calls.length, report: isolation.report() };
  }

  test('of the tenant of its parent runs', async () => {
    expect(await family('enforce', undefined)).toMatchObject({ parts: 'completed', calls: 1, report: { isIsolated: true } });
  });

  test('of another tenant is denied', async () => {
    const { parts, calls, report } = await family('enforce', 'umbrella');
    expect([parts, calls]).toEqual(['SF_AUTH_TENANT_MISMATCH', 0]);
    expect(report).toMatchObject({ tenants: ['acme', 'umbrella'], violations: [{ kind: 'child', expected: 'umbrella', actual: 'acme' }] });
  });

  test('of another tenant is reported where isolation is observed', async () => {
    expect(await family('observe', 'umbrella')).toMatchObject({ parts: 'completed', calls: 1, report: { violationCount: 1 } });
  });
});

describe('access()', () => {
  test('throws in the stage that is about to touch something of another tenant', async () => {
    const isolation = tenantIsolation({ mode: 'enforce' });
    const after = vi.fn();
    const act = stage('act', {
      run: (_, context) => {
        isolation.access(context, { tenantId: 'umbrella', subject: 'invoice 7' });
        after();
      },
    });
    const p = pipeline('p', { outputs: { act } });
    const sink = recordingSink();
    const run = await createRuntime({ pipelines: [p], sinks: [sink], interceptors: [isolation] }).run(p, {}, { tenantId: 'acme' });
    expect(run).toMatchObject({
      status: 'failed',
      error: { cause: { code: 'SF_AUTH_TENANT_MISMATCH', details: { subject: 'invoice 7', expected: 'acme', actual: 'umbrella' } } },
    });
    expect(after).toHaveBeenCalledTimes(0);
    expect(audit(sink.events)).toEqual([
      ['tenant.access_denied', { kind: 'access', subject: 'invoice 7', expected: 'acme', actual: 'umbrella' }],
    ]);
  });

  test.each([
    ['acme', true],
    [' acme ', true],
    [undefined, true],
    [null, true],
    ['umbrella', false],
    ['', false],
  ])('of %o says whether it may: %s', async (tenantId, may) => {
    const said: boolean[] = [];
    const isolation = tenantIsolation({ mode: 'observe' });
    const act = stage('act', { run: (_, context) => void said.push(isolation.access(context, { tenantId, subject: 'it' })) });
    const p = pipeline('p', { outputs: { act } });
    const run = await createRuntime({ pipelines: [p], interceptors: [isolation] }).run(p, {}, { tenantId: 'acme' });
    expect([run.status, said, isolation.report().isIsolated]).toEqual(['completed', [may], may]);
  });

  test('in a run without a tenant is refused', async () => {
    const isolation = tenantIsolation({ mode: 'enforce' });
    const act = stage('act', { run: (_, context) => isolation.access(context, { tenantId: 'acme', subject: 'it' }) });
    const run = await pipeline('p', { outputs: { act } }).run({});
    expect(run).toMatchObject({ status: 'failed', error: { cause: { code: 'SF_AUTH_TENANT_MISSING' } } });
  });
});

describe('under observe', () => {
  test('everything goes on, and what would have been denied is reported', async () => {
    const { run, calls, report, audit } = await runOf('observe', foreign, () => [foreign]);
    expect([run.status, calls]).toEqual(['completed', 1]);
    expect(report).toMatchObject({
      tenants: ['acme', 'umbrella'],
      violationCount: 2,
      isIsolated: false,
      violations: [{ kind: 'value' }, { kind: 'output' }],
    });
    expect(audit.map((event) => (event as [string])[0])).toEqual(['tenant.access_observed', 'tenant.access_observed']);
  });

  test('a run without a tenant goes on, too', async () => {
    const { run, report } = await runOf('observe', 1, undefined, {});
    expect(run.status).toBe('completed');
    expect(report.violations).toMatchObject([{ kind: 'missing' }]);
  });
});

test('what is kept for the report is bounded', async () => {
  const isolation = tenantIsolation({ mode: 'observe' });
  const act = stage('act', {
    run: (_, context) => {
      for (let index = 0; index < 1_500; index++) isolation.access(context, { tenantId: `t${index}`, subject: `s${index}` });
    },
  });
  const p = pipeline('p', { outputs: { act } });
  await createRuntime({ pipelines: [p], interceptors: [isolation] }).run(p, {}, { tenantId: 'acme' });
  const { tenants, violations, violationCount } = isolation.report();
  expect([tenants.length, violations.length, violationCount, violations.at(-1)?.subject]).toEqual([1_000, 1_000, 1_500, 's1499']);
});

test('a mode has to be chosen', () => {
  for (const mode of [undefined, 'off', 'Enforce'])
    expect(() => tenantIsolation({ mode: mode as never })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
});
