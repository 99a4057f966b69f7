import { createRuntime, inputs, pipeline, skip, stage } from '@stageflow/core';
import { circuitBreaker } from '@stageflow/interceptors';
import { virtualClock } from '@stageflow/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);

/** How a call goes, and how long it takes. */
interface Plan {
  readonly ends: 'well' | 'badly' | 'skipped' | 'cancelled' | 'hanging';
  readonly afterMs: number;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  ends: fc.constantFrom('well', 'badly', 'badly', 'badly', 'skipped', 'cancelled', 'hanging'),
  afterMs: fc.constantFrom(0, 1, 20, 70, 150),
});
const arrival = fc.record({ inMs: fc.constantFrom(0, 0, 5, 30, 99, 100, 400), runtime: fc.constantFrom(0, 1), call: plan });

const rules = { failures: 3, windowMs: 500, openMs: 100, probeMs: 100 };

test('two runtimes, one breaker, any interleaving: what is kept back never succeeds, one probe at a time, and it heals', async () => {
  const seen = { refused: 0, probes: 0, reopened: 0 };
  const property = fc.asyncProperty(fc.array(arrival, { minLength: 5, maxLength: 40 }), async (arrivals) => {
    const clock = virtualClock();
    const changes: string[] = [];
    const breaker = circuitBreaker({
      name: 'b',
      key: () => 'k',
      ...rules,
      onChange: ({ state }) => changes.push(state),
    });
    const state = () => breaker.states()[0]?.state ?? 'closed';
    const calls = new Map<string, { readonly asked: string; readonly at: number }>();
    const { plan: plans } = inputs<{ plan: Plan }>();
    const call = stage('call', {
      needs: { plan: plans },
      run: async ({ plan: { ends, afterMs } }, { runId, signal }) => {
        calls.set(runId, { asked: state(), at: clock.monotonic() });
        if (ends === 'hanging') return new Promise(() => {});
        await clock.sleep(afterMs, ends === 'cancelled' ? signal : undefined);
        if (ends === 'badly') throw new Error('down');
        return ends === 'skipped' ? skip('nothing') : 'fine';
      },
    });
    const one = pipeline('p', { outputs: { call } });
    const runtimes = [0, 1].map(() => createRuntime({ pipelines: [one], clock, interceptors: [breaker] }));
    const running = [];
    let openedAt = Number.NEGATIVE_INFINITY;
    let before: string = 'closed';
    const watch = () => {
      if (state() === 'open' && before !== 'open') openedAt = clock.monotonic();
      before = state();
    };
    for (const [at, { inMs, runtime, call: wanted }] of arrivals.entries()) {
      for (let passed = 0; passed < inMs; passed++) {
        await clock.advance(1);
        watch();
      }
      const controller = new AbortController();
      clock.schedule(() => controller.abort(), wanted.ends === 'cancelled' ? Math.floor(wanted.afterMs / 2) : 1_000);
      const wasOpen = state() === 'open' && clock.monotonic() - openedAt < rules.openMs;
      const started = runtimes[runtime]?.run(one, { plan: wanted }, { runId: `${at}`, signal: controller.signal, graceMs: 10 });
      running.push(started);
      await clock.advance(0);
      // No call begins while it is open.
      if (wasOpen) expect(calls.has(`${at}`)).toBe(false);
      watch();
    }
    const ended = await clock.settle(Promise.all(running));
    for (const [at, run] of ended.entries()) {
      const refused = run?.errors.some(({ code }) => code === 'SF_BREAKER_OPEN') === true;
      if (refused) {
        seen.refused++;
        expect([run?.status, calls.has(`${at}`), run?.outputs]).toEqual(['failed', false, {}]);
      } else if (arrivals[at]?.call.ends === 'well') expect(run?.status).toBe('completed');
    }
    // Calls that began half-open are probes: no two within the time that one is given, unless the first had ended.
    const probes = [...calls.entries()].filter(([, { asked }]) => asked === 'half-open');
    seen.probes += probes.length;
    seen.reopened += changes.filter((each, index) => each === 'open' && changes[index - 1] === 'half-open').length;
    for (const [index, [id, { at }]] of probes.entries()) {
      const next = probes[index + 1];
      const { ends, afterMs } = arrivals.map(({ call }) => call)[Number(id)] as Plan;
      const lasts = ends === 'hanging' ? rules.probeMs : ends === 'cancelled' ? Math.floor(afterMs / 2) : Math.min(afterMs, rules.probeMs);
      if (next !== undefined) expect(next[1].at).toBeGreaterThanOrEqual(at + lasts);
    }
    await clock.advance(5_000);
    const last = await clock.settle(runtimes[0]?.run(one, { plan: { ends: 'well', afterMs: 0 } }) as Promise<{ readonly status: string }>);
    expect([last.status, state()]).toEqual(['completed', 'closed']);
  });
  await fc.assert(property, { numRuns: 60, seed });
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(0);
}, 60_000);
