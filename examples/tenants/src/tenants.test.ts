import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { authOf } from '@stageflow/auth';
import { recordingSink } from '@stageflow/testing';
import { expect, onTestFinished, test } from 'vitest';
import { openHost } from './host.ts';
import { identityProvider } from './identity-provider.ts';
import { erase, read } from './pipeline.ts';

/** A host, and the options of runs for somebody. */
async function open() {
  const provider = await identityProvider();
  onTestFinished(() => provider.close());
  const sink = recordingSink();
  const host = openHost(provider, [sink]);
  const as = async (sub: string, org_id: string, ...roles: string[]) => host.auth.identify(await provider.issue({ sub, org_id, roles }));
  const ends = (type: 'stage.completed' | 'stage.started') => sink.events.flatMap((event) => (event.type === type ? [event.stage] : []));
  return { ...host, as, ends, sink };
}

test('each tenant reads its own', async () => {
  const { runtime, as, isolation } = await open();
  const run = await runtime.run(read, { id: 'A-1' }, await as('ada', 'acme'));
  expect(run).toMatchObject({ status: 'completed', outputs: { summary: 'ada reads A-1: 120' } });
  expect(authOf(run).org?.tenantId).toBe('acme');
  expect((await runtime.run(read, { id: 'U-1' }, await as('eve', 'umbrella'))).status).toBe('completed');
  expect(isolation.report()).toMatchObject({ tenants: ['acme', 'umbrella'], isIsolated: true });
});

test('what a stage finds of another tenant, nobody reads', async () => {
  const { runtime, as, isolation, ends } = await open();
  const run = await runtime.run(read, { id: 'A-1' }, await as('eve', 'umbrella'));
  expect(run).toMatchObject({ status: 'failed', outputs: {}, error: { code: 'SF_AUTH_TENANT_MISMATCH', path: 'invoice' } });
  expect(ends('stage.completed')).toEqual([]);
  expect(isolation.report().violations).toMatchObject([{ kind: 'output', expected: 'umbrella', actual: 'acme' }]);
});

test('nobody runs under the name of another tenant, or without a token: no stage is called', async () => {
  const { runtime, as, ends } = await open();
  const eve = await as('eve', 'umbrella');
  expect((await runtime.run(read, { id: 'A-1' }, { ...eve, tenantId: 'acme' })).status).toBe('failed');
  expect((await runtime.run(read, { id: 'A-1' }, { tenantId: 'acme', userId: 'ada' })).status).toBe('failed');
  expect(ends('stage.started')).toEqual([]);
});

test('only admins delete, and only their own', async () => {
  const { runtime, as, rows } = await open();
  expect(await runtime.run(erase, { id: 'U-1' }, await as('eve', 'umbrella'))).toMatchObject({ error: { code: 'SF_AUTH_ROLE_DENIED' } });
  expect((await runtime.run(erase, { id: 'U-1' }, await as('ada', 'acme', 'admin'))).status).toBe('failed');
  expect([...rows.keys()]).toEqual(['A-1', 'U-1']);
  expect((await runtime.run(erase, { id: 'A-1' }, await as('ada', 'acme', 'admin'))).status).toBe('completed');
  expect([...rows.keys()]).toEqual(['U-1']);
});

test('the whole example runs', { timeout: 30_000 }, () => {
  const path = fileURLToPath(new URL('main.ts', import.meta.url));
  const printed = execFileSync(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', path], { encoding: 'utf8' });
  expect(printed.trimEnd().split('\n')).toEqual([
    'her own: ada reads A-1: 120',
    'his own: eve reads U-1: 990',
    'of the others: failed, SF_AUTH_TENANT_MISMATCH',
    'under their name: failed, SF_AUTH_TENANT_MISMATCH',
    'without a token: failed, SF_AUTH_TOKEN_MISSING',
    'not an admin: failed, SF_AUTH_ROLE_DENIED',
    'an admin: ada deletes A-1',
    'seen: acme, umbrella; stopped: What "invoice" yields of acme',
  ]);
});
