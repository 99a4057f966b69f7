import type { Encoded, JournalBatch, JournalRecord, Lease, NewRun, StoredWait } from '@stageflow/core/ports';

/** Where the cases begin, epoch milliseconds. */
export const startedAt = 1_735_689_600_000;

/** A run as it is created. */
export function newRun(runId: string, { tenantId, ...members }: Partial<NewRun> & { readonly tenantId?: string | undefined } = {}): NewRun {
  return {
    runId,
    pipeline: 'chat',
    version: '2',
    identity: {
      runId,
      requestId: undefined,
      sessionId: undefined,
      interactionId: undefined,
      userId: 'u-1',
      tenantId,
      correlationId: undefined,
      traceId: undefined,
      spanId: undefined,
      parentRunId: undefined,
      service: undefined,
      mode: undefined,
      metadata: { plan: 'free', limits: [1, 2] },
    },
    input: { text: encoded('hi') },
    createdAt: startedAt,
    ...members,
  };
}

/** A lease of 1 s. */
export function lease(owner: string, now: number = startedAt): Lease {
  return { owner, until: now + 1_000, now };
}

export function record(path: string, members: Partial<JournalRecord> = {}): JournalRecord {
  return { path, status: 'completed', attempts: 1, fingerprint: 'f', output: encoded(path), at: startedAt, ...members };
}

export function openWait(runId: string, path: string, members: Partial<StoredWait> = {}): StoredWait {
  const type = members.type ?? 'answer';
  return {
    waitId: `${runId}/${path}#${type}`,
    runId,
    tenantId: undefined,
    pipeline: 'chat',
    path,
    type,
    request: encoded({ question: path }),
    openedAt: startedAt,
    expiresAt: undefined,
    status: 'open',
    answer: undefined,
    ...members,
  };
}

/** A batch with what is given and nothing else. */
export function batch(members: Partial<JournalBatch>): JournalBatch {
  return { at: startedAt, records: [], waits: [], status: undefined, outputs: undefined, ...members };
}

/** Plain data as core would hand it over; a store does not look into it. */
export function encoded(value: unknown): Encoded {
  return JSON.stringify(value) as Encoded;
}
