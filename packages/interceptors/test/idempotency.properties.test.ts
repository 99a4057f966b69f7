import { createRuntime, inputs, memoryIdempotencyStore, pipeline, type Run, work } from '@stageflow/core';
import type { IdempotencyStore } from '@stageflow/core/ports';
import { idempotency } from '@stageflow/interceptors';
import { type VirtualClock, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const numRuns = Math.ceil(Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000) / 2);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const timeout = Math.max(60_000, numRuns * 40);

const leaseMs = 300;
const ttlMs = 2_000;

/** Someone wants an effect. */
interface Request {
  readonly atMs: number;
  readonly tenant: 'a' | 'b' | undefined;
  readonly key: 'k' | 'l';
  readonly amount: 1 | 2;
  readonly takesMs: number;
  readonly fails: boolean;
  /** The second runtime cannot renew its leases: it is as good as paused. */
  readonly runtime: 'first' | 'paused';
}

/** A process that claims a call and dies. */
interface Death {
  readonly atMs: number;
  readonly tenant: Request['tenant'];
  readonly key: Request['key'];
}

/** One call of the function of the effect. */
interface Invocation {
  readonly request: Request;
  readonly startMs: number;
  endMs: number;
}

interface Ended {
  readonly request: Request;
  readonly run: Run;
  readonly endMs: number;
  readonly invocations: readonly Invocation[];
}

const request: fc.Arbitrary<Request> = fc.record({
  atMs: fc.integer({ min: 0, max: 5_000 }),
  tenant: fc.constantFrom('a', 'b', undefined),
  key: fc.constantFrom('k', 'l'),
  amount: fc.constantFrom(1, 1, 1, 2),
  takesMs: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 1_500 })),
  fails: fc.constantFrom(false, false, true),
  runtime: fc.constantFrom('first', 'paused'),
});
const death: fc.Arbitrary<Death> = fc.record({
  atMs: fc.integer({ min: 0, max: 5_000 }),
  tenant: fc.constantFrom('a', 'b', undefined),
  key: fc.constantFrom('k', 'l'),
});

const identityOf = ({ tenant, key }: Pick<Request, 'tenant' | 'key'>): string => `${tenant}/${key}`;

/** Everything that came of the requests, on two runtimes that share one store. */
async function play(requests: readonly Request[], deaths: readonly Death[]): Promise<readonly Ended[]> {
  const clock = virtualClock();
  const store = memoryIdempotencyStore({ clock });
  const invocations: Invocation[] = [];
  const { wanted } = inputs<{ wanted: Request }>();
  const pay = work('pay', {
    needs: { wanted },
    idempotencyKey: ({ wanted }) => wanted.key,
    deduplicate: { scope: 's', params: ({ wanted }) => wanted.amount },
    run: async ({ wanted }) => {
      const invocation = { request: wanted, startMs: clock.monotonic(), endMs: Number.POSITIVE_INFINITY };
      const id = invocations.push(invocation) - 1;
      await clock.sleep(wanted.takesMs);
      invocation.endMs = clock.monotonic();
      if (wanted.fails) throw new Error('no');
      return { id, tenant: wanted.tenant, key: wanted.key, amount: wanted.amount };
    },
  });
  const shop = pipeline('shop', { outputs: { pay } });
  const runtimes = { first: runtimeOn(store, clock), paused: runtimeOn(withoutRenewal(store), clock) };
  function runtimeOn(on: IdempotencyStore, at: VirtualClock) {
    return createRuntime({ pipelines: [shop], clock: at, interceptors: [idempotency({ store: on, leaseMs, ttlMs })] });
  }
  const dying = deaths.map(async ({ atMs, tenant, key }) => {
    await clock.sleep(atMs);
    await store.claim({ tenantId: tenant, scope: 's', key }, { paramsHash: undefined, leaseMs });
  });
  const running = requests.map(async (wanted) => {
    await clock.sleep(wanted.atMs);
    const run = await runtimes[wanted.runtime].run(shop, { wanted }, { tenantId: wanted.tenant });
    return { request: wanted, run, endMs: clock.monotonic(), invocations };
  });
  const [ended] = await clock.settle(Promise.all([Promise.all(running), Promise.all(dying)]));
  expect(clock.pending).toBe(0);
  return ended;
}

function withoutRenewal(store: IdempotencyStore): IdempotencyStore {
  return {
    name: 'paused',
    claim: (...given) => store.claim(...given),
    renew: () => Promise.reject(new Error('paused')),
    settle: (...given) => store.settle(...given),
    release: (...given) => store.release(...given),
    forget: (...given) => store.forget(...given),
    whenFree: (...given) => store.whenFree?.(...given) ?? Promise.resolve(),
  };
}

