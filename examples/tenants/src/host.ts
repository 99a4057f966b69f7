import {
  type Authentication,
  authentication,
  authorization,
  jwtValidator,
  requireRole,
  type TenantIsolation,
  tenantIsolation,
} from '@stageflow/auth';
import { createRuntime, type Runtime } from '@stageflow/core';
import type { EventSink } from '@stageflow/core/ports';
import type { IdentityProvider } from './identity-provider.ts';
import { erase, type Invoice, read } from './pipeline.ts';

/** Everything that both tenants share. */
export interface Host {
  readonly auth: Authentication;
  readonly isolation: TenantIsolation;
  readonly runtime: Runtime;
  readonly rows: Map<string, Invoice>;
}

/** A runtime around whose runs stands: who is it, may they, and does it stay within their tenant. */
export function openHost({ issuer, jwks }: IdentityProvider, sinks: readonly EventSink[] = []): Host {
  const rows = new Map<string, Invoice>([
    ['A-1', { id: 'A-1', tenantId: 'acme', total: 120 }],
    ['U-1', { id: 'U-1', tenantId: 'umbrella', total: 990 }],
  ]);
  const auth = authentication({ validator: jwtValidator({ jwks, issuer, audience: 'invoices', algorithms: ['ES256'] }) });
  const isolation = tenantIsolation({ mode: 'enforce' });
  const admins = authorization({ policy: requireRole('admin'), only: { tags: ['admin'] } });
  const runtime = createRuntime({ pipelines: [read, erase], services: { rows }, sinks, interceptors: [auth, isolation, admins] });
  return { auth, isolation, runtime, rows };
}
