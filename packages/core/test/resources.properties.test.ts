import {
  createRuntime,
  type Needs,
  pipeline,
  type RegisteredPipeline,
  type ResourceOptions,
  type Runtime,
  type RuntimeLimits,
  race,
  type Stage,
  type StageContext,
  stage,
} from '@stageflow/core';
import { type VirtualClock, virtualClock } from '@stageflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const numRuns = Math.ceil(Number(process.env['STAGEFLOW_GRAPHS'] ?? 1_000) / 4);
const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);
const timeout = Math.max(60_000, numRuns * 100);

const resourceNames = ['first', 'second', 'third'] as const;

interface StageScript {
  readonly uses: readonly string[];
  readonly ms: number;
  readonly after: readonly number[];
  readonly ends: 'well' | 'badly' | 'flaky' | 'deaf';
  readonly attempts: number;
  readonly timeoutMs: number | undefined;
  readonly calls: { readonly uses: readonly string[]; readonly ms: number } | undefined;
  readonly raced: boolean;
}

interface RunScript {
  readonly at: number;
  readonly pipeline: number;
  readonly priority: number;
  readonly tenantId: string;
  readonly cancelAt: number | undefined;
  readonly below: boolean;
}

interface Script {
  readonly runs: ResourceOptions | undefined;
  readonly resources: readonly ResourceOptions[];
  readonly pipelines: readonly {
    readonly stages: readonly StageScript[];
    readonly maxConcurrency: number;
    readonly failureMode: 'fail-fast' | 'continue';
  }[];
  readonly starts: readonly RunScript[];
}

