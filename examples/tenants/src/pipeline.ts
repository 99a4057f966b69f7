import { authOf } from '@stageflow/auth';
import { inputs, pipeline, services, stage, work } from '@stageflow/core';

/** A row of the one table that all tenants share. */
export interface Invoice {
  readonly id: string;
  readonly tenantId: string;
  readonly total: number;
}

const { id } = inputs<{ id: string }>();
const { rows } = services<{ rows: Map<string, Invoice> }>();

/** Forgets to ask whose it is. */
const invoice = stage('invoice', {
  kind: 'enrich',
  needs: { id, rows },
  run: ({ id, rows }) => {
    const found = rows.get(id);
    if (found === undefined) throw new Error(`there is no invoice ${id}`);
    return found;
  },
});

const summary = stage('summary', {
  needs: { invoice },
  run: ({ invoice }, context) => `${authOf(context).userId} reads ${invoice.id}: ${invoice.total}`,
});

const deleted = work('deleted', {
  needs: { invoice, rows },
  tags: ['admin'],
  run: ({ invoice, rows }, context) => {
    rows.delete(invoice.id);
    return `${authOf(context).userId} deletes ${invoice.id}`;
  },
});

export const read = pipeline('read', { outputs: { summary } });
export const erase = pipeline('erase', { outputs: { deleted } });