/** What a run says of its effect. */
function saidBy({ run }: Ended): 'made' | 'known' | string {
  const report = run.stages.get('pay');
  if (report?.outcome.status === 'completed') return report.cached ? 'known' : 'made';
  return report?.outcome.status === 'failed' ? report.outcome.error.code : String(report?.status);
}

function valueOf({ run }: Ended): { readonly id: number; readonly tenant: string; readonly key: string; readonly amount: number } {
  return run.outputs['pay'] as never;
}

/** What must hold of everything that came of some requests. */
function check(ended: readonly Ended[]): void {
  const invocations = ended[0]?.invocations ?? [];
  const kept = new Map<number, Invocation>();
  for (const each of ended) if (saidBy(each) === 'made') kept.set(valueOf(each).id, invocations[valueOf(each).id] as Invocation);
  checkInvocations(invocations, kept);
  for (const each of ended) checkRun(each, kept);
}

function checkInvocations(invocations: readonly Invocation[], kept: ReadonlyMap<number, Invocation>): void {
  for (const [id, earlier] of invocations.entries()) {
    for (const later of invocations.slice(id + 1)) {
      if (identityOf(earlier.request) !== identityOf(later.request)) continue;
      // What was made is remembered for its time.
      if (kept.has(id)) expect(later.startMs).toBeGreaterThanOrEqual(earlier.endMs + ttlMs);
      // Nobody else makes a call that is being made, unless its holder has let its lease run out.
      if (later.startMs >= earlier.endMs) continue;
      expect(earlier.request.runtime).toBe('paused');
      expect(later.startMs).toBeGreaterThanOrEqual(earlier.startMs + leaseMs);
    }
  }
}

function checkRun(each: Ended, kept: ReadonlyMap<number, Invocation>): void {
  const { request: wanted, endMs, invocations } = each;
  const own = invocations.filter(({ request }) => request === wanted);
  switch (saidBy(each)) {
    case 'made':
      expect(kept.get(valueOf(each).id)?.request).toBe(wanted);
      return expect(own.length).toBe(1);
    case 'known': {
      const by = kept.get(valueOf(each).id) as Invocation;
      expect(valueOf(each)).toEqual({ id: valueOf(each).id, tenant: wanted.tenant, key: wanted.key, amount: wanted.amount });
      expect(by.endMs).toBeLessThanOrEqual(endMs);
      expect(endMs).toBeLessThan(by.endMs + ttlMs);
      return expect(own).toEqual([]);
    }
    case 'SF_STAGE_FAILED':
      expect(wanted.fails).toBe(true);
      return expect(own.length).toBe(1);
    case 'SF_IDEMPOTENCY_MISMATCH': {
      const others = invocations.filter(({ request }) => identityOf(request) === identityOf(wanted) && request.amount !== wanted.amount);
      expect(others.some((other) => other.startMs <= endMs && endMs < other.endMs + ttlMs)).toBe(true);
      return expect(own).toEqual([]);
    }
    case 'SF_IDEMPOTENCY_LEASE_LOST':
      expect(wanted.runtime).toBe('paused');
      expect(wanted.takesMs).toBeGreaterThanOrEqual(leaseMs);
      return expect(own.length).toBe(1);
    default:
      throw new Error(`a run ended as "${saidBy(each)}"`);
  }
}

const seen = new Set<string>();

test(
  'of any requests at any times on two runtimes, each effect is made once for its time, and nobody gets what is not theirs',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), fc.array(death, { maxLength: 3 }), async (requests, deaths) => {
        const ended = await play(requests, deaths);
        for (const each of ended) seen.add(saidBy(each));
        check(ended);
      }),
      { numRuns, seed },
    );
    // What is never seen is not held either.
    expect([...seen].sort()).toEqual(['SF_IDEMPOTENCY_LEASE_LOST', 'SF_IDEMPOTENCY_MISMATCH', 'SF_STAGE_FAILED', 'known', 'made']);
  },
  timeout,
);

test('a store that lends a call to everyone is noticed', async () => {
  const wanted: Request = { atMs: 0, tenant: 'a', key: 'k', amount: 1, takesMs: 10, fails: false, runtime: 'first' };
  const ended = await play([wanted, { ...wanted, atMs: 5 }], []);
  const [first] = ended[0]?.invocations ?? [];
  const doubled = ended.map((each) => ({ ...each, invocations: [first as Invocation, { ...(first as Invocation), startMs: 5 }] }));
  expect(() => check(ended)).not.toThrow();
  expect(() => check(doubled)).toThrow();
});
