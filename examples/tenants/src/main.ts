import type { Run } from '@stageflow/core';
import { openHost } from './host.ts';
import { identityProvider } from './identity-provider.ts';
import { erase, read } from './pipeline.ts';

const provider = await identityProvider();
const { auth, isolation, runtime } = openHost(provider);

const ada = await auth.identify(await provider.issue({ sub: 'ada', org_id: 'acme', roles: ['admin'] }));
const eve = await auth.identify(await provider.issue({ sub: 'eve', org_id: 'umbrella' }));

function tell(what: string, run: Run): void {
  console.log(`${what}:`, run.status === 'failed' ? `${run.status}, ${run.error.code}` : Object.values(run.outputs)[0]);
}

tell('her own', await runtime.run(read, { id: 'A-1' }, ada));
tell('his own', await runtime.run(read, { id: 'U-1' }, eve));
tell('of the others', await runtime.run(read, { id: 'A-1' }, eve));
tell('under their name', await runtime.run(read, { id: 'A-1' }, { ...eve, tenantId: 'acme' }));
tell('without a token', await runtime.run(read, { id: 'A-1' }, { tenantId: 'acme', userId: 'ada' }));
tell('not an admin', await runtime.run(erase, { id: 'U-1' }, eve));
tell('an admin', await runtime.run(erase, { id: 'A-1' }, ada));

const { tenants, violations } = isolation.report();
console.log(`seen: ${tenants.join(', ')}; stopped: ${violations.map(({ subject, actual }) => `${subject} of ${actual}`).join(', ')}`);
await runtime.close();
provider.close();