const optional = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const uses = fc.uniqueArray(fc.constantFrom(...resourceNames), { maxLength: 3 });
const limit = fc.record({
  capacity: fc.integer({ min: 1, max: 3 }),
  perKey: optional(fc.integer({ min: 1, max: 2 })),
  queue: optional(fc.record({ limit: optional(fc.integer({ min: 0, max: 3 })), timeoutMs: optional(fc.integer({ min: 5, max: 60 })) })),
});
const script: fc.Arbitrary<Script> = fc.record({
  runs: optional(limit),
  resources: fc.tuple(limit, limit, limit),
  pipelines: fc.array(
    fc.record({
      stages: fc.array(
        fc.record({
          uses,
          ms: fc.integer({ min: 0, max: 30 }),
          after: fc.array(fc.nat({ max: 5 }), { maxLength: 2 }),
          ends: fc.constantFrom('well', 'well', 'badly', 'flaky', 'deaf'),
          attempts: fc.integer({ min: 1, max: 3 }),
          timeoutMs: optional(fc.integer({ min: 5, max: 40 })),
          calls: optional(fc.record({ uses, ms: fc.integer({ min: 0, max: 20 }) })),
          raced: fc.boolean(),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      maxConcurrency: fc.integer({ min: 1, max: 4 }),
      failureMode: fc.constantFrom('fail-fast', 'continue'),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  starts: fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 40 }),
      pipeline: fc.nat({ max: 2 }),
      priority: fc.integer({ min: -2, max: 2 }),
      tenantId: fc.constantFrom('acme', 'globex'),
      cancelAt: optional(fc.integer({ min: 0, max: 80 })),
      below: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

/** Who is at work with what: the truth, against which the pools are held. */
class Books {
  readonly #taken = new Map<string, number>();
  readonly #limits: Readonly<Record<string, ResourceOptions>>;
  readonly faults: string[] = [];
  entries = 0;

  constructor(limits: Readonly<Record<string, ResourceOptions>>) {
    this.#limits = limits;
  }

  enter(names: readonly string[], key: string | undefined): () => void {
    this.entries++;
    const accounts = names.flatMap((name) => [
      { account: name, most: this.#limits[name]?.capacity },
      { account: `${name} of ${key}`, most: this.#limits[name]?.perKey },
    ]);
    for (const { account, most = Number.POSITIVE_INFINITY } of accounts) {
      const now = (this.#taken.get(account) ?? 0) + 1;
      this.#taken.set(account, now);
      if (now > most) this.faults.push(`${account}: ${now} of ${most}`);
    }
    return () => {
      for (const { account } of accounts) this.#taken.set(account, (this.#taken.get(account) as number) - 1);
    };
  }
}

function pipelineOf(
  index: number,
  { stages, maxConcurrency, failureMode }: Script['pipelines'][number],
  clock: VirtualClock,
  books: Books,
): RegisteredPipeline {
  const made: Stage[] = [];
  for (const [at, { uses, ms, after, ends, attempts, timeoutMs, calls, raced }] of stages.entries()) {
    const callee =
      calls &&
      stage(`callee ${at}`, {
        resource: calls.uses,
        run: (_, { identity, signal }) => {
          const leave = books.enter(
            calls.uses.filter((name) => !uses.includes(name as never)),
            identity.tenantId,
          );
          return clock.sleep(calls.ms, signal).finally(leave);
        },
      });
    const run = async (_: object, { attempt, call, identity, signal }: StageContext) => {
      const leave = books.enter(uses, identity.tenantId);
      try {
        if (callee !== undefined) await call(callee, {}).catch(() => {});
        await clock.sleep(ms, ends === 'deaf' ? undefined : signal);
      } finally {
        leave();
      }
      if (ends === 'badly' || (ends === 'flaky' && attempt < attempts)) throw new Error('no');
      return at;
    };
    // One that ignores its signal must not be given up, or its slot is free while it is still at work.
    const policy = ends === 'deaf' ? {} : { timeoutMs, retry: { attempts, backoff: 'constant', baseMs: 3, jitter: 'none' } as const };
    const one = stage(`s${at}`, {
      ...policy,
      graceMs: 1_000,
      resource: uses,
      after: after.filter((other) => other < at).map((other) => made[other] as Stage),
      run,
    });
    made.push(raced && ends !== 'deaf' ? race(`race ${at}`, one, stage(`pace ${at}`, { run: () => clock.sleep(15) })) : one);
  }
  const outputs: Needs = Object.fromEntries(made.map((one, at) => [`o${at}`, one]));
  return pipeline(`p${index}`, { outputs, maxConcurrency, failureMode, graceMs: 1_000 });
}

async function play({
  runs,
  resources,
  pipelines,
  starts,
}: Script): Promise<{ readonly books: Books; readonly refused: number; readonly statuses: readonly string[] }> {
  const clock = virtualClock();
  const named = Object.fromEntries(resources.map((options, at) => [resourceNames[at] as string, options]));
  const books = new Books(named);
  const made = pipelines.map((one, at) => pipelineOf(at, one, clock, books));
  const limits: RuntimeLimits = { runs, resources: named };
  const runtime: Runtime = createRuntime({ pipelines: made, clock, limits } as never);
  const ended: Promise<string>[] = [];
  let refused = 0;
  for (const { at, pipeline, cancelAt, below, ...options } of starts) {
    clock.schedule(() => {
      const parent = below ? runtime.runs().at(-1)?.runId : undefined;
      try {
        const handle = runtime.start(made[pipeline % made.length] as RegisteredPipeline, {}, { ...options, parent });
        ended.push(
          handle.result.then(
            ({ status }) => status,
            (error: { code: string }) => error.code,
          ),
        );
        if (cancelAt !== undefined) clock.schedule(() => handle.cancel(), cancelAt);
      } catch (error) {
        refused++;
        expect((error as { code: string }).code).toMatch(/^SF_(PARENT_ENDED|RUN_DEPTH_EXCEEDED)$/);
      }
    }, at);
  }
  await clock.runAll();
  const statuses = await clock.settle(Promise.all(ended));
  expect(ended.length + refused).toBe(starts.length);
  expect(books.faults).toEqual([]);
  const { runs: places, resources: pools } = runtime.limits();
  for (const [name, snapshot] of [['runs', places] as const, ...Object.entries(pools)]) {
    if (snapshot !== undefined) expect({ name, inUse: snapshot.inUse, queued: snapshot.queued }).toEqual({ name, inUse: 0, queued: 0 });
  }
  expect([runtime.activeRuns, clock.pending]).toEqual([0, 0]);
  return { books, refused, statuses };
}

test('whatever runs do, no resource is taken more than it is there, all of them end, and nothing is left taken', { timeout }, async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(script, async (given) => {
      const { books, statuses } = await play(given);
      for (const status of [...statuses, ...(books.entries > 0 ? ['at work'] : [])]) seen.set(status, (seen.get(status) ?? 0) + 1);
    }),
    { numRuns, seed },
  );
  // A property that never meets a case says nothing about it.
  for (const status of ['completed', 'failed', 'cancelled', 'SF_RUN_REFUSED', 'at work'])
    expect(seen.get(status), status).toBeGreaterThan(0);
});
